"""A pickle reader that makes arrays and plain containers, and nothing else.

A pickle names the functions it wants called. Here each permitted name stands for a small function of
our own that only records numbers and bytes; any other name raises CheckpointError before it is looked
up, so nothing of the file, of NumPy's internals or of a framework ever runs on its behalf.
"""

from __future__ import annotations

import pickle
import pickletools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from figureground.checkpoints.mapped import Mapped
from figureground.checkpoints.types import array
from figureground.errors import CheckpointError

# operations whose argument makes the unpickler reserve that much at once
LENGTHS = ("FRAME", "PUT", "BINPUT", "LONG_BINPUT")
KINDS = {"f": "float", "i": "int", "u": "uint", "b": "bool", "c": "complex"}


class Kind:
    """Stands for numpy.dtype: "f4" and a byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or code[:1] not in KINDS or not code[1:].isdigit():
            raise CheckpointError(f"an array is of type {code!r}; expected numbers")
        letter, size = code[0], int(code[1:])
        self.name = "bool" if letter == "b" else f"{KINDS[letter]}{size * 8}"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] == ">":
            raise CheckpointError("an array is big-endian, which no writer of today makes")


class Array:
    """Stands for numpy.ndarray while it is put together."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, data = state
        if isinstance(data, str):
            data = data.encode("latin-1")
        if not isinstance(kind, Kind) or not isinstance(data, bytes):
            raise CheckpointError("an array is not made as NumPy makes it")
        self.value = array(data, kind.name, shape, "F" if fortran else "C")


def _reconstruct(*_: Any) -> Array:
    return Array()


def _scalar(kind: Kind, data: Any) -> Any:
    content = data.encode("latin-1") if isinstance(data, str) else data
    return array(content, kind.name, ()).item()


def _encode(text: str, coding: str) -> bytes:
    if coding not in ("latin1", "latin-1"):
        raise CheckpointError(f"a byte string is coded as {coding!r}; expected latin1")
    return text.encode("latin-1")


class Marker:
    """Stands for a class that is only named, never made."""


NUMPY: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): Marker,
    ("numpy", "dtype"): Kind,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): OrderedDict,
}


class Reader(pickle.Unpickler):
    """Unpickles with `allowed` names only; `persistent` resolves the references that torch makes."""

    def __init__(
        self,
        file: Mapped,
        allowed: dict[tuple[str, str], Any],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(file)  # type: ignore[arg-type]
        self.allowed = allowed
        self.persistent = persistent

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self.allowed:
            raise CheckpointError(
                f"this file wants to run {module}.{name}, which a checkpoint of tensors does not need; "
                "refused. Save the state dict alone, not the whole module"
            )
        return self.allowed[module, name]

    def persistent_load(self, reference: Any) -> Any:
        if self.persistent is None:
            raise CheckpointError("this pickle refers to something outside itself")
        return self.persistent(reference)


def load(
    file: Mapped,
    allowed: dict[tuple[str, str], Any],
    persistent: Callable[[Any], Any] | None = None,
) -> Any:
    """The object of one pickle, read from a file that is left behind its end.

    Raises CheckpointError for a forbidden name or damaged bytes.
    """
    start = file.tell()
    size = len(file.content)
    try:
        # A dry run first: the unpickler would reserve memory for whatever length damaged bytes state.
        for operation, argument, _ in pickletools.genops(file):  # type: ignore[arg-type]
            if operation.name in LENGTHS and isinstance(argument, int) and argument > size:
                raise CheckpointError("this pickle is damaged: it states an impossible length")
        file.seek(start)
        return Reader(file, allowed, persistent).load()
    except (pickle.UnpicklingError, ValueError) as error:
        raise CheckpointError(f"this pickle is damaged or cut short ({error})") from None


def arrays(value: Any) -> Any:
    """The value of an Array; anything else as it is."""
    return getattr(value, "value", None) if isinstance(value, Array) else value

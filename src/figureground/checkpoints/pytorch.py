"""PyTorch files: the zip container of torch ≥ 1.6 and the pickle sequence before it.

Both hold a pickle whose tensors refer to storages, raw little-endian numbers kept beside it. A state
dict may stand alone or under `state_dict` in a training checkpoint (torchreid's .pth.tar and others).
"""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from figureground.checkpoints.mapped import Mapped
from figureground.checkpoints.pickled import NUMPY, load
from figureground.checkpoints.types import Arrays, array
from figureground.errors import CheckpointError

KINDS = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16", "LongStorage": "int64", "IntStorage": "int32",
    "ShortStorage": "int16", "CharStorage": "int8", "ByteStorage": "uint8", "BoolStorage": "bool",
}  # fmt: skip
STATE_KEYS = ("state_dict", "model_state_dict", "model", "net")


class Storage:
    """Raw numbers of one kind; filled at once (zip) or once the pickle has been read (legacy)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.values: NDArray[Any] | None = None


class Tensor:
    """A view of a storage: offset, size and stride in elements."""

    def __init__(self, storage: Storage, offset: int, size: Any, stride: Any, *_: Any) -> None:
        if not isinstance(storage, Storage):
            raise CheckpointError("a tensor does not refer to a storage")
        self.storage, self.offset = storage, offset
        self.size, self.stride = tuple(size), tuple(stride)

    def value(self) -> NDArray[Any]:
        values = self.storage.values
        if values is None:
            raise CheckpointError("a tensor's numbers are missing: the file is cut short")
        numbers = (self.offset, *self.size, *self.stride)
        if len(self.size) != len(self.stride) or not all(
            isinstance(n, int) and n >= 0 for n in numbers
        ):
            raise CheckpointError("a tensor has an impossible shape: the file is damaged")
        if 0 in self.size:
            return np.zeros(self.size, values.dtype)
        last = self.offset + sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True))
        if last >= len(values) or np.prod(self.size, dtype=object) > len(values):
            raise CheckpointError("a tensor reaches beyond its numbers: the file is damaged")
        strides = [s * values.itemsize for s in self.stride]
        view = np.lib.stride_tricks.as_strided(values[self.offset :], self.size, strides)
        return view if view.flags.c_contiguous else np.ascontiguousarray(view)


def _parameter(tensor: Tensor, *_: Any) -> Tensor:
    return tensor


ALLOWED: dict[tuple[str, str], Any] = {
    **NUMPY,
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("collections", "defaultdict"): lambda *_: {},
    **{("torch", name): name for name in KINDS},
}


def read_zip(content: memoryview) -> Arrays:
    """A file of torch ≥ 1.6."""
    try:
        archive = zipfile.ZipFile(Mapped(content))  # type: ignore[arg-type]
        entries = {entry.filename: entry for entry in archive.infolist()}
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise CheckpointError(f"this zip file is damaged or cut short ({error})") from None
    roots = [name.removesuffix("data.pkl") for name in entries if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise CheckpointError("this zip file is no torch checkpoint: it holds no data.pkl")
    root = roots[0]
    storages: dict[str, Storage] = {}

    def part(name: str) -> bytes:
        if name not in entries:
            raise CheckpointError(f"this torch checkpoint lacks {name}: it is damaged")
        if entries[name].compress_type != zipfile.ZIP_STORED:
            raise CheckpointError(f"{name} is compressed, which torch never writes; refused")
        try:
            return archive.read(name)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            raise CheckpointError(f"{name} is damaged ({error})") from None

    def storage(reference: Any) -> Storage:
        kind, key = _reference(reference)
        if key not in storages:
            data = part(f"{root}data/{key}")
            storages[key] = Storage(kind)
            width = 2 if kind == "bfloat16" else np.dtype(kind).itemsize
            storages[key].values = array(data, kind, (len(data) // width,))
        return storages[key]

    return _tensors(load(Mapped(memoryview(part(f"{root}data.pkl"))), ALLOWED, storage))


def read_legacy(content: memoryview) -> Arrays:
    """A file of torch before 1.6: magic, version, system, object, storage keys, then the storages."""
    file = Mapped(content)
    storages: dict[str, Storage] = {}

    def storage(reference: Any) -> Storage:
        kind, key = _reference(reference)
        return storages.setdefault(key, Storage(kind))

    for _ in range(3):
        load(file, {})
    found = load(file, ALLOWED, storage)
    for key in load(file, {}):
        count = int.from_bytes(file.read(8), "little")
        if key not in storages:
            raise CheckpointError("a storage that nothing refers to: the file is damaged")
        kind = storages[key].kind
        size = count * (2 if kind == "bfloat16" else np.dtype(kind).itemsize)
        if size > len(content):
            raise CheckpointError("this torch checkpoint is cut short: a tensor is not whole")
        storages[key].values = array(file.read(size), kind, (count,))
    return _tensors(found)


def _reference(reference: Any) -> tuple[str, str]:
    """(kind, key) of torch's ("storage", type, key, device, count[, view])."""
    if not isinstance(reference, tuple) or len(reference) < 5 or reference[0] != "storage":
        raise CheckpointError("a reference is not of torch's form: the file is damaged")
    name, key = reference[1], reference[2]
    if name not in KINDS or not isinstance(key, str):
        raise CheckpointError(f"a tensor is of type {name!r}, which is not supported")
    return KINDS[name], key


def _tensors(found: Any) -> Arrays:
    for key in STATE_KEYS:
        if isinstance(found, dict) and isinstance(found.get(key), (dict, OrderedDict)):
            found = found[key]
            break
    if not isinstance(found, dict):
        raise CheckpointError(f"this file holds {type(found).__name__}; expected a state dict")
    return {
        name: value.value()
        for name, value in found.items()
        if isinstance(name, str) and isinstance(value, Tensor)
    }

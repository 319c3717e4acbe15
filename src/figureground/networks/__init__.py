"""Network architectures, one file each.

A file's BUILDERS maps names to functions of flat arguments; its from_foreign maps the parameter names
of published checkpoints to ours.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn

MOST_CLASSES = 1_000_000  # persons of a data set, say


@cache
def builders() -> dict[str, Callable[..., nn.Module]]:
    """Every builder by name. Imports torch."""
    found: dict[str, Callable[..., nn.Module]] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        found |= getattr(importlib.import_module(module.name), "BUILDERS", {})
    return dict(sorted(found.items()))


def names() -> list[str]:
    """Names that `build` accepts."""
    return list(builders())


def build(name: str, **arguments: Any) -> nn.Module:
    """A freshly initialised network.

    Raises ValueError for an unknown name or a num_classes that is not 1 to a million, and TypeError for an
    argument the builder does not take.
    """
    if name not in builders():
        raise ValueError(f"unknown network {name!r}; expected one of {', '.join(names())}")
    classes = arguments.get("num_classes", 1)
    if not isinstance(classes, int) or not 1 <= classes <= MOST_CLASSES:
        raise ValueError(
            f"num_classes is {classes!r}; expected a whole number, 1 up to {MOST_CLASSES}"
        )
    return builders()[name](**arguments)


def from_foreign(name: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Tensors of a published checkpoint (see checkpoints.read) as the state dict of the network `name`.

    Parameter names are mapped; values are shared with the arrays, so do not write to them. Nothing is
    checked against the network, whose load_state_dict says what is missing or left over.
    """
    import warnings

    import torch

    module = importlib.import_module(builders()[name].__module__)
    renamed = module.from_foreign(tensors)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*not writable.*")  # mapped files; we only read them
        return {key: torch.from_numpy(_native(value)) for key, value in renamed.items()}


def infer(
    name: str, foreign: Mapping[str, NDArray[Any]], tensors: Mapping[str, Tensor]
) -> dict[str, Any]:
    """Arguments of the builder `name` that can be read off a checkpoint.

    foreign: the tensors by their names in the file. tensors: the same by ours (see from_foreign).
    family by the spelling of batch norms, num_classes by the last layer, levels by the heads.
    """
    module = importlib.import_module(builders()[name].__module__)
    taken = inspect.signature(builders()[name]).parameters
    found: dict[str, Any] = {}
    if "family" in taken:
        written = any(key.endswith(".moving_variance") for key in foreign)
        found["family"] = "mindspore" if written else "torch"
    last = tensors.get(getattr(module, "LAST", ""))
    if "num_classes" in taken and last is not None:
        found["num_classes"] = len(last)
    if "levels" in taken:
        found["levels"] = module.levels_of(tensors)
    return found


def _native(values: NDArray[Any]) -> NDArray[Any]:
    """In C order and this machine's byte order, which torch wants; copied only if it is not so."""
    return np.asarray(values, values.dtype.newbyteorder("="), order="C")

"""Network architectures, one file each.

A file's BUILDERS maps names to functions of flat arguments; its from_foreign maps the parameter names
of published checkpoints to ours.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor, nn


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

    Raises ValueError for an unknown name and TypeError for an argument the builder does not take.
    """
    if name not in builders():
        raise ValueError(f"unknown network {name!r}; expected one of {', '.join(names())}")
    return builders()[name](**arguments)


def from_foreign(name: str, tensors: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """Tensors of a published checkpoint (see checkpoints.read) as the state dict of the network `name`.

    Parameter names are mapped, values copied; nothing is checked against the network, whose
    load_state_dict says what is missing or left over.
    """
    import numpy as np
    import torch

    module = importlib.import_module(builders()[name].__module__)
    renamed = module.from_foreign(tensors)
    return {key: torch.from_numpy(np.array(value)) for key, value in renamed.items()}

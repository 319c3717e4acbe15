"""Network architectures, one file each. A file's BUILDERS maps names to functions of flat arguments."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


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

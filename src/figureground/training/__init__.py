"""Training: one file per kind of system, its task and its data; one loop for all (`fit`).

A system's file ends with SYSTEMS, which maps its name to its (task, data).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytorch_lightning import LightningDataModule, LightningModule


@cache
def systems() -> dict[str, tuple[type[LightningModule], type[LightningDataModule]]]:
    """Every system that a recipe can name. Imports torch."""
    found: dict[str, tuple[type[LightningModule], type[LightningDataModule]]] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        found |= getattr(importlib.import_module(module.name), "SYSTEMS", {})
    return dict(sorted(found.items()))

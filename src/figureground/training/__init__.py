"""Training: one file per kind of system, its task and its data; one loop for all (`fit`).

A system's file ends with SYSTEMS, which maps its name to its (task, data): a LightningModule, and what
makes a LightningDataModule. What each takes is what its section of a recipe may say.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from figureground.errors import RecipeError

if TYPE_CHECKING:
    from pytorch_lightning import LightningModule

    from figureground.recipes import Values
    from figureground.training.devices import Lessons

    System = tuple[type[LightningModule], Callable[..., Lessons]]


@cache
def systems() -> dict[str, System]:
    """Every system that a recipe can name: its task and its data. Imports torch."""
    found: dict[str, System] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        found |= getattr(importlib.import_module(module.name), "SYSTEMS", {})
    return dict(sorted(found.items()))


def system(values: Values) -> System:
    """The system that a recipe is for; RecipeError when there is none of that name."""
    if values["system"] not in systems():
        raise RecipeError(f"system is {values['system']!r}; expected one of {', '.join(systems())}")
    return systems()[values["system"]]

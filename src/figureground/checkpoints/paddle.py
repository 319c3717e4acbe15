"""Paddle .pdparams: one pickled dictionary of arrays (paddle.save of a state dict, protocols 2 to 4).

The extra key StructuredToParameterName@@ holds internal names and is left out. With protocols 2 and 3,
arrays over 1 GiB come as flat parts NAME@@.0, NAME@@.1 … listed under UnpackBigParamInfor@@.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from figureground.checkpoints.mapped import Mapped
from figureground.checkpoints.pickled import NUMPY, arrays, load
from figureground.checkpoints.types import Arrays
from figureground.errors import CheckpointError

INTERNAL_NAMES = "StructuredToParameterName@@"
BIG_PARTS = "UnpackBigParamInfor@@"
OPTIMIZER = re.compile(r"_(velocity|moment\d?|beta\d_pow_acc)_\d+$")


def read(content: memoryview) -> Arrays:
    found = load(Mapped(content), NUMPY)
    if not isinstance(found, dict):
        raise CheckpointError(f"this pickle holds {type(found).__name__}; expected a state dict")
    found.pop(INTERNAL_NAMES, None)
    names = [name for name in found if isinstance(name, str)]
    if "LR_Scheduler" in found or (names and all(OPTIMIZER.search(name) for name in names)):
        raise CheckpointError(
            "this is a Paddle optimizer state (.pdopt); expected network weights (.pdparams)"
        )
    _join(found)
    tensors = {}
    for name, value in found.items():
        value = arrays(value)
        if isinstance(name, str) and isinstance(value, np.ndarray):
            tensors[name] = value
    return tensors


def _join(found: dict[Any, Any]) -> None:
    """Puts arrays that were written in parts together again."""
    for name, information in found.pop(BIG_PARTS, {}).items():
        parts = [arrays(found.pop(part)) for part in information["slices"]]
        found[name] = np.concatenate(parts).reshape(information["OriginShape"])

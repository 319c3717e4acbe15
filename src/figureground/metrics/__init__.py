"""Metrics, one idea one file: `update` with one prediction at a time, then `compute`.

Saliency and matting metrics are computed per image in float64 and averaged over the images, so each image
weighs alike whatever its size.
"""

from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Map = NDArray[np.float64]


class Metric(Protocol):
    """What a metric of soft maps is: one image after another, then the figures by name."""

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None: ...

    def compute(self) -> dict[str, float]: ...


def checked(prediction: ArrayLike, truth: ArrayLike) -> tuple[Map, Map]:
    """Both as H×W float64. Raises ValueError on different shapes or values outside [0, 1]."""
    maps = np.asarray(prediction, np.float64), np.asarray(truth, np.float64)
    if maps[0].shape != maps[1].shape or maps[0].ndim != 2 or not maps[0].size:
        raise ValueError(
            f"prediction is {maps[0].shape}, truth is {maps[1].shape}; expected the same H×W, at least 1×1"
        )
    for name, values in zip(("prediction", "truth"), maps):
        if not (values.min() >= 0 and values.max() <= 1):
            raise ValueError(
                f"{name} holds {values.min():g} … {values.max():g}; expected 0 … 1 "
                "(divide 8-bit maps by 255)"
            )
    return maps


def average(values: list[float]) -> float:
    """Mean over the images; ValueError when none was seen."""
    if not values:
        raise ValueError("no image was seen; give update() at least one image")
    return float(np.mean(values))

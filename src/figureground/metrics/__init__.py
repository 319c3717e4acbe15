"""Metrics, one idea one file: `update` with one prediction at a time, then `compute`.

    from figureground.metrics import Matting    # of METRICS, each imported when it is first used

Saliency and matting metrics are computed per image in float64 and averaged over the images, so each image
weighs alike whatever its size.

What a metric has seen it keeps in lists with an item per update, in arrays of whole numbers that add up, or
in other metrics: so several processes can each see a part of a set, see `join`.
"""

import copy
import importlib
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Map = NDArray[np.float64]
Kept = TypeVar("Kept")
METRICS = {  # class -> its file
    "BoundaryIoU": "boundary_iou",
    "DtSSD": "dtssd",
    "EMeasure": "e_measure",
    "FMeasure": "f_measure",
    "Matting": "matting",
    "MeanAbsoluteError": "mean_absolute_error",
    "OpenSet": "open_set",
    "RelaxedBoundaryF": "relaxed_boundary_f",
    "Retrieval": "reid",
    "SMeasure": "s_measure",
    "Saliency": "saliency",
    "Segmentation": "segmentation",
    "WeightedFMeasure": "weighted_f_measure",
}


def __getattr__(name: str) -> Any:
    if name not in METRICS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{METRICS[name]}"), name)


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


def labelled(
    prediction: NDArray[np.integer | np.bool_], label: NDArray[np.integer | np.bool_]
) -> None:
    """Raises ValueError unless both are H×W whole numbers or truth values of one shape, at least 1×1."""
    if prediction.shape != label.shape or prediction.ndim != 2 or not prediction.size:
        raise ValueError(
            f"prediction is {prediction.shape}, label is {label.shape}; expected the same H×W, at least 1×1"
        )
    for name, values in (("prediction", prediction), ("label", label)):
        if values.dtype.kind not in "biu":
            raise ValueError(
                f"{name} is {values.dtype}; expected whole numbers (of probabilities, p > 0.5)"
            )


def average(values: list[float]) -> float:
    """Mean over the images; ValueError when none was seen."""
    if not values:
        raise ValueError("no image was seen; give update() at least one image")
    return float(np.mean(values))


def join(metrics: Sequence[Kept]) -> Kept:
    """One metric that has seen what these have: the first update of each, then the second of each …

    Its figures are exactly those of a single metric that saw the same in this order.
    Raises TypeError for a metric with other sums, which would depend on the order.
    """
    joined = copy.copy(metrics[0])
    for name in vars(joined):
        setattr(joined, name, _joined([getattr(metric, name) for metric in metrics]))
    return joined


def _joined(parts: list[Any]) -> Any:
    kind = parts[0]
    if isinstance(kind, list):
        if kind and hasattr(kind[0], "update"):
            return [join(metrics) for metrics in zip(*parts)]
        missing = object()
        turns = chain.from_iterable(zip_longest(*parts, fillvalue=missing))
        return [item for item in turns if item is not missing]
    if isinstance(kind, dict):
        return {key: _joined([part[key] for part in parts]) for key in kind}
    if isinstance(kind, np.ndarray):
        if not np.issubdtype(kind.dtype, np.integer):
            raise TypeError("a metric must not add up floats; keep a list")
        return np.sum(parts, axis=0)
    return kind

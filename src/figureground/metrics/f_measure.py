"""F-measure of saliency maps (Achanta et al. 2009), β² = 0.3.

For each threshold t the prediction is cut at p ≥ t, the truth at g > 0.5, and

    F = (1 + β²) · precision · recall / (β² · precision + recall),

0 where nothing of the object is hit. Convention (PySODMetrics): 256 thresholds k/255; a curve per image,
averaged over the images; max_f and mean_f are of the averaged curve. adaptive_f cuts each image at twice
its mean prediction, at most 1. A truth without an object scores 0.

protocol="published" is the model zoo's "max_F", by which its U²-Net is published (85.52 %). It differs in
four ways: prediction and truth are divided by their own maxima; the truth is not cut but weighs pixels;
there are 255 thresholds i·(1 − 1e-10)/255; and precision and recall are swapped, so that β² favours
recall. It is not to be compared with other papers' max F.
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from figureground.metrics import Map, average, checked

BETA2 = 0.3
THRESHOLDS = (np.arange(256) - 1e-4) / 255  # a float32 map reaches its 8-bit level despite rounding
PUBLISHED_THRESHOLDS = np.arange(255) * (1 - 1e-10) / 255


def reached(prediction: Map, truth: Map, thresholds: Map) -> tuple[Map, Map]:
    """How much object (Σ g) and background (Σ 1 − g) the prediction takes at each rising threshold."""
    level = np.searchsorted(thresholds, prediction.ravel(), side="right")

    def above(weights: Map) -> Map:
        sums = np.bincount(level, weights.ravel(), minlength=len(thresholds) + 1)
        return sums[::-1].cumsum()[::-1][1:]

    return above(truth), above(1 - truth)


def adaptive_threshold(prediction: Map) -> Map:
    """Twice the mean, at most 1; as an array of one threshold."""
    return np.minimum([2 * prediction.mean()], 1)


def precision_recall(prediction: Map, truth: Map, thresholds: Map) -> tuple[Map, Map]:
    """Both at each threshold; 0 where nothing is taken or there is nothing to take."""
    hit, false = reached(prediction, truth, thresholds)
    return hit / np.maximum(hit + false, 1), hit / (truth.sum() or 1)


def f_score(precision: ArrayLike, recall: ArrayLike, beta2: float = BETA2) -> Map:
    """(1 + β²)PR / (β²P + R), 0 where both are 0."""
    p, r = np.asarray(precision, np.float64), np.asarray(recall, np.float64)
    below = beta2 * p + r
    return (1 + beta2) * p * r / np.where(below > 0, below, 1)


class FMeasure:
    """Keeps a curve over the thresholds per image, 2 kB; exact over everything seen."""

    def __init__(self, protocol: Literal["standard", "published"] = "standard") -> None:
        if protocol not in ("standard", "published"):
            raise ValueError(f"protocol is {protocol!r}; expected standard or published")
        self.published = protocol == "published"
        self.curves: list[Map] = []
        self.adaptive: list[float] = []

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, g = checked(prediction, truth)
        if self.published:
            p, g = p / (p.max() or 1), g / (g.max() or 1)
            precision, recall = precision_recall(p, g, PUBLISHED_THRESHOLDS)
            self.curves.append(f_score(recall, precision))  # sic
        else:
            g = (g > 0.5).astype(np.float64)
            self.curves.append(f_score(*precision_recall(p, g, THRESHOLDS)))
        self.adaptive.append(float(f_score(*precision_recall(p, g, adaptive_threshold(p)))[0]))

    def compute(self) -> dict[str, float]:
        """max_f, and for the standard protocol mean_f and adaptive_f; each in [0, 1].

        Raises ValueError when nothing was seen.
        """
        adaptive, curve = average(self.adaptive), np.mean(self.curves, axis=0)
        if self.published:
            return {"max_f": float(curve.max())}
        return {"max_f": float(curve.max()), "mean_f": float(curve.mean()), "adaptive_f": adaptive}

"""E-measure, enhanced alignment (Fan et al. 2018, arXiv 1805.10421).

A binary prediction and truth, each less its own mean, are a and b; φ = 2ab / (a² + b²) says how they
align in each pixel, and E = Σ (φ + 1)² / 4 / (N − 1), the authors' divisor, so that a perfect map
scores a little above 1. An empty truth scores the share of pixels left out, a full one the share taken.
Thresholds, curve and adaptive cut are those of the F-measure (see f_measure).
"""

import numpy as np
from numpy.typing import ArrayLike

from figureground.metrics import Map, average, checked
from figureground.metrics.f_measure import THRESHOLDS, adaptive_threshold, reached


class EMeasure:
    """Keeps a curve over 256 thresholds per image, 2 kB; exact over everything seen."""

    def __init__(self) -> None:
        self.curves: list[Map] = []
        self.adaptive: list[float] = []

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, soft = checked(prediction, truth)
        g = (soft > 0.5).astype(np.float64)
        self.curves.append(_alignment(p, g, THRESHOLDS))
        self.adaptive.append(float(_alignment(p, g, adaptive_threshold(p))[0]))

    def compute(self) -> dict[str, float]:
        """max_e, mean_e, adaptive_e. Raises ValueError when nothing was seen."""
        adaptive, curve = average(self.adaptive), np.mean(self.curves, axis=0)
        return {"max_e": float(curve.max()), "mean_e": float(curve.mean()), "adaptive_e": adaptive}


def _alignment(p: Map, g: Map, thresholds: Map) -> Map:
    """E at each threshold: only four pairs (a, b) occur, so counting them is enough."""
    hit, false = reached(p, g, thresholds)
    size, present = g.size, g.sum()
    if present == 0:
        total = size - false
    elif present == size:
        total = hit
    else:
        taken, share = (hit + false) / size, present / size
        total = np.zeros(len(thresholds))
        for count, a, b in (
            (hit, 1 - taken, 1 - share),
            (false, 1 - taken, -share),
            (present - hit, -taken, 1 - share),
            (size - present - false, -taken, -share),
        ):
            total += count * (2 * a * b / (a**2 + b**2) + 1) ** 2 / 4
    return total / max(size - 1, 1)

"""S-measure, structural similarity of a soft map to a binary truth (Fan et al. 2017, arXiv 1708.00786).

S = ½ · S_object + ½ · S_region, at least 0.

- S_object = Σ share · 2x̄ / (x̄² + 1 + σ), over the object with x = p and the rest with x = 1 − p; σ with
  N − 1.
- S_region: the four rectangles that meet at the object's centroid, each weighted by its area, each with
  4·x̄·ȳ·σ_xy / ((x̄² + ȳ²)(σ_x² + σ_y²)); 1 where both terms vanish, 0 where only the first does.

An empty truth scores 1 − mean(p), a full one mean(p). The centroid is rounded half to even as in
PySODMetrics (the authors' MATLAB rounds half up).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from figureground.metrics import Map, average, checked

EPS = np.spacing(1)


class SMeasure:
    """The truth is cut at g > 0.5."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, soft = checked(prediction, truth)
        g = soft > 0.5
        if g.any() and not g.all():
            value = max(0.0, (_object(p, g) + _region(p, g)) / 2)
        else:
            value = float(p.mean() if g.any() else 1 - p.mean())
        self.values.append(value)

    def compute(self) -> dict[str, float]:
        """s_measure, in [0, 1]. Raises ValueError when nothing was seen."""
        return {"s_measure": average(self.values)}


def _object(p: Map, g: NDArray[np.bool_]) -> float:
    score = 0.0
    for x in (p[g], 1 - p[~g]):
        mean, deviation = x.mean(), x.std(ddof=1) if x.size > 1 else 0
        score += x.size / p.size * 2 * mean / (mean**2 + 1 + deviation)
    return float(score)


def _region(p: Map, g: NDArray[np.bool_]) -> float:
    y, x = (round(c) + 1 for c in np.argwhere(g).mean(0))
    score = 0.0
    for rows in (slice(y), slice(y, None)):
        for columns in (slice(x), slice(x, None)):
            part = p[rows, columns]
            if part.size:
                score += part.size / p.size * _similarity(part, g[rows, columns].astype(np.float64))
    return score


def _similarity(x: Map, y: Map) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    n = max(x.size - 1, 1)
    above = 4 * x.mean() * y.mean() * (dx * dy).sum() / n
    below = (x.mean() ** 2 + y.mean() ** 2) * ((dx**2).sum() + (dy**2).sum()) / n
    if above == 0:
        return float(below == 0)
    return float(above / (below + EPS))

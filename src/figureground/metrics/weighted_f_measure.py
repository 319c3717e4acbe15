"""Weighted F-measure (Margolin, Zelnik-Manor, Tal 2014, "How to evaluate foreground maps?"), β² = 1.

With E = |p − g| for a binary truth g:

- an error inside the object is forgiven where its neighbours are right: min(E, K ∗ E'), K a 7×7 Gaussian of
  σ = 5 with zeros beyond the image, E' = E inside and the error of the nearest object pixel outside;
- an error outside counts by its distance d to the object, from 1 to 2: 2 − exp(ln(½)/5 · d).

With these weighted errors, recall is 1 − their mean inside, and precision TP / (TP + FP), where TP is the
object's size − their sum inside, FP their sum outside. Without an object the score is 0, as in
PySODMetrics. Where several object pixels are equally near, which one is taken is nobody's definition;
implementations differ there by about 1e-4. Needs OpenCV (the extra [train]).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from figureground.metrics import Map, average, checked
from figureground.metrics.f_measure import f_score


class WeightedFMeasure:
    """The truth is cut at g > 0.5."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, soft = checked(prediction, truth)
        g = soft > 0.5
        self.values.append(_weighted_f(p, g) if g.any() else 0.0)

    def compute(self) -> dict[str, float]:
        """weighted_f, in [0, 1]. Raises ValueError when nothing was seen."""
        return {"weighted_f": average(self.values)}


def _weighted_f(p: Map, g: NDArray[np.bool_]) -> float:
    import cv2

    outside = (~g).astype(np.uint8)
    error = abs(p - g)
    # the 5×5 chamfer distance of this call errs far away, but orders rightly what the kernel can see
    _, nearest = cv2.distanceTransformWithLabels(
        outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    of_pixel = np.zeros(nearest.max() + 1)
    of_pixel[nearest[g]] = error[g]
    kernel = np.exp(-(np.arange(-3, 4) ** 2) / (2 * 5**2))
    kernel /= kernel.sum()
    smooth = cv2.sepFilter2D(
        of_pixel[nearest], cv2.CV_64F, kernel, kernel, borderType=cv2.BORDER_CONSTANT
    )
    inside = np.minimum(error, smooth)[g]
    rough = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[~g]
    distance = np.sqrt(np.rint(rough.astype(np.float64) ** 2))  # float32, rounded anew in each call
    false = (error[~g] * (2 - 0.5 ** (distance / 5))).sum()
    hit = inside.size - inside.sum()
    precision = hit / (hit + false) if hit + false else 0.0
    return float(f_score(precision, 1 - inside.mean(), 1.0))

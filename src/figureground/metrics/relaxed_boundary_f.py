"""Relaxed boundary F-measure (Ehrig, Euzenat 2005; for saliency Qin et al. 2019, 2020, arXiv 2005.09007).

Prediction and truth are cut at 0.5; the boundary is a mask less its erosion by a 3×3 square, where the
image's own edge is no boundary. Precision is the share of predicted boundary pixels within ρ = 3 pixels
(Euclidean) of the true boundary, recall the share of true ones within ρ of the predicted; F with β² = 0.3,
averaged over the images. Two maps without a boundary score 1, one alone 0. The authors published no code
for it, so what a paper prints may cut or erode differently. Needs OpenCV (the extra [train]).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from figureground.metrics import average, checked
from figureground.metrics.f_measure import f_score


class RelaxedBoundaryF:
    """rho: how far apart boundary pixels may be, in pixels."""

    def __init__(self, rho: float = 3) -> None:
        self.rho = rho
        self.values: list[float] = []

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, g = (_boundary(m > 0.5) for m in checked(prediction, truth))
        if p.any() and g.any():
            value = float(f_score(self._near(p, g), self._near(g, p)))
        else:
            value = float(p.any() == g.any())
        self.values.append(value)

    def compute(self) -> dict[str, float]:
        """relaxed_f, in [0, 1]. Raises ValueError when nothing was seen."""
        return {"relaxed_f": average(self.values)}

    def _near(self, some: NDArray[np.bool_], others: NDArray[np.bool_]) -> float:
        """Which share of some pixels has one of the others within rho."""
        import cv2

        distance = cv2.distanceTransform(
            (~others).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE
        )
        return float((distance[some] <= self.rho).mean())


def _boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    eroded = cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8))  # its border never erodes
    return mask & (eroded == 0)

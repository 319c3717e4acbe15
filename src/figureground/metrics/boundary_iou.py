"""Boundary IoU (Cheng et al. 2021, arXiv 2103.16562): IoU of the bands just inside two masks' contours.

The band of a mask is its pixels within d of its outside, counted in steps to any of eight neighbours; what
lies beyond the image is outside. d is 2 % of the image's diagonal, rounded, at least 1. Unlike mask IoU it
stays sensitive on large objects. Per image, averaged over the images; two empty masks score 1.
Needs OpenCV (the extra [train]).
"""

import numpy as np
from numpy.typing import NDArray

from figureground.metrics import average, labelled


class BoundaryIoU:
    """Accumulates masks. ratio: width of the band as a share of the diagonal."""

    def __init__(self, ratio: float = 0.02, ignore: int = 255) -> None:
        self.ratio = ratio
        self.ignore = ignore
        self.values: list[float] = []

    def update(self, prediction: NDArray[np.integer], label: NDArray[np.integer]) -> None:
        """One image: two H×W maps where 1 is the object; pixels whose label is `ignore` do not count.

        Raises ValueError on different shapes, on what are no whole numbers, or on a prediction that holds
        `ignore`.
        """
        labelled(prediction, label)
        if (prediction == self.ignore).any():
            raise ValueError(
                f"prediction holds {self.ignore}; expected class numbers (of 0 and 255, mask > 127)"
            )
        valid = label != self.ignore
        label = np.where(valid, label, prediction)  # so that no contour arises where nobody knows
        p, g = self._band(prediction == 1) & valid, self._band(label == 1) & valid
        either = (p | g).sum()
        self.values.append(float((p & g).sum() / either) if either else 1.0)

    def compute(self) -> dict[str, float]:
        """boundary_iou, in [0, 1]. Raises ValueError when nothing was seen."""
        return {"boundary_iou": average(self.values)}

    def _band(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        import cv2

        d = max(1, round(self.ratio * float(np.hypot(*mask.shape))))
        square = np.ones((2 * d + 1, 2 * d + 1), np.uint8)
        inner = cv2.erode(
            mask.astype(np.uint8), square, borderType=cv2.BORDER_CONSTANT, borderValue=0
        )
        return mask & (inner == 0)

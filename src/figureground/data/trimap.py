"""Trimaps made of alphas: where a matte is sure, and the band about the edge where it is not."""

from typing import Literal

import cv2
import numpy as np

from figureground.data import Alpha, Labels
from figureground.published import TRIMAP

Protocol = Literal["standard", "published"]


def trimap(alpha: Alpha, size: int = 10, protocol: Protocol = "standard") -> Labels:
    """H×W uint8 of TRIMAP, SHM's order, from an alpha H×W float32 in [0, 1].

    The alpha is dilated and eroded by an ellipse of size×size pixels (OpenCV's). Sure is where all of its
    surroundings are 0, or all are 1: dilated = 0, eroded = 1.

    protocol="published" is Semantic Human Matting's: 128 where dilated = 255 and eroded = 0, elsewhere the
    dilated alpha as it is; of that, 0 is background, 250 and above foreground, the rest unsure. So hair
    that is nowhere 0 passes for foreground. (The originals then number foreground 2 and unsure 1, against
    the order in which their fusion takes the channels; here both are as the fusion takes them.)
    """
    ellipse = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    dilated, eroded = cv2.dilate(alpha, ellipse), cv2.erode(alpha, ellipse)
    made = np.full(alpha.shape, TRIMAP.index("unsure"), np.uint8)
    made[dilated == 0] = TRIMAP.index("background")
    sure = eroded == 1
    if protocol == "published":
        sure = (dilated >= 250 / 255) & ~((dilated == 1) & (eroded == 0))
    made[sure] = TRIMAP.index("foreground")
    return made

"""Where people are in a photo, by its alpha."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from figureground.gallery.records import Box
from figureground.imaging.regions import regions, shrunk

SMALLEST = 32  # pixels of height in the photo: less shows nobody who could be found again
SHARE = 20  # of the area of the largest region: smaller ones are mostly mistakes


def people(alpha: NDArray[np.float32], margin: float = 0.05) -> list[Box]:
    """Boxes of the connected regions of an H×W alpha above one half, the largest region first.

    A region less than 32 pixels high, or than a twentieth of the largest one, is nobody. The box is
    wider than the region by `margin` of its height on every side, within the photo. Who touch are one.
    """
    height, width = alpha.shape
    labels, count = regions(shrunk(alpha) > 0.5)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    found = []
    for label in np.argsort(-areas, kind="stable") + 1:
        y, x = np.nonzero(labels == label)
        across, down = width / labels.shape[1], height / labels.shape[0]
        top, bottom = y.min() * down, (y.max() + 1) * down
        if bottom - top < SMALLEST or areas[label - 1] < areas.max() / SHARE:
            continue
        more = margin * (bottom - top)
        sides = x.min() * across - more, top - more, (x.max() + 1) * across + more, bottom + more
        if box := within(sides, width, height):
            found.append(box)
    return found


def within(sides: tuple[float, float, float, float], width: int, height: int) -> Box | None:
    """Left, top, right, bottom as a box of whole pixels in the photo; None when none are left."""
    left, top = max(round(sides[0]), 0), max(round(sides[1]), 0)
    right, bottom = min(round(sides[2]), width), min(round(sides[3]), height)
    return (left, top, right - left, bottom - top) if left < right and top < bottom else None

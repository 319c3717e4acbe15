"""Where people are in a photo, by its alpha."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from figureground.gallery.records import Box
from figureground.imaging.regions import regions, shrunk

LEVEL = 0.25  # of alpha: at one half, dark clothes and hair fall apart into several regions
SMALLEST = 32  # pixels of height in the photo: less shows nobody who could be found again
SHARE = 20  # of the area of the largest region: smaller ones are mostly mistakes
VALLEY = 0.07  # of the height: how far the outline falls between two heads
PART = 0.15  # of the area of a region: less is an arm or a bag


def people(alpha: NDArray[np.float32], margin: float = 0.05) -> list[Box]:
    """Boxes of the connected regions of an H×W alpha above 0.25 that reach one half, the largest first.

    A region less than 32 pixels high, or than a twentieth of the largest one, is nobody; one with several
    heads beside each other is as many people, see `apart`. The box is wider than the region by `margin`
    of its height on every side, within the photo. Who stand before each other are one.
    """
    height, width = alpha.shape
    small = shrunk(alpha)
    labels, _ = regions(small > LEVEL)
    sure = np.unique(labels[small > 0.5])
    parts = [part for label in sure for part in apart(labels == label)]
    parts.sort(key=np.count_nonzero, reverse=True)
    found = []
    for part in parts:
        y, x = np.nonzero(part)
        across, down = width / labels.shape[1], height / labels.shape[0]
        top, bottom = y.min() * down, (y.max() + 1) * down
        if bottom - top < SMALLEST or len(y) < np.count_nonzero(parts[0]) / SHARE:
            continue
        more = margin * (bottom - top)
        sides = x.min() * across - more, top - more, (x.max() + 1) * across + more, bottom + more
        if box := within(sides, width, height):
            found.append(box)
    return found


def apart(region: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """The people in one connected region of an H×W mask, cut apart from top to bottom between their heads.

    There, the upper outline falls below both of its sides by 7 % of the region's height or more, and
    each side has 15 % of its area: what has less, an arm, is no person. The deepest such place first.
    """
    y, x = np.nonzero(region)
    start = x.min()
    part = region[y.min() : y.max() + 1, start : x.max() + 1]
    outline = np.where(part.any(axis=0), 1 - part.argmax(axis=0) / len(part), 0)
    area = part.sum(axis=0).cumsum() / part.sum()
    while True:
        right = np.maximum.accumulate(outline[::-1])[::-1]
        valley = np.minimum(np.maximum.accumulate(outline), right) - outline
        deepest = np.flatnonzero(valley == valley.max())
        first, last = deepest[0], deepest[-1]
        if valley[first] < VALLEY:
            return [region]
        if area[first] < PART:
            outline[:first] = np.minimum(outline[:first], outline[first])
        elif 1 - area[last] < PART:
            outline[last:] = np.minimum(outline[last:], outline[last])
        else:
            break
    here = np.arange(region.shape[1]) < start + deepest[len(deepest) // 2]
    return [*apart(region & here), *apart(region & ~here)]


def within(sides: tuple[float, float, float, float], width: int, height: int) -> Box | None:
    """Left, top, right, bottom as a box of whole pixels in the photo; None when none are left."""
    left, top = max(round(sides[0]), 0), max(round(sides[1]), 0)
    right, bottom = min(round(sides[2]), width), min(round(sides[3]), height)
    return (left, top, right - left, bottom - top) if left < right and top < bottom else None

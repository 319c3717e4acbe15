"""A small alpha made large along the edges of the photo."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.size import reduced

RADIUS = 5  # cells of the small alpha on each side of the window
EPSILON = 1e-4  # of (0 … 1)²: how little a photo may vary and still steer the alpha
ROWS = 256  # of the small alpha at a time, which bounds the memory
TILE = (
    128  # pixels of the photo: it is drawn in squares, so that those without an edge cost nothing
)

Plane = NDArray[np.float32]


def guided(
    pixels: NDArray[np.uint8], alpha: Plane, contrast: float = 1.0, radius: int = RADIUS
) -> Plane:
    """H×W×3 uint8 RGB and h×w alpha of the same picture to H×W alpha in [0, 1].

    In each window of the small picture alpha is taken to be linear in colour, α = a · I + b, by least
    squares; the means of a and b over all windows, enlarged, then meet the photo at its full size (He,
    Sun, Tang 2013, "Guided Image Filtering", eqs. 17-19; He and Sun 2015, arXiv 1505.00996). An edge of
    the photo within `radius` cells of the small alpha's becomes the alpha's. contrast: about 0.5, the same
    for all photos; windows average, so what was a mask should be steepened again.
    """
    size = alpha.shape[1], alpha.shape[0]
    small = np.asarray(reduced(pixels, size))
    height, width = pixels.shape[:2]
    down, across = len(alpha) / height, alpha.shape[1] / width
    reach = 2 * radius + 1  # further away nothing is felt
    sure = max(1 / 510, (1 - 1 / contrast) / 4)  # nearer to 0 or 1 than this, contrast makes 0 or 1
    result = np.empty((height, width), np.float32)
    for first in range(0, len(alpha), ROWS):
        last = min(first + ROWS, len(alpha))
        start = max(first - reach, 0)
        near = alpha[start : last + reach]
        planes = None
        bottom_row = round(last / down)
        for top in range(round(first / down), bottom_row, TILE):
            bottom = min(top + TILE, bottom_row)
            upper, lower = top * down - start, bottom * down - start
            for left in range(0, width, TILE):
                right = min(left + TILE, width)
                box = left * across, upper, right * across, lower
                seen = near[
                    max(math.floor(upper) - reach, 0) : math.ceil(lower) + reach,
                    max(math.floor(box[0]) - reach, 0) : math.ceil(box[2]) + reach,
                ]
                tile = result[top:bottom, left:right]
                if (low := seen.min()) > 1 - sure or (seen.max() < sure):
                    tile[:] = low > 0.5
                    continue
                if planes is None:
                    planes = _coefficients(small[start : last + reach], near, radius)
                _draw(tile, pixels[top:bottom, left:right], planes, box, contrast)
    return result


def _draw(
    tile: Plane,
    pixels: NDArray[np.uint8],
    planes: list[Image.Image],
    box: tuple[float, float, float, float],
    contrast: float,
) -> None:
    """α = a · I + b for the pixels in the box of the small picture, steepened, into the tile."""
    size = tile.shape[1], tile.shape[0]
    *slopes, rest = (plane.resize(size, Image.Resampling.BILINEAR, box=box) for plane in planes)
    tile[:] = np.asarray(rest)
    for channel, slope in enumerate(slopes):
        tile += np.asarray(slope) * pixels[:, :, channel]
    if contrast != 1:
        tile *= np.float32(contrast)
        tile += np.float32(0.5 - 0.5 * contrast)
    np.clip(tile, 0, 1, out=tile)


def _coefficients(small: NDArray[np.uint8], alpha: Plane, radius: int) -> list[Image.Image]:
    """a (three planes, per step of 255) and b."""
    colour = [small[:, :, channel] * np.float32(1 / 255) for channel in range(3)]
    mean = [_mean(plane, radius) for plane in colour]
    level = _mean(alpha, radius)
    spread = [
        _mean(colour[i] * colour[j], radius) - mean[i] * mean[j]
        for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    ]
    for i in (0, 3, 5):
        spread[i] += np.float32(EPSILON)
    shared = [_mean(plane * alpha, radius) - m * level for plane, m in zip(colour, mean)]
    slopes = [a * shared[0] + b * shared[1] + c * shared[2] for a, b, c in inverted(*spread)]
    rest = level - slopes[0] * mean[0] - slopes[1] * mean[1] - slopes[2] * mean[2]
    planes = [*(slope * np.float32(1 / 255) for slope in slopes), rest]
    return [Image.fromarray(_mean(plane, radius)) for plane in planes]


def inverted(rr: Any, rg: Any, rb: Any, gg: Any, gb: Any, bb: Any) -> list[list[Any]]:
    """The inverses of many symmetric 3×3 matrices of arrays, by their cofactors; row by row."""
    c00, c01, c02 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c11, c12, c22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c00 + rg * c01 + rb * c02)
    c00, c01, c02, c11, c12, c22 = (c * scale for c in (c00, c01, c02, c11, c12, c22))
    return [[c00, c01, c02], [c01, c11, c12], [c02, c12, c22]]


def _mean(plane: Plane, radius: int) -> Plane:
    """h×w to the means over the window about each pixel; beyond the edge is as at the edge."""
    width = 2 * radius + 1
    across = _sums(np.pad(plane, radius, "edge"), width)
    return _sums(across.T, width).T * np.float32(1 / width**2)


def _sums(plane: Plane, width: int) -> Plane:
    """Sums of `width` neighbours along the last axis, by those of 1, 2, 4 … of them."""
    length = plane.shape[1] - width + 1
    total = np.zeros((len(plane), length), np.float32)
    done, power = 0, 1
    while done < width:
        if width & power:
            total += plane[:, done : done + length]
            done += power
        plane = plane[:, :-power] + plane[:, power:]
        power *= 2
    return total

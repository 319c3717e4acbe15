"""An alpha harder, fuller, wider, narrower, softer; and the trimap of it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.regions import enlarged, regions, widened
from figureground.imaging.size import within

Alpha = NDArray[np.float32]

ROWS = 256  # of the photo at a time, which stay in the processor's cache
RIM = 64  # pixels of the longer side of the picture in which a hole is made wider by one
SURE = 0.05  # nearer to 0 or 1 a trimap is sure


def shaped(
    alpha: Alpha,
    *,
    threshold: float = 0.0,
    fill_holes: float = 0.0,
    grow: int = 0,
    shrink: int = 0,
    feather: float = 0.0,
) -> Alpha:
    """H×W alpha in [0, 1], after these in this order; 0 leaves each out.

    threshold: below it nothing, from it on everything, in [0, 1]. fill_holes: holes of at most this share
    of the photo, in [0, 1]. grow, shrink: pixels; first the one, then the other, which together close gaps.
    feather: standard deviation of a Gaussian in pixels.
    """
    if threshold:
        alpha = (alpha >= threshold).astype(np.float32)
    if fill_holes:
        alpha = filled(alpha, fill_holes)
    if grow and shrink:  # what grows beyond the photo has to shrink from there
        alpha = np.pad(alpha, grow, mode="edge")
        alpha = 1 - grown(1 - grown(alpha, grow), shrink)
        alpha = np.ascontiguousarray(alpha[grow:-grow, grow:-grow])
    elif grow:
        alpha = grown(alpha, grow)
    elif shrink:
        alpha = 1 - grown(1 - alpha, shrink)
    return feathered(alpha, feather) if feather else alpha


def filled(alpha: Alpha, share: float) -> Alpha:
    """H×W alpha with holes of at most `share` of the photo set to 1.

    A hole is what hangs together below one half and does not touch the photo's edge. Its soft rim, what is
    above one half within some 1/64 of the longer side, becomes 1 too.
    """
    labels, count = regions(alpha < 0.5)
    small = np.bincount(labels.ravel(), minlength=count + 1) <= share * alpha.size
    outside = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    small[outside] = small[0] = False
    if not small.any():
        return alpha
    holes = small[labels]
    size = within(alpha.shape[1], alpha.shape[0], RIM)
    coarse = Image.fromarray(holes.astype(np.uint8) * 255).resize(size, Image.Resampling.BOX)
    near = enlarged(widened(np.asarray(coarse) > 0), alpha.shape)
    result = np.where(alpha >= 0.5, np.maximum(alpha, near), alpha)
    result[holes] = 1
    return result


def grown(alpha: Alpha, radius: int) -> Alpha:
    """The highest alpha within a disc of `radius` pixels of each pixel, H×W."""
    height, width = alpha.shape
    result = np.empty_like(alpha)
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        first, last = max(top - radius, 0), min(bottom + radius, height)
        above, below = radius - (top - first), radius - (last - bottom)
        # the disc is lines of growing half-width, from its poles to its middle
        line = np.pad(alpha[first:last], ((above, below), (radius, radius)))
        strip, half = result[top:bottom], 0
        strip[:] = 0
        for away in range(radius, -1, -1):
            while half < math.isqrt(radius * radius - away * away):
                line = np.maximum(np.maximum(line[:, :-2], line[:, 2:]), line[:, 1:-1])
                half += 1
            middle = line[:, radius - half : radius - half + width]
            for shift in {radius - away, radius + away}:
                np.maximum(strip, middle[shift : shift + len(strip)], out=strip)
    return result


def feathered(alpha: Alpha, deviation: float) -> Alpha:
    """H×W alpha blurred by a Gaussian; beyond the photo's edge is as at the edge.

    Wide ones are computed on a smaller picture, where they lose nothing.
    """
    height, width = alpha.shape
    step = max(1, int(deviation / 2))
    size = math.ceil(width / step), math.ceil(height / step)
    small = alpha
    if step > 1:
        small = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BILINEAR))
    small = _blurred(_blurred(small, deviation * size[1] / height).T, deviation * size[0] / width).T
    if step > 1:
        image = Image.fromarray(np.ascontiguousarray(small))
        small = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
    return np.ascontiguousarray(small).clip(0, 1)


def _blurred(values: Alpha, deviation: float) -> Alpha:
    """Down the columns."""
    reach = max(1, math.ceil(3 * deviation))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    weights = (weights / weights.sum()).astype(np.float32)
    wide = np.pad(values, ((reach, reach), (0, 0)), "edge")
    result = np.empty_like(values)
    for top in range(0, len(values), ROWS):
        strip = result[top : top + ROWS]
        strip[:] = 0
        for shift, weight in enumerate(weights, top):
            strip += weight * wide[shift : shift + len(strip)]
    return result


def trimap(alpha: Alpha, band: int) -> NDArray[np.uint8]:
    """H×W uint8: 255 where alpha is sure to be 1, 0 where it is sure to be 0, 128 within `band` pixels of
    where it is neither."""
    made = np.full(alpha.shape, 128, np.uint8)
    made[grown(alpha, band) <= SURE] = 0
    made[grown(1 - alpha, band) <= SURE] = 255
    return made

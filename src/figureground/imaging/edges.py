"""A small alpha made large along the edges of the photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RADIUS = 5  # cells of the small alpha on each side of the window
EPSILON = 1e-4  # of (0 … 1)²: how little a photo may vary and still steer the alpha
ROWS = 512  # of the photo at a time, which bounds the memory


def guided(
    pixels: NDArray[np.uint8], alpha: NDArray[np.float32], contrast: float = 1.0
) -> NDArray[np.float32]:
    """H×W×3 uint8 RGB and h×w alpha of the same picture to H×W alpha in [0, 1].

    In each window of the small picture alpha is taken to be linear in colour, α = a · I + b, by least
    squares; the means of a and b over all windows, enlarged, then meet the photo at its full size (He,
    Sun, Tang 2013, "Guided Image Filtering", eqs. 17-19; He and Sun 2015, arXiv 1505.00996). An edge of
    the photo within RADIUS cells of the small alpha's becomes the alpha's. contrast: about 0.5, the same
    for all photos; windows average, so what was a mask should be steepened again.
    """
    height, width = pixels.shape[:2]
    size = alpha.shape[1], alpha.shape[0]
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    planes = [Image.fromarray(plane) for plane in _coefficients(np.asarray(small), alpha)]
    share = alpha.shape[0] / height
    result = np.empty((height, width), np.float32)
    for top in range(0, height, ROWS):
        bottom = min(top + ROWS, height)
        box = (0, top * share, alpha.shape[1], bottom * share)
        *slopes, rest = (
            np.asarray(plane.resize((width, bottom - top), Image.Resampling.BILINEAR, box=box))
            for plane in planes
        )
        strip = result[top:bottom]
        strip[:] = rest
        for channel, slope in enumerate(slopes):
            strip += slope * pixels[top:bottom, :, channel]
        strip -= np.float32(0.5)
        strip *= np.float32(contrast)
        strip += np.float32(0.5)
        np.clip(strip, 0, 1, out=strip)
    return result


def _coefficients(
    small: NDArray[np.uint8], alpha: NDArray[np.float32]
) -> list[NDArray[np.float32]]:
    """a (three planes, per step of 255) and b."""
    colour = small.astype(np.float32).transpose(2, 0, 1) / np.float32(255)
    mean = _means(np.stack([*colour, alpha]))
    red, green, blue, level = mean
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    products = [colour[i] * colour[j] for i, j in pairs] + [plane * alpha for plane in colour]
    moments = _means(np.stack(products))
    rr, rg, rb, gg, gb, bb = (moment - mean[i] * mean[j] for moment, (i, j) in zip(moments, pairs))
    rr, gg, bb = rr + EPSILON, gg + EPSILON, bb + EPSILON
    ra, ga, ba = moments[6:] - mean[:3] * level
    # the symmetric 3×3 system by its cofactors
    c00, c01, c02 = gg * bb - gb * gb, rb * gb - rg * bb, rg * gb - rb * gg
    c11, c12, c22 = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c00 + rg * c01 + rb * c02)
    slopes = np.stack(
        [
            (c00 * ra + c01 * ga + c02 * ba) * scale,
            (c01 * ra + c11 * ga + c12 * ba) * scale,
            (c02 * ra + c12 * ga + c22 * ba) * scale,
        ]
    )
    rest = level - slopes[0] * red - slopes[1] * green - slopes[2] * blue
    red, green, blue, rest = _means(np.stack([*slopes, rest])).astype(np.float32)
    return [*(slope / np.float32(255) for slope in (red, green, blue)), rest]


def _means(planes: NDArray[np.floating]) -> NDArray[np.float64]:
    """N×h×w to the means over the window about each pixel; beyond the edge is as at the edge."""
    width = 2 * RADIUS + 1
    sums = np.pad(
        planes.astype(np.float64), ((0, 0), (RADIUS + 1, RADIUS), (RADIUS + 1, RADIUS)), "edge"
    )
    np.cumsum(sums, 1, out=sums)
    sums = sums[:, width:] - sums[:, :-width]
    np.cumsum(sums, 2, out=sums)
    return (sums[:, :, width:] - sums[:, :, :-width]) / width**2

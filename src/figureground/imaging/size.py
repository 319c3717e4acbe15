"""Sizes of smaller copies of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

STRIP = 1 << 20  # pixels at a time


def within(width: int, height: int, longest: int) -> tuple[int, int]:
    """(width, height) in the same shape with no side above `longest`; never larger than it is."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def reduced(
    pixels: NDArray[np.uint8],
    size: tuple[int, int],
    resample: Image.Resampling = Image.Resampling.BOX,
) -> Image.Image:
    """H×W(×3) uint8 at a size (width, height), as Pillow's resize with a reducing_gap of 2 gives it, but
    without a copy of the whole: Pillow's pictures of three channels take four bytes a pixel.
    """
    height, width = pixels.shape[:2]
    across, down = (max(full // (2 * part), 1) for full, part in zip((width, height), size))
    if across == down == 1:
        return Image.fromarray(pixels).resize(size, resample)
    rows = max(STRIP // (width * down), 1) * down
    strips = [
        np.asarray(Image.fromarray(pixels[top : top + rows]).reduce((across, down)))
        for top in range(0, height, rows)
    ]
    box = (0, 0, width / across, height / down)
    return Image.fromarray(np.concatenate(strips)).resize(size, resample, box=box)

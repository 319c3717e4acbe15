"""A photo cut to what it shows, and made to measure."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import ImageError, in_range
from figureground.imaging.read import MAX_PIXELS
from figureground.imaging.regions import LEVEL
from figureground.imaging.size import within

Pixels = NDArray[np.uint8]
Alpha = NDArray[Any]  # float32 in [0, 1] or uint8
Box = tuple[int, int, int, int]
LARGEST = 30_000  # pixels of a side that may be asked for


def subject(alpha: Alpha, margin: float = 0.0) -> Box | None:
    """Left, top, right, bottom of where an H×W alpha is above 0.2, and `margin` of the longer side about
    it, within the photo. None where it is nowhere."""
    shown = alpha > (LEVEL if alpha.dtype == np.float32 else LEVEL * 255)
    rows, columns = np.flatnonzero(shown.any(1)), np.flatnonzero(shown.any(0))
    if not len(rows):
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    more = round(margin * max(bottom - top, right - left))
    height, width = alpha.shape
    return (
        max(left - more, 0),
        max(top - more, 0),
        min(right + more, width),
        min(bottom + more, height),
    )


def sides(size: str) -> tuple[int, int] | None:
    """ "800x600" as (800, 600); "800", the longest side, as (800, 0); "" as None. ImageError for others."""
    if not size:
        return None
    match = re.fullmatch(r"([0-9]{1,9})(?:[x×]([0-9]{1,9}))?", size)
    if not match:
        raise ImageError(
            f"size is {size[:40]!r}; expected WIDTHxHEIGHT, or the longest side, in pixels"
        )
    for side in match.groups():
        if side is not None:
            in_range("a side of size", int(side), 1, LARGEST, "pixels")
    width, height = int(match[1]), int(match[2] or 0)
    if width * height > MAX_PIXELS:
        raise ImageError(f"size is {size}, more than {MAX_PIXELS:,} pixels; ask for less")
    return width, height


def sized(pixels: Pixels, alpha: Alpha, size: str) -> tuple[Pixels, Alpha]:
    """H×W×3 and H×W at another size, see sides().

    The longest side only shrinks. WIDTHxHEIGHT is what comes out: the photo is shrunk or enlarged to fit
    into it, and put in its middle; about it the alpha is 0, and the pixels go on as at the photo's edge.
    """
    asked = sides(size)
    height, width = alpha.shape
    if asked is None:
        return pixels, alpha
    if not asked[1]:
        return _resized(pixels, alpha, *within(width, height, asked[0]))
    scale = min(asked[0] / width, asked[1] / height)
    inner = [min(max(round(side * scale), 1), most) for side, most in zip((width, height), asked)]
    pixels, alpha = _resized(pixels, alpha, *inner)
    before = [(most - side) // 2 for side, most in zip(inner, asked)]
    (left, right), (top, bottom) = (
        (first, most - side - first) for first, side, most in zip(before, inner, asked)
    )
    around = ((top, bottom), (left, right))
    return np.pad(pixels, (*around, (0, 0)), "edge"), np.pad(alpha, around)


def _resized(pixels: Pixels, alpha: Alpha, width: int, height: int) -> tuple[Pixels, Alpha]:
    if alpha.shape == (height, width):
        return pixels, alpha
    image = Image.fromarray(pixels)
    share = Image.fromarray(alpha).resize((width, height), Image.Resampling.BILINEAR)
    return (
        np.asarray(image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)),
        np.asarray(share),
    )

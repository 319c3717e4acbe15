"""What an example shows, what is true of it and what a model answers, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.data import IGNORE, Pixels
from figureground.imaging.compose import overlay

CELL = 240  # pixels, of the longer side of each picture
GAP = 4
RIGHT, WRONG, ASKED = "#1f9d61", "#e0457b", "#3b82f6"


def grey(values: NDArray[Any]) -> Pixels:
    """H×W floats in [0, 1], or labels 0, 1 and 255 = ignored, as H×W×3; ignored is grey."""
    if values.dtype == np.uint8:
        levels = np.where(values == IGNORE, 128, (values == 1) * 255)
    else:
        levels = np.rint(values.clip(0, 1) * 255)
    return np.repeat(levels.astype(np.uint8)[:, :, None], 3, axis=2)


def coloured(photo: Pixels, labels: NDArray[np.uint8]) -> Pixels:
    """H×W class numbers as colours over the photo; class 0 and what is ignored stay clear."""
    return overlay(photo, np.where(labels == IGNORE, 0, labels))


def side_by_side(*pictures: Pixels) -> Image.Image:
    """H×W×3 each, made small."""
    return _row([_small(picture, CELL) for picture in pictures])


def ranked(query: Pixels, found: Sequence[tuple[Pixels, bool]]) -> Image.Image:
    """A query and the crops found, the nearest first, framed by whether they are of the same person."""
    framed = [_framed(query, ASKED)]
    framed += [_framed(crop, RIGHT if same else WRONG) for crop, same in found]
    return _row(framed)


def _framed(crop: Pixels, colour: str) -> Image.Image:
    small = _small(crop, CELL // 2)
    frame = Image.new("RGB", (small.width + 2 * GAP, small.height + 2 * GAP), colour)
    frame.paste(small, (GAP, GAP))
    return frame


def _small(picture: Pixels, side: int) -> Image.Image:
    image = Image.fromarray(picture)
    share = side / max(image.size)
    width, height = (max(1, round(length * share)) for length in image.size)
    return image.resize(
        (width, height), Image.Resampling.BICUBIC if share > 1 else Image.Resampling.BOX
    )


def _row(images: Sequence[Image.Image]) -> Image.Image:
    width = sum(image.width for image in images) + GAP * (len(images) - 1)
    row = Image.new("RGB", (width, max(image.height for image in images)), "white")
    x = 0
    for image in images:
        row.paste(image, (x, 0))
        x += image.width + GAP
    return row

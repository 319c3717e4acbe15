"""Masks that are no picture files: polygons and run lengths, as COCO (Lin et al. 2014) stores them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = NDArray[Any]  # N×2 float64 corners (x, y) of a polygon, or int64 run lengths


@dataclass(frozen=True, eq=False)
class Outlines:
    """What a file of annotations says of one photo.

    inside: shapes that make up the mask. ignored: shapes in which nothing is known, except `inside`.
    """

    file: Path
    photo: str
    width: int
    height: int
    inside: tuple[Shape, ...]
    ignored: tuple[Shape, ...] = ()

    def __str__(self) -> str:
        return f"{self.file} ({self.photo})"

    def mask(self) -> NDArray[np.uint8]:
        """H×W of 0, 1 and 255 = ignored."""
        made = np.zeros((self.height, self.width), np.uint8)
        for shapes, value in ((self.ignored, 255), (self.inside, 1)):
            for shape in shapes:
                draw = filled if shape.ndim == 2 else unrolled
                made[draw(shape, self.width, self.height)] = value
        return made


def filled(corners: NDArray[np.float64], width: int, height: int) -> NDArray[np.bool_]:
    """H×W: the pixels whose centres are in the polygon, by the even-odd rule. Pixel (0, 0) is centred at
    (0.5, 0.5); corners may lie outside of the picture."""
    crossed = np.zeros((height + 1, width), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
        first, last = (int(np.ceil(x - 0.5).clip(0, width)) for x in sorted((x0, x1)))
        if first < last:  # in these columns the edge has the rest of the column on one side
            columns = np.arange(first, last)
            y = y0 + (columns + 0.5 - x0) * (y1 - y0) / (x1 - x0)
            crossed[np.ceil(y - 0.5).clip(0, height).astype(int), columns] ^= True
    return np.logical_xor.accumulate(crossed[:height], axis=0)


def unrolled(runs: NDArray[np.int64], width: int, height: int) -> NDArray[np.bool_]:
    """H×W from run lengths down the columns, of outside and inside in turn."""
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def run_lengths(text: str) -> list[int]:
    """COCO's compressed run lengths: each number in digits of 5 bits from the lowest, a sixth bit that says
    that more follow, offset by 48 to be text; from the fourth number on less the one before the last."""
    runs: list[int] = []
    value = shift = 0
    for code in text.encode("ascii"):
        digit = code - 48
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:  # the sign
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs

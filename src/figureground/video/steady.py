"""Alphas of a video with less flicker."""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

KEEP = 0.5  # of what was there before, where the picture is the same and the alpha near 0 or 1
UNSURE = 0.4  # more where the alpha is a half, which is where it flickers
FARTHEST = 0.4  # counted of how far the alpha is from what it was, so that errors do not stay
NOISE = 12.0  # grey levels by which matched windows may differ and still show the same
REACHES = (2, 1, 1)  # cells searched each way, in pictures of a quarter, half and all of the size
WINDOW = 3  # cells on each side of what is matched
CUT = 30.0  # grey levels by which windows differ, on average, in a new scene


class Steady:
    """An exponential average of the alpha along the motion: `steady(pixels, alpha)`, frame by frame.

    For each cell of the small alpha the frame before is searched for the window that looks most like it
    (block matching, coarse to fine); what the alpha was there is averaged with what it is now, with the
    more weight the better the two match. So what stays or moves is averaged over frames, and what is
    uncovered is not. A scene cut begins anew. Constants chosen on clips of benchmarks/video.py.
    """

    def __init__(self) -> None:
        self._pictures: list[NDArray[np.int16]] = []
        self._alpha = np.empty((0, 0), np.float32)

    def __call__(
        self, pixels: NDArray[np.uint8], alpha: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """H×W×3 uint8 RGB and h×w alpha in [0, 1] to h×w in [0, 1]."""
        size = alpha.shape[1], alpha.shape[0]
        grey = Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
        picture = grey.convert("L")
        pictures = [np.asarray(picture.reduce(factor), np.int16) for factor in (4, 2, 1)]
        before, self._pictures = self._pictures, pictures
        if self._alpha.shape == alpha.shape:
            place, cost = _match(pictures, before)
            if cost.mean() < CUT:
                weight = KEEP + UNSURE * (1 - np.abs(2 * alpha - 1))
                weight *= np.exp(-np.square(cost / np.float32(NOISE)))
                change = (self._alpha.ravel()[place] - alpha).clip(-FARTHEST, FARTHEST)
                alpha = alpha + weight * change
        self._alpha = alpha
        return alpha


def _match(
    now: list[NDArray[np.int16]], before: list[NDArray[np.int16]]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Flat indices (h×w) of the cells of the frame before that look like each cell, and by how many grey
    levels their windows differ."""
    down = right = np.zeros([-(-side // 2) for side in now[0].shape], np.intp)
    for picture, was, reach in zip(now, before, REACHES):
        height, width = picture.shape
        rows, columns = np.arange(height)[:, None], np.arange(width)
        y, x = (
            2 * shift.repeat(2, 0).repeat(2, 1)[:height, :width] + start
            for shift, start in ((down, rows), (right, columns))
        )
        place, cost = np.zeros(picture.shape, np.intp), np.full(picture.shape, np.inf, np.float32)
        steps = range(-reach, reach + 1)
        for dy, dx in sorted(product(steps, steps), key=lambda step: step[0] ** 2 + step[1] ** 2):
            there = (y + dy).clip(0, height - 1) * width + (x + dx).clip(0, width - 1)
            difference = np.abs(picture - was.ravel()[there]).astype(np.uint8)
            window = Image.fromarray(difference).filter(ImageFilter.BoxBlur(WINDOW))
            found = np.asarray(window, np.float32)
            better = found < cost  # the nearest of equals
            place, cost = np.where(better, there, place), np.where(better, found, cost)
        down, right = place // width - rows, place % width - columns
    return place, cost

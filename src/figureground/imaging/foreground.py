"""The colour of what is in front, where the photo shows a mixture of it and what is behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.size import within

LONGEST = 320  # pixels of the picture on which colours are spread
FAINT = 8  # of 255: below it nothing is to be seen of the colour
STEPS = 20, 6  # on levels of at most SMALL pixels a side, and on larger ones
SMALL = 32
TILE = 128  # pixels of the photo: those without a soft edge are left as they are
STIFF = 1e-4  # how much a colour is drawn to its neighbours',
ALONG = 0.1  # and how much more per difference of their alphas

Plane = NDArray[np.float32]
BILINEAR = Image.Resampling.BILINEAR


def estimate(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """H×W×3 uint8 RGB and H×W uint8 alpha to H×W×3: the foreground's own colours.

    Only pixels whose alpha is neither near 0 nor 255 change. The colours of foreground and
    background, F̂ and B̂, are found on a small picture: they mix to the photo's and are like their
    neighbours', most where alpha changes (Germer et al. 2020, "Fast Multi-Level Foreground Estimation").
    Then F = F̂ + alpha · (I − alpha · F̂ − (1 − alpha) · B̂), which keeps the photo's detail (Forte 2021,
    "Approximate Fast Foreground Colour Estimation", eq. 5). A new background then shows no rim of the old.
    """
    mixed = (alpha >= FAINT) & (alpha < 255)
    if not mixed.any():
        return pixels
    rows, columns = np.flatnonzero(mixed.any(1)), np.flatnonzero(mixed.any(0))
    margin = 1 + max(alpha.shape) // 32
    top, bottom = max(rows[0] - margin, 0), rows[-1] + margin + 1
    left, right = max(columns[0] - margin, 0), columns[-1] + margin + 1
    window = np.s_[top:bottom, left:right]
    result = pixels.copy()
    _unmix(result[window], alpha[window], mixed[window])
    return result


def _unmix(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], mixed: NDArray[np.bool_]) -> None:
    """Gives the mixed pixels the foreground's colours."""
    height, width = alpha.shape
    size = within(width, height, LONGEST)
    shrunk = Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    opacity = Image.fromarray(alpha).resize(size, Image.Resampling.BOX)
    front, behind = ([Image.fromarray(plane) for plane in side] for side in _apart(shrunk, opacity))
    across, down = size[0] / width, size[1] / height
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            tile = np.s_[top : top + TILE, left : left + TILE]
            if not (changed := mixed[tile]).any():
                continue
            part, share = pixels[tile], alpha[tile] * np.float32(1 / 255)
            end = left + part.shape[1], top + part.shape[0]
            box = left * across, top * down, end[0] * across, end[1] * down
            for channel in range(3):
                ours, theirs = (
                    np.asarray(side[channel].resize(part.shape[1::-1], BILINEAR, box=box))
                    for side in (front, behind)
                )
                old = part[:, :, channel]
                new = ours + share * (old - theirs - share * (ours - theirs)) + np.float32(0.5)
                np.copyto(old, new.clip(0, 255).astype(np.uint8), where=changed)


def _apart(photo: Image.Image, opacity: Image.Image) -> tuple[list[Plane], list[Plane]]:
    """The colours (three h×w planes, 0 … 255) of what is in front in a photo of that size, and behind."""
    levels = [[plane.convert("F") for plane in (*photo.split(), opacity)]]
    while max(levels[-1][0].size) > 1:
        width, height = levels[-1][0].size
        size = (width + 1) // 2, (height + 1) // 2
        levels.append([plane.resize(size, Image.Resampling.BOX) for plane in levels[-1]])
    front = behind = [np.zeros((1, 1), np.float32)] * 3
    for level in reversed(levels):
        size = level[0].size
        *colours, alpha = (np.asarray(plane) for plane in level)
        front, behind = (
            [
                np.asarray(Image.fromarray(plane).resize(size, Image.Resampling.NEAREST))
                for plane in side
            ]
            for side in (front, behind)
        )
        _settle(colours, alpha * np.float32(1 / 255), front, behind, STEPS[max(size) > SMALL])
    return front, behind


def _settle(
    colours: list[Plane], alpha: Plane, front: list[Plane], behind: list[Plane], steps: int
) -> None:
    """Jacobi steps of: α F + (1 − α) B = I, and both like their neighbours; changes front and behind."""
    weights = [STIFF + ALONG * abs(alpha - near) for near in _neighbours(np.pad(alpha, 1))]
    above, below, left, right = weights
    above[0] = below[-1] = left[:, 0] = right[:, -1] = 0
    pull = np.maximum(sum(weights), np.float32(STIFF))  # a picture of one pixel has no neighbours
    rest = 1 - alpha
    ours, both, theirs = alpha * alpha + pull, alpha * rest, rest * rest + pull
    scale = 1 / (pull * (alpha * alpha + rest * rest + pull))  # 1 / (ours · theirs − both²)
    ours, both, theirs = ours * scale, both * scale, theirs * scale
    mixed, other, part = (np.empty_like(alpha) for _ in range(3))  # fresh ones would take most time
    for channel, colour in enumerate(colours):
        seen, hidden = alpha * colour, rest * colour
        ahead, back = np.pad(front[channel], 1), np.pad(behind[channel], 1)
        for _ in range(steps):
            for side, known, wide in ((mixed, seen, ahead), (other, hidden, back)):
                side[:] = known
                for weight, near in zip(weights, _neighbours(wide)):
                    side += np.multiply(weight, near, out=part)
            for wide, own, others in ((ahead, mixed, other), (back, other, mixed)):
                inner = wide[1:-1, 1:-1]
                np.multiply(theirs if wide is ahead else ours, own, out=inner)
                inner -= np.multiply(both, others, out=part)
        front[channel] = ahead[1:-1, 1:-1].clip(0, 255)
        behind[channel] = back[1:-1, 1:-1].clip(0, 255)


def _neighbours(wide: Plane) -> tuple[Plane, Plane, Plane, Plane]:
    """Of each pixel of a plane with a rim of one: above, below, left and right."""
    return wide[:-2, 1:-1], wide[2:, 1:-1], wide[1:-1, :-2], wide[1:-1, 2:]

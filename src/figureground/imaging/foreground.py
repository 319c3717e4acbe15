"""The colour of what is in front, where the photo shows a mixture of it and what is behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.size import within

LONGEST = 384  # pixels of the picture on which colours are spread
SURE = 7  # of 255: nearer to 0 or 255 nothing is to be seen of it
# power: colours count by alpha to the power; memory: weight of coarser levels beside what a level knows.
# First only what is sure, then what the first estimates say, nearer by. Chosen on one photo with known
# foreground (benchmarks/foreground.py).
PASSES = ((24, 0.02), (2, 0.3))


def estimate(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """H×W×3 uint8 RGB and H×W uint8 alpha to H×W×3: the foreground's own colours.

    Only pixels whose alpha is neither near 0 nor near 255 change. The colours of foreground and
    background, F̂ and B̂, are spread from where they are sure; then
    F = F̂ + alpha · (I − alpha · F̂ − (1 − alpha) · B̂), which keeps the photo's detail (Forte 2021,
    "Approximate Fast Foreground Colour Estimation", eq. 5; here the averages run over a pyramid). A new
    background then shows no rim of the old.
    """
    mixed = (alpha > SURE) & (alpha < 255 - SURE)
    if not mixed.any():
        return pixels
    rows, columns = np.flatnonzero(mixed.any(1)), np.flatnonzero(mixed.any(0))
    margin = 1 + max(alpha.shape) // 32
    top, bottom = max(rows[0] - margin, 0), rows[-1] + margin + 1
    left, right = max(columns[0] - margin, 0), columns[-1] + margin + 1
    window = np.s_[top:bottom, left:right]
    result = pixels.copy()
    result[window][mixed[window]] = _mixed(pixels[window], alpha[window], mixed[window])
    return result


def _mixed(
    pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], mixed: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    """The foreground's colours of the N mixed pixels, N×3."""
    height, width = alpha.shape
    size = within(width, height, LONGEST)
    shrunk = Image.fromarray(pixels).resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    small = np.asarray(shrunk, np.float32).transpose(2, 0, 1)
    opacity = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BOX), np.float32)
    opacity = opacity / np.float32(255)
    front = behind = rest = small
    for number, (power, memory) in enumerate(PASSES):
        if number:
            front, behind = front + opacity * rest, behind + (1 - opacity) * rest
        front = _spread(front, opacity**power, memory)
        behind = _spread(behind, (1 - opacity) ** power, memory)
        rest = small - opacity * front - (1 - opacity) * behind
    y, x = np.nonzero(mixed)
    place = (y + 0.5) * (size[1] / height) - 0.5, (x + 0.5) * (size[0] / width) - 0.5
    share = alpha[mixed].astype(np.float32) / 255
    result = np.empty((len(y), 3), np.uint8)
    for channel in range(3):
        ours, theirs = _sample(front[channel], *place), _sample(behind[channel], *place)
        ours += share * (pixels[y, x, channel] - share * ours - (1 - share) * theirs)
        result[:, channel] = (ours + 0.5).clip(0, 255)
    return result


def _spread(
    colours: NDArray[np.float32], weights: NDArray[np.float32], memory: float
) -> NDArray[np.float32]:
    """3×h×w colours, of which the h×w weights say how much to trust each, everywhere filled in."""
    sums = [*(colours * weights), weights]
    levels = [[Image.fromarray(plane) for plane in sums]]
    while max(levels[-1][0].size) > 1:
        levels.append([plane.reduce(2) for plane in levels[-1]])
    known = [Image.new("F", (1, 1))] * 3
    for level in reversed(levels):
        *sums, weight = (np.asarray(plane) for plane in level)
        size = level[0].size
        half = (
            (0, 0, size[0] / 2, size[1] / 2) if size != (1, 1) else None
        )  # of an odd last pixel too
        coarse = (
            np.asarray(plane.resize(size, Image.Resampling.BILINEAR, box=half)) for plane in known
        )
        least = memory if size != (1, 1) else 1e-6
        known = [
            Image.fromarray((own + memory * far) / (weight + least))
            for own, far in zip(sums, coarse)
        ]
    return np.stack([np.asarray(plane) for plane in known])


def _sample(
    values: NDArray[np.float32], y: NDArray[np.floating], x: NDArray[np.floating]
) -> NDArray[np.float32]:
    """h×w values at N places, bilinear; beyond the edge as at the edge."""
    height, width = values.shape
    y, x = y.clip(0, height - 1), x.clip(0, width - 1)
    top, left = np.floor(y).astype(np.intp), np.floor(x).astype(np.intp)
    down, right = (y - top).astype(np.float32), (x - left).astype(np.float32)
    bottom, far = np.minimum(top + 1, height - 1), np.minimum(left + 1, width - 1)
    upper = values[top, left] * (1 - right) + values[top, far] * right
    lower = values[bottom, left] * (1 - right) + values[bottom, far] * right
    return upper * (1 - down) + lower * down

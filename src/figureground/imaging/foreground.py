"""The colour of what is in front, where the photo shows a mixture of it and what is behind."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.size import reduced, within

LONGEST = 320  # pixels of the picture on which colours are spread
FAINT = 8  # of 255: below it nothing is to be seen of the colour
STEPS = 10, 6  # on levels of at most SMALL pixels a side, and on larger ones
SMALL = 32
TILE = 128  # pixels of the photo: those without a soft edge are left as they are;
CELLS = 32  # but no more of the small picture
STIFF = 1e-4  # how much a colour is drawn to its neighbours',
ALONG = 0.1  # and how much more per difference of their alphas

Plane = NDArray[np.float32]


def estimate(
    pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """H×W×3 uint8 RGB and H×W uint8 alpha to H×W×3: the foreground's own colours.

    out: has the photo's colours, and is given those of soft edges; by default a copy of the pixels, or they
    themselves if there is no soft edge. Where alpha is 255 nothing changes, near soft edges what has an
    alpha of 0 becomes black. The colours of foreground and background, F̂ and B̂, are found on a small
    picture: they mix to the photo's and are like their neighbours', most where alpha changes (Germer et al.
    2020, "Fast Multi-Level Foreground Estimation").
    Then F = F̂ + alpha · (I − alpha · F̂ − (1 − alpha) · B̂), which keeps the photo's detail (Forte 2021,
    "Approximate Fast Foreground Colour Estimation", eq. 5). A new background then shows no rim of the old.
    """
    mixed = (alpha >= FAINT) & (alpha < 255)
    if not mixed.any():
        return pixels if out is None else out
    rows, columns = np.flatnonzero(mixed.any(1)), np.flatnonzero(mixed.any(0))
    margin = 1 + max(alpha.shape) // 32
    top, bottom = max(rows[0] - margin, 0), rows[-1] + margin + 1
    left, right = max(columns[0] - margin, 0), columns[-1] + margin + 1
    window = np.s_[top:bottom, left:right]
    if out is None:
        out = pixels.copy()
    _unmix(pixels[window], alpha[window], mixed[window], out[window])
    return out


def _unmix(
    pixels: NDArray[np.uint8],
    alpha: NDArray[np.uint8],
    mixed: NDArray[np.bool_],
    out: NDArray[np.uint8],
) -> None:
    """Puts the foreground's colours where it is mixed, and near there."""
    height, width = alpha.shape
    size = within(width, height, LONGEST)
    front, behind = _apart(reduced(pixels, size), reduced(alpha, size))
    # side by side in one array, pixel by pixel: each tile of it is two products of matrices away
    small = np.ascontiguousarray(np.concatenate([front, front - behind]).transpose(1, 2, 0))
    across, down = _places(width, size[0]), _places(height, size[1])
    side = min(TILE, CELLS * width // size[0])
    for top in range(0, height, side):
        near_rows, up = _bilinear(down[top : top + side])
        for left in range(0, width, side):
            tile = np.s_[top : top + side, left : left + side]
            if not mixed[tile].any():
                continue
            part = pixels[tile]
            near_columns, along = _bilinear(across[left : left + side])
            near = along @ small[near_rows, near_columns]
            flat = len(near), 3 * part.shape[1]
            ours = up @ near[:, :, :3].reshape(flat)
            other = up @ near[:, :, 3:].reshape(flat)  # F̂ − B̂
            share = np.repeat(alpha[tile] * np.float32(1 / 255), 3, axis=1)
            # F = F̂ + alpha · (I − F̂ + (1 − alpha) · (F̂ − B̂))
            new = part.reshape(share.shape) - ours
            other *= 1 - share
            new += other
            new *= share
            new += ours
            new += np.float32(0.5)
            new *= share > 0
            out[tile] = new.clip(0, 255, out=new).astype(np.uint8).reshape(part.shape)


def _places(length: int, cells: int) -> Plane:
    """Where the middle of each pixel lies among so many cells, counted from the middle of the first."""
    places = (np.arange(length, dtype=np.float32) + 0.5) * np.float32(cells / length) - 0.5
    return places.clip(0, cells - 1)


def _bilinear(places: Plane) -> tuple[slice, Plane]:
    """The cells that those places are between, and the matrix that interpolates there."""
    first, last = int(places[0]), int(np.ceil(places[-1]))
    between = 1 - abs(places[:, None] - np.arange(first, last + 1, dtype=np.float32))
    return slice(first, last + 1), between.clip(0)


def _apart(photo: Image.Image, opacity: Image.Image) -> tuple[Plane, Plane]:
    """The colours (3×h×w, 0 … 255) of what is in front in a photo of that size, and of what is behind."""
    levels = [(photo, opacity)]
    while max(levels[-1][0].size) > 1:
        levels.append((levels[-1][0].reduce(2), levels[-1][1].reduce(2)))
    both = np.zeros((6, 1, 1), np.float32)
    for level in reversed(levels):
        colours = np.asarray(level[0]).transpose(2, 0, 1).astype(np.float32, order="C")
        alpha = np.asarray(level[1]) * np.float32(1 / 255)
        height, width = alpha.shape
        if alpha.size > 1:
            both = both.repeat(2, 1).repeat(2, 2)[:, :height, :width]
        if max(height, width) <= SMALL:
            both = _settled(colours, alpha, both, np.ones_like(alpha, bool), STEPS[0])
        else:
            # where one of the two is all that is seen it is known, and the other good enough as it was
            np.copyto(both[:3], colours, where=alpha == 1)
            np.copyto(both[3:], colours, where=alpha == 0)
            both = _settled(colours, alpha, both, (alpha > 0) & (alpha < 1), STEPS[1])
    return both[:3], both[3:]


def _settled(
    colours: Plane, alpha: Plane, both: Plane, unknown: NDArray[np.bool_], steps: int
) -> Plane:
    """Jacobi steps of: α F + (1 − α) B = I, and both like their neighbours; of the unknown pixels.

    colours: 3×h×w; both: F and B, 6×h×w, from which it begins.
    """
    wide = np.ascontiguousarray(np.pad(both, ((0, 0), (1, 1), (1, 1))))
    flat = wide.reshape(6, -1)
    line = wide.shape[2]
    cells = np.flatnonzero(np.pad(unknown, 1))
    near = [cells + step for step in (-line, line, -1, 1)]
    levels, inside = np.pad(alpha, 1).ravel(), np.pad(np.ones_like(alpha), 1).ravel()
    share = levels[cells]
    weights = [inside[n] * (STIFF + ALONG * abs(share - levels[n])) for n in near]
    pull = np.maximum(sum(weights), np.float32(STIFF))  # a picture of one pixel has no neighbours
    rest = 1 - share
    scale = 1 / (pull * (share * share + rest * rest + pull))  # one over the determinant
    own = [(rest * rest + pull) * scale, (share * share + pull) * scale]
    other = share * rest * scale
    seen = colours.reshape(3, -1)[:, unknown.ravel()]
    known = np.concatenate([share * seen, rest * seen])
    wanted, part = np.empty((6, len(cells)), np.float32), np.empty((6, len(cells)), np.float32)
    for _ in range(steps):
        wanted[:] = known
        for weight, n in zip(weights, near):
            np.take(flat, n, axis=1, out=part, mode="clip")  # "raise" would make a copy
            part *= weight
            wanted += part
        for mine, half, others in (
            (own[0], slice(3), slice(3, 6)),
            (own[1], slice(3, 6), slice(3)),
        ):
            np.multiply(mine, wanted[half], out=part[half])
            part[half] -= other * wanted[others]
        flat[:, cells] = part
    return wide[:, 1:-1, 1:-1].clip(0, 255)

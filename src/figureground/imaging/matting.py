"""Hair and other fine things: an alpha solved for in the band where a small one is unsure.

Closed-form matting (Levin, Lischinski, Weiss 2008, "A Closed-Form Solution to Natural Image Matting"): in
each window of 3×3 pixels alpha is linear in colour; what deviates from that is least over all windows.
Only pixels of the band are unknown, and each size of the photo starts from what a smaller one found
(section 5 there), so that few steps of conjugate gradients are enough. From half the photo's size on the
alpha is drawn along its edges (imaging.edges): as good, in half the time (benchmarks/edges.py).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from figureground.imaging.edges import guided, inverted

UNSURE = 0.2  # the band begins where the first alpha is this far from 0 and 1,
NARROW = 0.05  # and a finer one where the coarser answer is that far
EPSILON = 1e-5  # of (0 … 1)²: how little a window may vary in colour and still steer the alpha
TRUST = (
    0.01  # in the alpha that is begun with, beside a window's: where it is 0 or 1, and less between
)
STEPS = 40, 20  # of conjugate gradients: at the first size, at each finer one
BAND = 250_000  # pixels solved for at once, at about 600 bytes; a finer size with more is drawn instead
PIXELS = 4_000_000  # of the finest size solved for
REACH = 1  # of its cells to each side, when the photo's alpha is drawn from it
CHUNK = 1 << 14  # windows at a time

NINE = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
Plane = NDArray[np.float32]


def matted(pixels: NDArray[np.uint8], alpha: Plane) -> Plane:
    """H×W×3 uint8 RGB and h×w alpha of the same picture to H×W alpha in [0, 1].

    Takes time and memory by the band's pixels, at most BAND of them, beside those of `guided`.
    """
    found: Plane | None = None
    for small in _photos(pixels, alpha.size):
        if found is None:
            start = guided(small, alpha)
            unknown = _grown((start > UNSURE) & (start < 1 - UNSURE), 1)
        else:
            size = small.shape[1], small.shape[0]
            start = np.asarray(Image.fromarray(found).resize(size, Image.Resampling.BILINEAR))
            unknown = _grown((start > NARROW) & (start < 1 - NARROW), 1)
        if np.count_nonzero(unknown) > BAND:
            break
        found = solved(small, start, unknown, STEPS[found is not None])
    return guided(pixels, alpha if found is None else found, radius=REACH)


def _photos(pixels: NDArray[np.uint8], cells: int) -> list[NDArray[np.uint8]]:
    """The photo from about that many pixels to a quarter of its own, each four times the one before."""
    photo = Image.fromarray(pixels)
    photos = [photo]
    while photo.width * photo.height > 2 * cells:
        size = (photo.width + 1) // 2, (photo.height + 1) // 2
        photo = photo.resize(size, Image.Resampling.BOX)
        photos.append(photo)
    fit = [photo for photo in photos[1:] if photo.width * photo.height <= PIXELS] or photos[-1:]
    return [np.asarray(photo) for photo in reversed(fit)]


def solved(
    pixels: NDArray[np.uint8], start: Plane, unknown: NDArray[np.bool_], steps: int
) -> Plane:
    """H×W alpha of the photo where it is unknown; elsewhere 0 or 1, whichever is nearer to the start's.

    pixels: H×W×3 uint8 RGB; start: H×W in [0, 1], which is also believed a little.
    """
    known = np.where(unknown, start, start > 0.5).astype(np.float32)
    matrix, cells = _laplacian(pixels, unknown)
    count = len(cells)
    if not count:
        return known
    wide = np.pad(known, 2).ravel()
    near = cells[:, None] + _offsets(known.shape[1] + 4, 2)
    trust = np.float32(TRUST) * abs(2 * wide[cells] - 1)
    # the start is right for the trust, so what is left over is the windows' part
    left = -np.einsum("ij,ij->i", matrix, wide[near])
    number = np.full(
        wide.size, count
    )  # of each cell among the unknown; known ones share a last one
    number[cells] = np.arange(count)
    near = number[near]
    scale = 1 / (matrix[:, 12] + trust + np.float32(1e-6))
    change = np.zeros(count, np.float32)
    direction = np.zeros(count + 1, np.float32)  # of known ones: 0
    better = scale * left
    size = float(left @ better)
    direction[:-1] = better
    for _ in range(steps):
        if size < 1e-8 * count:
            break
        ahead = direction[:-1]
        moved = np.einsum("ij,ij->i", matrix, direction[near]) + trust * ahead
        length = np.float32(size / float(ahead @ moved))
        change += length * ahead
        left -= length * moved
        better = scale * left
        size, before = float(left @ better), size
        ahead *= np.float32(size / before)
        ahead += better
    known[unknown] = (wide[cells] + change).clip(0, 1)
    return known


def _laplacian(
    pixels: NDArray[np.uint8], unknown: NDArray[np.bool_]
) -> tuple[Plane, NDArray[np.intp]]:
    """N×25 rows of the matting Laplacian (eq. 12), of the unknown pixels, and their N places.

    Places are those in the picture with a rim of two, row by row; columns are the 5×5 pixels about each.
    """
    line = unknown.shape[1] + 4
    colours = np.pad(pixels, ((2, 2), (2, 2), (0, 0))).reshape(-1, 3)
    wide = np.pad(unknown, 2)
    cells = np.flatnonzero(wide)
    number = np.full(wide.size, len(cells), np.int32)
    number[cells] = np.arange(len(cells))
    inside = np.zeros_like(wide)
    inside[3:-3, 3:-3] = _grown(unknown, 1)[1:-1, 1:-1]  # windows do not look over the photo's rim
    centres = np.flatnonzero(inside)
    steps = _offsets(line, 1)
    rows = np.zeros((len(cells) + 1, 25), np.float32)  # the last for known pixels, of no use
    for begin in range(0, len(centres), CHUNK):
        windows = centres[begin : begin + CHUNK, None] + steps
        colour = colours[windows] * np.float32(1 / 255)
        colour -= colour.mean(1, keepdims=True)
        matrix = (colour.transpose(0, 2, 1) @ colour).astype(np.float64) / 9  # nearly singular ones
        matrix[:, range(3), range(3)] += EPSILON / 9
        parts = (matrix[:, i, j] for i, j in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)))
        inverse = np.stack([np.stack(row, -1) for row in inverted(*parts)], 1).astype(np.float32)
        alike = (colour @ inverse @ colour.transpose(0, 2, 1) + 1) / np.float32(9)
        numbers = number[windows]
        for i, (y, x) in enumerate(NINE):
            for j, (down, right) in enumerate(NINE):
                rows[numbers[:, i], (down - y + 2) * 5 + right - x + 2] -= alike[:, i, j]
            rows[numbers[:, i], 12] += 1
    return rows[:-1], cells


def _offsets(line: int, reach: int) -> NDArray[np.intp]:
    """From a pixel to those about it, in a picture whose lines are that long."""
    around = np.arange(-reach, reach + 1)
    return (around[:, None] * line + around).ravel()


def _grown(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    image = Image.fromarray(mask.astype(np.uint8))
    return np.asarray(image.filter(ImageFilter.MaxFilter(2 * by + 1))) > 0

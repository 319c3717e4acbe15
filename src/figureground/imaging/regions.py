"""What hangs together in a mask, and keeping one of it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.size import within

SIZE = 256  # regions are told apart in a picture with no longer side
LEVEL = 0.2  # of alpha: where a region ends

Keep = Literal["all", "largest", "centre"]


def kept(alpha: NDArray[np.float32], which: Keep = "all") -> NDArray[np.float32]:
    """H×W alpha with one of its regions: the largest, or the one nearest to the photo's centre.

    A region is what hangs together above 0.2 in a picture of at most 256 pixels; a rim of two of its
    pixels stays, for soft edges.
    """
    if which == "all":
        return alpha
    height, width = alpha.shape
    small = shrunk(alpha)
    labels, count = regions(small > LEVEL)
    if count < 2:
        return alpha
    if which == "largest":
        weights = np.bincount(labels.ravel(), small.ravel(), count + 1)
        chosen = int(np.argmax(weights[1:])) + 1
    else:
        y, x = np.mgrid[: small.shape[0], : small.shape[1]]
        far = np.hypot(y - (small.shape[0] - 1) / 2, x - (small.shape[1] - 1) / 2)
        chosen = int(
            labels[np.unravel_index(np.where(labels > 0, far, np.inf).argmin(), far.shape)]
        )
    mask = labels == chosen
    for _ in range(2):
        mask = _grown(mask)
    mask &= (labels == chosen) | (labels == 0)
    large = Image.fromarray(mask.astype(np.float32)).resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return alpha * np.asarray(large)


def shrunk(alpha: NDArray[np.float32]) -> NDArray[np.float32]:
    """The alpha in the picture in which regions are told apart."""
    size = within(alpha.shape[1], alpha.shape[0], SIZE)
    return np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BOX))


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """By one pixel to each side."""
    wide = np.pad(mask, 1)
    across = wide[:, :-2] | wide[:, 1:-1] | wide[:, 2:]
    return across[:-2] | across[1:-1] | across[2:]


def regions(mask: NDArray[np.bool_]) -> tuple[NDArray[np.int32], int]:
    """H×W labels 1 … n of what hangs together by sides or corners, 0 elsewhere; and n.

    Runs of each line are joined with those they touch in the line above.
    """
    parent: list[int] = []

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = run = parent[parent[run]]
        return run

    runs: list[tuple[int, int, int]] = []
    above: list[int] = []
    for y, line in enumerate(np.pad(mask, ((0, 0), (1, 1))).astype(np.int8)):
        edges = np.flatnonzero(np.diff(line)).tolist()
        here = []
        for start, end in zip(edges[::2], edges[1::2]):
            run = len(runs)
            runs.append((y, start, end))
            parent.append(run)
            here.append(run)
            for other in above:
                if runs[other][1] <= end and start <= runs[other][2]:
                    parent[root(run)] = root(other)
        above = here
    labels = np.zeros(mask.shape, np.int32)
    numbers: dict[int, int] = {}
    for run, (y, start, end) in enumerate(runs):
        labels[y, start:end] = numbers.setdefault(root(run), len(numbers) + 1)
    return labels, len(numbers)

"""Files with some words of 64 bits for each person, as a loop over a million people wants them.

Behind a header of the file's own come blocks of BLOCK people: of each block the first words of all of them,
then the second ones, and so on. The last block is filled up with zeros.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from figureground.errors import GalleryError

BLOCK = 8192

Words = NDArray[np.uint64]  # W×N, or as in the file: blocks × W × BLOCK


def put(file: IO[bytes], header: int, row: int, words: Words) -> None:
    """Writes W×N words of the people from a row on, into a file whose header has so many bytes."""
    width, count = words.shape
    size = header + 8 * width * BLOCK * -(-(row + count) // BLOCK)
    if file.seek(0, os.SEEK_END) < size:
        file.truncate(size)
    done = 0
    while done < count:
        block, first = divmod(row + done, BLOCK)
        part = words[:, done : done + BLOCK - first]
        for number, run in enumerate(part.astype("<u8", copy=False)):
            file.seek(header + 8 * ((block * width + number) * BLOCK + first))
            file.write(run.tobytes())
        done += part.shape[1]


def mapped(path: Path, header: int, rows: int, width: int) -> Words:
    """The blocks of the first rows. Raises GalleryError where there are fewer."""
    shape = -(-rows // BLOCK), width, BLOCK
    if path.stat().st_size < header + 8 * shape[0] * width * BLOCK:
        raise GalleryError(f"{path} is cut short; restore it, or index again into a new gallery")
    if not rows:  # nothing cannot be mapped
        return np.empty(shape, np.uint64)
    return np.asarray(np.memmap(path, "<u8", "r", header, shape))


def of_rows(blocks: Words, rows: NDArray[np.int64], first: int = 0) -> Words:
    """The words of these rows from the `first` on, W×N."""
    _, width, block = blocks.shape
    place = rows // block * (width * block) + rows % block
    flat = blocks.reshape(-1)  # each word by itself: together they take ten times as long
    return np.stack([flat[place + word * block] for word in range(first, width)])

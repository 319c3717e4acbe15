"""Approximate search: those who may be nearest, by as many bits as a vector has numbers.

Each bit says on which side of a plane through the gallery's mean the vector lies. The planes are random,
at right angles; the angle between two vectors shows in how many bits differ (Charikar 2002). Who differs
least from the query is a candidate, to be scored exactly. There is nothing to build but the bits, they are
appended as the vectors are, and any filter holds.

The file: the mean, D float32, and the planes, D×D; then blocks of BLOCK people, in each W words of 64 bits
by BLOCK, as the loop wants them. Who comes after the last whole block is always a candidate.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from figureground.errors import GalleryError
from figureground.gallery.records import Vectors

BLOCK = 8192
SAMPLE = 65536  # vectors whose mean is taken for that of all

Rows = NDArray[np.int64]


def name(number: int | str) -> str:
    """Of the file that goes with the vectors of that number."""
    return f"signs-{number}.bits"


def extend(path: Path, vectors: Vectors, blocks: int) -> int:
    """Writes the signs of N×D vectors after the first blocks, which are there; on disk when it is done.
    How many blocks there are then."""
    whole, dimension = len(vectors) // BLOCK, vectors.shape[1]
    if whole == blocks:
        return blocks
    with open(path, "r+b" if blocks else "w+b") as file:
        if not blocks:
            mean = vectors[:: len(vectors) // SAMPLE + 1].mean(axis=0, dtype=np.float64)
            random = np.random.default_rng(0).standard_normal((dimension, dimension))
            file.write(np.vstack([mean, np.linalg.qr(random)[0]]).astype(np.float32).tobytes())
            file.seek(0)
        sides = _sides(file, dimension)
        file.seek(sides.nbytes + 8 * blocks * _words(dimension) * BLOCK)
        for block in range(blocks, whole):
            part = vectors[block * BLOCK : (block + 1) * BLOCK]
            file.write(of(part, sides).tobytes())
        file.flush()
        os.fsync(file.fileno())
    return whole


def of(vectors: Vectors, sides: Vectors) -> NDArray[np.uint64]:
    """W×N words: on which sides N×D vectors are; sides: the mean, then the planes' normals in columns."""
    packed = np.packbits((vectors - sides[0]) @ sides[1:] > 0, axis=1)
    words = np.zeros((len(vectors), 8 * _words(vectors.shape[1])), np.uint8)
    words[:, : packed.shape[1]] = packed
    return words.view(np.uint64).T


class Signs:
    """The first blocks of the file, mapped, of vectors of that dimension."""

    def __init__(self, path: Path, blocks: int, dimension: int) -> None:
        shape = blocks, _words(dimension), BLOCK
        if path.stat().st_size < 4 * dimension * (dimension + 1) + 8 * math.prod(shape):
            raise GalleryError(
                f"{path} is cut short; restore it, or index again into a new gallery"
            )
        with open(path, "rb") as file:
            self.sides = _sides(file, dimension)
        self.blocks = np.asarray(np.memmap(path, np.uint64, "r", self.sides.nbytes, shape))

    def candidates(self, query: Vectors, rows: Rows | None, total: int, count: int) -> Rows:
        """Of these rows, or of all in a total, the `count` whose bits differ least from those of the D
        query (more where several differ alike), and all that have none yet. Ascending."""
        differ = self._differ(of(query[None], self.sides))
        signed = len(differ)
        if rows is None:
            late = np.arange(signed, total)
        else:
            cut = int(np.searchsorted(rows, signed))
            rows, late = rows[:cut], rows[cut:]
            differ = differ[rows]
        most = np.searchsorted(np.bincount(differ).cumsum(), min(count, len(differ)))
        near = np.flatnonzero(differ <= most)
        return np.concatenate([near if rows is None else rows[near], late])

    def _differ(self, query: NDArray[np.uint64]) -> NDArray[np.uint16]:
        """How many bits of each person differ from those of the query, W×1."""
        found = np.empty((len(self.blocks), BLOCK), np.uint16)

        def part(start: int, end: int) -> None:
            words = np.empty(self.blocks.shape[1:], np.uint64)
            bits = np.empty(self.blocks.shape[1:], np.uint8)
            for block in range(start, end):
                np.bitwise_xor(self.blocks[block], query, out=words)
                np.bitwise_count(words, out=bits)
                np.add.reduce(bits, axis=0, dtype=np.uint16, out=found[block])

        with ThreadPoolExecutor(cores := os.cpu_count() or 1) as pool:
            ends = np.linspace(0, len(found), cores + 1).astype(int).tolist()
            list(pool.map(part, ends, ends[1:]))
        return found.reshape(-1)


def wrong(signs: Signs, vectors: Vectors) -> Iterator[int]:
    """Blocks that are not the signs of the vectors: of those, one in 1000 may be rounded otherwise."""
    for number, block in enumerate(signs.blocks):
        part = vectors[number * BLOCK : (number + 1) * BLOCK]
        if np.bitwise_count(block ^ of(part, signs.sides)).sum() > 64 * block.size / 1000:
            yield number


def _sides(file: IO[bytes], dimension: int) -> Vectors:
    return np.fromfile(file, np.float32, dimension * (dimension + 1)).reshape(-1, dimension)


def _words(dimension: int) -> int:
    return -(-dimension // 64)

"""Approximate search: those who may be nearest, by 32 bytes of each.

Each of 255 bits says on which side of a plane through the gallery's mean a vector lies. The planes are
random ones, among the 128 directions in which the vectors differ most; the angle between two vectors shows
in how many bits differ (Charikar 2002). Who differs least from the query is a candidate, to be scored
exactly. There is nothing to build but the bits, they are appended as the vectors are, and any filter holds.

They are kept as 4 words each; the file's header is the mean, D float32, and the planes, 255×D.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from figureground.gallery import words
from figureground.gallery.records import Vectors
from figureground.gallery.words import Words

PLANES = 255  # so that the number of bits that differ is a byte
WIDTH = 4
HALF = 2  # words that everybody is compared by
SHORTLIST = 8  # times the candidates are compared by all words
NOBODY = 255  # more bits than HALF words have
DIRECTIONS = 128
SAMPLE = 16384  # vectors whose mean and directions are taken for those of all
AT_ONCE = 8192  # vectors to sign


def extend(file: IO[bytes], vectors: Vectors, signed: int) -> None:
    """Writes the signs of N×D vectors; those of the first ones, so many, are there."""
    if not signed:
        file.write(_planes(vectors[:: len(vectors) // SAMPLE + 1]).tobytes())
    sides = _sides(file, vectors.shape[1])
    for start in range(signed, len(vectors), AT_ONCE):
        words.put(file, sides.nbytes, start, of(vectors[start : start + AT_ONCE], sides))


def of(vectors: Vectors, sides: Vectors) -> Words:
    """4×N: on which sides N×D vectors are; sides: the mean, then the planes' normals."""
    packed = np.packbits((vectors - sides[0]) @ sides[1:].T > 0, axis=1)
    return packed.view(np.uint64).T


class Signs:
    """Of the first rows of the file, mapped."""

    def __init__(self, path: Path, rows: int, dimension: int) -> None:
        with open(path, "rb") as file:
            self.sides = _sides(file, dimension)
        self.blocks = words.mapped(path, self.sides.nbytes, rows, WIDTH)
        self.rows = rows

    def candidates(
        self, query: Vectors, meant: NDArray[np.bool_] | None, count: int
    ) -> NDArray[np.int64]:
        """Of those meant, or of all, the `count` rows whose bits differ least from those of the D query,
        and as many more as differ alike. Ascending. By half of the bits first, for SHORTLIST times as
        many, then by all of them."""
        asked = of(query[None], self.sides)
        differ = self._differ(asked)
        if meant is not None:
            differ[~meant] = NOBODY
        rows = np.flatnonzero(differ <= _limit(differ, SHORTLIST * count, 64 * HALF))
        others = np.bitwise_count(words.of_rows(self.blocks, rows, HALF) ^ asked[HALF:])
        near = differ[rows] + others.sum(0, dtype=np.uint8)
        return rows[near <= _limit(near, count, PLANES)]

    def _differ(self, query: Words) -> NDArray[np.uint8]:
        """How many of the first HALF words' bits of each person differ from those of the query, 4×1.

        In one thread: blocks stay in its cache, and two would wait for each other between the calls.
        """
        count, _, block = self.blocks.shape
        found = np.empty((count, block), np.uint8)
        differ = np.empty((HALF, block), np.uint64)
        bits = np.empty((HALF, block), np.uint8)
        for theirs, sums in zip(self.blocks, found):
            np.bitwise_xor(theirs[:HALF], query[:HALF], out=differ)
            np.bitwise_count(differ, out=bits)
            np.add(bits[0], bits[1], out=sums)
        return found.reshape(-1)[: self.rows]


def _limit(differ: NDArray[np.uint8], count: int, most: int) -> int:
    """The least number up to `most` that `count` of them do not exceed; `most` if fewer do not."""
    low, high = 0, most
    while low < high:
        middle = (low + high) // 2
        if np.count_nonzero(differ <= middle) < count:
            low = middle + 1
        else:
            high = middle
    return low


def wrong(signs: Signs, vectors: Vectors) -> int:
    """How many people are in blocks that are not the signs of the vectors: of those, one in 1000 may be
    rounded otherwise."""
    people, block = 0, signs.blocks.shape[-1]
    for number, theirs in enumerate(signs.blocks):
        part = vectors[number * block : (number + 1) * block]
        differ = theirs[:, : len(part)] ^ of(part, signs.sides)
        if np.bitwise_count(differ).sum() > 64 * differ.size / 1000:
            people += len(part)
    return people


def _planes(vectors: Vectors) -> Vectors:
    """Of N×D: their mean, then the planes' normals; 256×D."""
    mean = vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = vectors - mean
    axes = np.linalg.eigh(centred.T @ centred)[1]  # in columns, those of most variance last
    axes = axes[:, -DIRECTIONS:]
    random, directions = np.random.default_rng(0), axes.shape[1]
    turned = [
        axes @ np.linalg.qr(random.standard_normal((directions, directions)))[0]
        for _ in range(-(-PLANES // directions))
    ]
    return np.vstack([mean, np.hstack(turned)[:, :PLANES].T]).astype("<f4")


def _sides(file: IO[bytes], dimension: int) -> Vectors:
    file.seek(0)
    content = file.read(4 * dimension * (PLANES + 1))
    return np.frombuffer(content, "<f4").reshape(-1, dimension)

"""Exact search by cosine, in blocks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from figureground.gallery.records import Vectors

SCORES = 1 << 22  # held at once: 16 MB
BLOCK = 16384
FEW = 4096  # vectors: to wake another thread for them costs more than it saves


def nearest(
    queries: Vectors, vectors: Vectors, rows: NDArray[np.int64] | None = None, top: int = 10
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """For each of Q×D queries the scores and the rows of its min(top, rows) nearest, best first.

    All vectors are of length 1, so the score is their cosine, in [−1, 1]; of equal scores the lower
    row comes first. rows: where to search, ascending; None for everywhere. Memory beyond the result
    is bounded: about 50 MB, whatever is searched.
    """
    found = len(vectors) if rows is None else len(rows)
    scores = np.full((len(queries), top), -np.inf, np.float32)
    places = np.full((len(queries), top), -1, np.int64)
    block = min(max(SCORES // max(len(queries), 1), 1), BLOCK)
    for start in range(0, found, block):
        part = slice(start, min(start + block, found))
        here = _cosines(queries, vectors[part] if rows is None else vectors[rows[part]])
        for query, line in enumerate(here):
            better = np.flatnonzero(line > scores[query, -1])
            if not len(better):
                continue
            joined = np.concatenate([scores[query], line[better]])
            where = np.concatenate([places[query], better + start])
            order = np.argsort(-joined, kind="stable")[:top]
            scores[query], places[query] = joined[order], where[order]
    scores, places = scores[:, :found], places[:, :found]
    return scores, places if rows is None else rows[places]


def _cosines(queries: Vectors, vectors: Vectors) -> NDArray[np.float32]:
    """Q×N; of one query and few vectors by one thread."""
    if len(queries) == 1 and len(vectors) <= FEW:
        return np.vecdot(vectors, queries)[None]
    return queries @ vectors.T

"""Figures of a search for persons by embedding, by Market-1501's protocol (Zheng et al. 2015).

For each query, the gallery pictures of the same person by the same camera are left out. With p_k the
place, from 1, of the k-th nearest picture of the query's person, k = 1 … m, in the rest:

- AP = mean over k of k / p_k; mAP is its mean over the queries;
- rank-r (CMC at r): the share of queries with p_1 ≤ r;
- INP = m / p_m, how early the last match comes; mINP is its mean (Ye et al. 2021, arXiv 2001.04193).

A query without a match left is skipped and counted. The nearer of two is the one of smaller squared
Euclidean distance, for embeddings of length 1 the order of the cosine. Places are counted, not
sorted: p_k = k + the number of strangers at most as far away. So a stranger at exactly the same
distance comes first: of the possible orders of a tie this is the worst, which makes figures
independent of the order of the gallery and gives a network that answers everything alike no credit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Identities = NDArray[np.generic]  # numbers or names
CHUNK = 1 << 22  # distances held at once: 16 MB


class Retrieval:
    """Accumulates embeddings of queries and gallery; memory beyond them is bounded by `chunk`."""

    names = ("map", "rank1", "rank5", "rank10", "minp")

    def __init__(self, chunk: int = CHUNK) -> None:
        self.chunk = chunk
        self.counts: dict[str, int] = {}
        self.places: list[NDArray[np.intp]] = []
        self.query: list[tuple[Floats, Identities, Identities]] = []
        self.gallery: list[tuple[Floats, Identities, Identities]] = []

    def update(
        self,
        embeddings: Floats,
        persons: Identities,
        cameras: Identities,
        query: bool = True,
        gallery: bool = True,
    ) -> None:
        """N×D embeddings of N persons seen by N cameras, as queries, gallery or both.

        Where cameras are unknown, give each picture a number of its own: then only itself is left
        out. Raises ValueError on different lengths or values that are not finite.
        """
        if not len(embeddings) == len(persons) == len(cameras):
            raise ValueError(
                f"{len(embeddings)} embeddings of {len(persons)} persons by {len(cameras)} cameras"
            )
        if not np.isfinite(embeddings).all():
            raise ValueError("an embedding is not finite")
        part = embeddings.astype(np.float32, copy=False), persons, cameras
        if query:
            self.query.append(part)
        if gallery:
            self.gallery.append(part)

    def compute(self) -> dict[str, float]:
        """map, rank1, rank5, rank10, minp, each in [0, 1]. Then `counts` holds the numbers of
        queries, of those skipped, and of the gallery; `places` those of the matches of each query.

        Raises ValueError when no query has a match.
        """
        if not self.query or not self.gallery:
            raise ValueError("there are no queries or no gallery; give update() both")
        query, persons, cameras = _joined(self.query)
        gallery, their_persons, their_cameras = _joined(self.gallery)
        _, number = np.unique(np.concatenate([persons, their_persons]), return_inverse=True)
        persons, their_persons = number[: len(persons)], number[len(persons) :]
        square = np.einsum("nd,nd->n", gallery, gallery)
        found: list[NDArray[np.intp]] = []
        rows = max(1, self.chunk // len(gallery))
        for start in range(0, len(query), rows):
            part = slice(start, start + rows)
            distances = query[part] @ gallery.T  # the query's own square changes no order
            distances *= -2
            distances += square
            found += places(distances, persons[part], their_persons, cameras[part], their_cameras)
        self.places, skipped = found, sum(not len(places) for places in found)
        self.counts = {"queries": len(query), "skipped": skipped, "gallery": len(gallery)}
        return figures(found)


def _joined(
    parts: list[tuple[Floats, Identities, Identities]],
) -> tuple[Floats, Identities, Identities]:
    if len(parts) > 1:  # once, not at each compute()
        parts[:] = [tuple(np.concatenate(column) for column in zip(*parts))]  # type: ignore[list-item]
    return parts[0]


def places(
    distances: Floats,
    persons: Identities,
    gallery_persons: Identities,
    cameras: Identities,
    gallery_cameras: Identities,
) -> list[NDArray[np.intp]]:
    """The places of the matches of each query, none where there are none, from Q×G distances, which are
    changed."""
    found = []
    for row, person, camera in zip(distances, persons, cameras):
        same = np.flatnonzero(gallery_persons == person)
        matches = row[same[gallery_cameras[same] != camera]]
        matches.sort()
        row[same] = np.inf  # what stays below infinity is strangers
        strangers = [np.count_nonzero(row <= match) for match in matches]
        found.append(np.arange(1, len(matches) + 1) + np.array(strangers, np.intp))
    return found


def figures(found: list[NDArray[np.intp]]) -> dict[str, float]:
    """The figures of `Retrieval` from the places of the matches of each query; who has none is skipped."""
    found = [places for places in found if len(places)]
    if not found:
        raise ValueError("no query has a match in the gallery by another camera")
    first = np.array([p[0] for p in found])
    return {
        "map": float(np.mean([(np.arange(1, len(p) + 1) / p).mean() for p in found])),
        **{f"rank{r}": float((first <= r).mean()) for r in (1, 5, 10)},
        "minp": float(np.mean([len(p) / p[-1] for p in found])),
    }

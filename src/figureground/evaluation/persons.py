"""Re-identification: the queries of a set searched for in its gallery."""

from __future__ import annotations

import numpy as np

from figureground.data import read_sightings
from figureground.errors import DataError
from figureground.evaluation import progress
from figureground.imaging.read import read
from figureground.metrics.reid import Retrieval
from figureground.runtime.embedding import EmbeddingPredictor


def persons(
    predictor: EmbeddingPredictor, data: str, root: str, limit: int = 0, flip: bool = False
) -> dict[str, float]:
    """map, rank1, rank5, rank10, minp, and the numbers of what was searched.

    limit: only the first so many queries, 0 for all. flip: embed the mirrored crop too.
    Raises DataError when a split is missing or no query has a match.
    """
    query = read_sightings(data, root, "query")[: limit or None]
    gallery = read_sightings(data, root, "gallery")
    metric = Retrieval()
    parts = [(query[i : i + 32], True) for i in range(0, len(query), 32)]
    parts += [(gallery[i : i + 32], False) for i in range(0, len(gallery), 32)]
    for part, asks in progress(parts):
        crops = [read(s.image).pixels for s in part]
        embeddings = predictor.batch(crops)
        if flip:
            embeddings = embeddings + predictor.batch([crop[:, ::-1] for crop in crops])
            embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        who, views = np.array([s.person for s in part]), np.array([s.view for s in part])
        metric.update(embeddings, who, views, query=asks, gallery=not asks)
    try:
        figures = metric.compute()
    except ValueError as error:
        raise DataError(f"{root}: {error}") from None
    return {**figures, **metric.counts}

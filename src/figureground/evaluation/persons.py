"""Re-identification: the queries of a set searched for in its gallery."""

from __future__ import annotations

import numpy as np
from PIL import Image

from figureground.data import Sighting, read_sightings
from figureground.errors import DataError
from figureground.evaluation import Evaluation, progress
from figureground.evaluation.chart import Chart
from figureground.evaluation.pictures import ranked
from figureground.imaging.read import read
from figureground.metrics.reid import Retrieval
from figureground.runtime.embedding import EmbeddingPredictor

SHOWN = 6  # of what a query found
RANKS = 50  # of the curve


def persons(predictor: EmbeddingPredictor, data: str, root: str, limit: int = 0) -> Evaluation:
    """map, rank1, rank5, rank10, minp, and the numbers of what was searched.

    limit: only the first so many queries, 0 for all.
    Raises DataError when a split is missing or no query has a match.
    """
    query = read_sightings(data, root, "query")[: limit or None]
    gallery = read_sightings(data, root, "gallery")
    metric = Retrieval()
    parts = [(query[i : i + 32], True) for i in range(0, len(query), 32)]
    parts += [(gallery[i : i + 32], False) for i in range(0, len(gallery), 32)]
    for part, asks in progress(parts):
        embeddings = predictor.batch([read(s.image).pixels for s in part])
        who, views = np.array([s.person for s in part]), np.array([s.view for s in part])
        metric.update(embeddings, who, views, query=asks, gallery=not asks)
    try:
        figures = metric.compute()
    except ValueError as error:
        raise DataError(f"{root}: {error}") from None

    def draw(number: int) -> Image.Image:
        asked = query[number]
        found = ((gallery[i], gallery[i].person == asked.person) for i in nearest(number))
        return ranked(read(asked.image).pixels, [(read(s.image).pixels, same) for s, same in found])

    def nearest(number: int) -> list[int]:
        """The gallery's pictures in order, without those that the protocol leaves out."""
        asked = query[number]
        likeness = metric.gallery[0][0] @ metric.query[0][0][number]
        order = np.argsort(-likeness, kind="stable")
        return [int(i) for i in order if not _left_out(asked, gallery[i])][:SHOWN]

    matches = [places for places in metric.places if len(places)]
    first = np.array([places[0] for places in matches])
    ranks = range(1, min(RANKS, len(gallery)) + 1)
    cmc = [float((first <= rank).mean()) for rank in ranks]
    return Evaluation(
        {**figures, **metric.counts},
        "ap",
        [_precision(places) for places in metric.places],
        [s.image.name for s in query],
        draw,
        "query, then the nearest of the gallery: green the same person, red another",
        charts=[Chart("Found among the first (CMC)", "rank", "", {"queries": (ranks, cmc)})],
    )


def _left_out(asked: Sighting, other: Sighting) -> bool:
    return asked.person == other.person and asked.view == other.view


def _precision(places: np.ndarray) -> float:  # type: ignore[type-arg]
    """Average precision of one query, NaN where nothing could be found."""
    return float((np.arange(1, len(places) + 1) / places).mean()) if len(places) else float("nan")

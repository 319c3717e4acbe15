"""Re-identification: the queries of a set searched for in its gallery."""

from __future__ import annotations

from pathlib import Path

from figureground.data import read_sightings
from figureground.errors import DataError
from figureground.metrics.reid import Retrieval
from figureground.training.reid_data import Sightings, embed
from figureground.training.run import load_run


def persons(run: Path, data: str, root: str, limit: int, flip: bool) -> dict[str, float]:
    """map, rank1, rank5, rank10, minp of a run folder's network, and the numbers of what was searched.

    limit: only the first so many queries, 0 for all. flip: embed the mirrored crop too.
    """
    query = read_sightings(data, root, "query")[: limit or None]
    gallery = read_sightings(data, root, "gallery")
    network, card = load_run(run)
    embeddings, whose, cameras = embed(network, Sightings([*query, *gallery], card.input), flip)
    metric = Retrieval()
    for part, asks in ((slice(len(query)), True), (slice(len(query), None), False)):
        metric.update(embeddings[part], whose[part], cameras[part], query=asks, gallery=not asks)
    try:
        figures = metric.compute()
    except ValueError as error:
        raise DataError(f"{root}: {error}") from None
    return {**figures, **metric.counts}

"""Whether a gallery's files are as they were written."""

from __future__ import annotations

import numpy as np

from figureground.errors import FiguregroundError
from figureground.gallery.embed import Embedder, agree
from figureground.gallery.store import BLOCK, Store


def damage(store: Store) -> list[str]:
    """What is wrong, in words; empty when nothing is. The manifest, and every vector's length."""
    wrong = store.integrity()
    if wrong:
        return wrong
    with store.reading() as vectors:
        rows = store.rows()
        if rows is None:
            rows = np.arange(len(vectors))
        if len(np.unique(rows)) < len(rows) or (len(rows) and rows[-1] >= len(vectors)):
            return ["the manifest names a vector twice, or one that is not there"]
        bad = 0
        for start in range(0, len(rows), BLOCK):
            part = vectors[rows[start : start + BLOCK]]
            bad += int((~(np.abs(np.einsum("nd,nd->n", part, part) - 1) < 1e-3)).sum())
    return [f"{bad} of {len(rows)} vectors are not of length 1"] if bad else []


def stranger(store: Store) -> str:
    """Why this machine cannot search it, "" if it can: the model is missing, or is another."""
    try:
        mine = Embedder(store.settings.model, store.settings.background)
        agree(store.settings, mine.settings)
    except FiguregroundError as error:
        return str(error)
    return ""

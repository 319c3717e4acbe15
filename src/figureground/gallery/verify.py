"""Whether a gallery's files are as they were written."""

from __future__ import annotations

from itertools import islice

import numpy as np

from figureground.errors import FiguregroundError
from figureground.gallery.embed import Embedder, agree
from figureground.gallery.storage import Storage

AT_ONCE = 10_000  # people


def damage(store: Storage) -> list[str]:
    """What is wrong, in words; empty when nothing is. The manifest, and every vector's length."""
    wrong = store.integrity()
    if wrong:
        return wrong
    with store.reading():
        everybody, people, bad = store.select(), 0, 0
        while part := list(islice(everybody, AT_ONCE)):
            vectors = store.vectors(part)
            people += len(part)
            bad += int((~(np.abs(np.einsum("nd,nd->n", vectors, vectors) - 1) < 1e-3)).sum())
    return [f"{bad} of {people} vectors are not of length 1"] if bad else []


def stranger(store: Storage) -> str:
    """Why this machine cannot search it, "" if it can: the model is missing, or is another."""
    try:
        mine = Embedder(store.settings.model, store.settings.background, flip=store.settings.flip)
        agree(store.settings, mine.settings)
    except FiguregroundError as error:
        return str(error)
    return ""

"""A gallery as arrays that any program reads."""

from __future__ import annotations

import io
from dataclasses import asdict
from json import dumps

import numpy as np

from figureground.gallery.filter import EVERYBODY, Filter
from figureground.gallery.storage import Storage


def npz(store: Storage, filter: Filter = EVERYBODY) -> bytes:
    """NumPy's .npz of the people meant: vectors N×D float32; image, camera, person, tag N strings, ""
    where unknown; box N×4 int64; time N float64 (Unix seconds, NaN where unknown); settings: JSON.
    """
    with store.reading():
        people = list(store.select(filter))
        columns = {
            name: np.array([getattr(entry, name) or "" for entry in people], str)
            for name in ("image", "camera", "person", "tag")
        }
        buffer = io.BytesIO()
        np.savez(
            buffer,
            vectors=store.vectors(people),
            box=np.array([entry.box for entry in people], np.int64).reshape(-1, 4),
            time=np.array([entry.time for entry in people], np.float64),
            settings=np.array(dumps(asdict(store.settings))),
            **columns,  # type: ignore[arg-type]
        )
    return buffer.getvalue()

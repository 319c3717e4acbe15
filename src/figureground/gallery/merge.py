"""One gallery into another."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import numpy as np

from figureground.gallery.embed import agree
from figureground.gallery.records import Image
from figureground.gallery.store import Store

AT_ONCE = 1000  # images


def merge(target: Store, source: Store) -> int:
    """Adds the images of a gallery; one that both have is then the source's. How many there were.

    Raises GalleryError where the vectors cannot be compared. What is done is kept whatever stops it.
    """
    agree(target.settings, source.settings)

    def image(path: str) -> Image:
        people = source.people_of(path)
        rows = np.array([entry.row for entry in people], np.int64)
        thumbnails = [source.thumbnail(entry.id) for entry in people]
        boxes = [entry.box for entry in people]
        found = Image(path, fingerprints[path], vectors[rows], boxes, thumbnails)
        for e in people[:1]:  # the same of all of them
            found = replace(
                found, camera=e.camera, person=e.person, time=e.time, tag=e.tag, added=e.added
            )
        return found

    with target.writing(), source.reading() as vectors:
        fingerprints = source.known()
        paths = iter(fingerprints)
        while part := list(islice(paths, AT_ONCE)):
            target.put([image(path) for path in part])
        target.compact()
    return len(fingerprints)

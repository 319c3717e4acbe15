"""One gallery into another."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from figureground.gallery.embed import agree
from figureground.gallery.records import Image
from figureground.gallery.storage import Storage

AT_ONCE = 1000  # images


def merge(target: Storage, source: Storage) -> int:
    """Adds the images of a gallery; one that both have is then the source's. How many there were.

    Raises GalleryError where the vectors cannot be compared. What is done is kept whatever stops it.
    """
    agree(target.settings, source.settings)

    def image(path: str) -> Image:
        people = source.people_of(path)
        thumbnails = [source.thumbnail(entry.id) for entry in people]
        boxes = [entry.box for entry in people]
        found = Image(path, fingerprints[path], source.vectors(people), boxes, thumbnails)
        for e in people[:1]:  # the same of all of them
            found = replace(
                found, camera=e.camera, person=e.person, time=e.time, tag=e.tag, added=e.added
            )
        return found

    with target.writing(), source.reading():
        fingerprints = source.known()
        paths = iter(fingerprints)
        while part := list(islice(paths, AT_ONCE)):
            target.put([image(path) for path in part])
        target.compact()
    return len(fingerprints)

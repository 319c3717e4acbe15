"""The gallery of a server: searched by anybody who may ask, changed where the server is told so."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from figureground.errors import GalleryError
from figureground.gallery import Gallery
from figureground.gallery.filter import Filter, ago, moment, names, shown
from figureground.gallery.indexing import thumbnail
from figureground.gallery.records import Entry, Image
from figureground.imaging.read import read
from figureground.serve.answers import Answer
from figureground.serve.options import Add, Forget, RequestError, Search
from figureground.serve.upload import Upload
from figureground.serve.work import Check

UPLOADED = "upload-"  # how the image of somebody is called who came with a request; no path


class People:
    """gallery: its folder, which `writable` makes where there is none. max_pixels: of a picture.

    For any threads: each has its own view, and one writes at a time. Raises GalleryError and CardError
    for a gallery that cannot be used.
    """

    def __init__(self, gallery: str, max_pixels: int, writable: bool = False) -> None:
        # as errors name it
        self.gallery = gallery if "://" in gallery else os.path.normpath(gallery)
        self.max_pixels = max_pixels
        self._of_thread = threading.local()
        self._writing = threading.Lock()
        with Gallery(gallery) as opened:
            if writable:
                opened.add([])
            _ = opened.store, opened.embedder

    def search(self, upload: Upload, options: Search, check: Check) -> Answer:
        """Who of the gallery looks like the person in the picture."""
        photo = read(upload.photo, max_pixels=self.max_pixels)
        check()
        with self._saying():
            found = self._opened().search(
                photo.pixels,
                top=options.top,
                people=options.people,
                rerank=options.rerank,
                threshold=options.threshold,
                camera=names(options.camera),
                not_camera=names(options.not_camera),
                tag=names(options.tag),
                since=moment(options.since) if options.since else None,
                until=moment(options.until) if options.until else None,
            )
        matches = [
            {
                "score": round(match.score, 6),
                "same": match.same,
                "probability": match.probability,
                **_entry(match.entry),
            }
            for match in found.matches
        ]
        said = {"nobody": found.nobody, "threshold": found.threshold, "matches": matches}
        return Answer.json(said)

    def add(self, upload: Upload, options: Add, check: Check) -> Answer:
        """Puts the people of a picture into the gallery; the same picture again replaces them."""
        photo = read(upload.photo, max_pixels=self.max_pixels)
        check()
        with self._saying():
            opened = self._opened()
            boxes, crops, vectors = opened.embedder.look(photo, options.people)
            if not boxes:
                raise RequestError("nobody is found in the picture; give one that shows a person")
            name = UPLOADED + blake2b(upload.photo, digest_size=16).hexdigest()
            image = Image(
                name,
                "",
                vectors,
                boxes,
                [None if options.no_thumbnails else thumbnail(crop) for crop in crops],
                options.camera or None,
                options.person or None,
                moment(options.time) if options.time else None,
                options.tag or None,
            )
            check()
            with self._writing:
                opened.store.put([image])
                added = opened.store.people_of(name)
        people = [{"id": entry.id, "box": entry.box} for entry in added]
        return Answer.json({"image": name, "people": people})

    def forget(self, options: Forget) -> Answer:
        """Takes people, their vectors and thumbnails out of the gallery; says how many they were."""
        with self._saying():
            meant = Filter(
                camera=names(options.camera),
                person=names(options.person),
                tag=names(options.tag),
                since=moment(options.since) if options.since else None,
                until=moment(options.until) if options.until else None,
                before=ago(options.older_than) if options.older_than else None,
            )
            if bool(options.image) + bool(meant.sql()[0]) + options.everybody != 1:
                raise RequestError(
                    "expected whom to forget: by image, or by camera, person, tag, since, until and "
                    "older_than, or everybody"
                )
            with self._writing:
                store = self._opened().store
                by_image = bool(options.image)
                gone = store.forget_images([options.image]) if by_image else store.forget(meant)
        return Answer.json({"forgotten": gone})

    def stats(self) -> dict[str, Any]:
        """How many people there are, and the score from which on a match is one."""
        with self._saying():
            opened = self._opened()
            people, calibration = opened.store.count(), opened.calibration
        return {"people": people, "threshold": calibration.threshold if calibration else None}

    def thumbnail(self, id: int) -> bytes | None:
        """JPEG of somebody, where it is kept."""
        with self._saying():
            return self._opened().store.thumbnail(id)

    @contextmanager
    def _saying(self) -> Iterator[None]:
        """Errors without where the gallery lies: that is the server's own affair."""
        try:
            yield
        except GalleryError as error:
            raise RequestError(str(error).replace(self.gallery, "the gallery")) from None

    def _opened(self) -> Gallery:
        if not hasattr(self._of_thread, "gallery"):
            self._of_thread.gallery = Gallery(self.gallery)
        opened: Gallery = self._of_thread.gallery
        return opened


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "image": Path(entry.image).name,
        "box": entry.box,
        "person": entry.person,
        "camera": entry.camera,
        "tag": entry.tag,
        "time": shown(entry.time) or None,
    }

"""Find a person again: a gallery of the people in photos, searched by how they look.

    gallery = fg.Gallery("people.gallery")
    gallery.add(["a.jpg", "b.jpg"], camera="door")  # one person each; people="photo" looks for them
    found = gallery.search("query.jpg", top=5)      # found.matches, best first; found.nobody

It compares clothes and build, as a camera across the street sees them; it recognises no faces.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from figureground.errors import GalleryError
from figureground.gallery.calibrate import Calibration, best_scores, by_pairs, by_searches
from figureground.gallery.embed import MODEL, Embedder, Kind, agree
from figureground.gallery.filter import Filter
from figureground.gallery.indexing import Added, file_of, index
from figureground.gallery.records import Box, Vectors
from figureground.gallery.rerank import reranked
from figureground.gallery.results import Found, Match
from figureground.gallery.sources import Picture
from figureground.gallery.storage import Storage, made, opened, there
from figureground.imaging.read import Source, read

if TYPE_CHECKING:
    from typing import Self


class Gallery:
    """The gallery in the folder `path`, or on a Qdrant server at http://HOST:6333/NAME; one is made there
    by the first `add`.

    model, background ("keep" or "mask"), flip (embed the mirror image too: finds a little more, in twice
    the time): of a new gallery; of one that is there, they may be left out and must be the same otherwise.
    Raises GalleryError for a gallery that cannot be used, CardError for the model. Not for several threads
    at once: each opens its own.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        model: str = "",
        background: str = "",
        flip: bool | None = None,
        device: str = "auto",
    ) -> None:
        if not os.fspath(path):
            raise GalleryError("the gallery has no name; give its folder")
        self.path = path
        self.model = model
        self.background = background
        self.flip = flip
        self.device = device
        self._store: Storage | None = None
        self._embedder: Embedder | None = None
        if there(path):
            self._store = opened(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Gives the files back; what is done with the gallery next opens it again."""
        if self._store is not None:
            self._store.close()
            self._store = None

    @property
    def store(self) -> Storage:
        """What is kept. Raises GalleryError where there is nothing yet."""
        if self._store is None:
            self._store = opened(self.path)
        return self._store

    @property
    def embedder(self) -> Embedder:
        """The model of the gallery, loaded. Raises GalleryError when it is not the one it was made with."""
        if self._embedder is None:
            settings = self.store.settings if there(self.path) else None
            model = self.model or (settings.model if settings else MODEL)
            background = self.background or (settings.background if settings else "keep")
            flip = self.flip if self.flip is not None else bool(settings and settings.flip)
            embedder = Embedder(model, background, self.device, flip)
            if settings is not None:
                agree(settings, embedder.settings)
            self._embedder = embedder
        return self._embedder

    def add(
        self,
        images: Iterable[str | os.PathLike[str] | Picture],
        *,
        people: Kind = "crop",
        camera: str | None = None,
        person: str | None = None,
        time: float | None = None,
        tag: str | None = None,
        thumbnails: bool = True,
        every: float = 1.0,
        progress: Callable[[int, int, int], None] | None = None,
    ) -> Added:
        """Puts the people of some photos and videos into the gallery; what cannot be read is in the result.

        people: "crop", an image is of one person from side to side; "photo", people are looked for, as they
        always are in videos, in a frame of `every` so many seconds.
        camera, person, time (Unix seconds; when a video began), tag: of all the images; a Picture brings
        its own, see gallery.sources. thumbnails: keep small pictures of them. progress: is called with the
        files done, of how many, and people.

        Files that have not changed are left alone, changed ones replaced. Work is kept every few seconds:
        whatever stops it, the same call goes on from there.
        """
        if not 0 <= every < np.inf:
            raise GalleryError(f"every is {every} seconds; expected 0 (all frames) or more")
        if isinstance(images, str | os.PathLike):
            raise GalleryError(f"images is {os.fspath(images)!r}; expected a list, such as [that]")
        about = {"camera": camera, "person": person, "time": time, "tag": tag}
        pictures = [
            image if isinstance(image, Picture) else Picture(Path(image).absolute(), **about)  # type: ignore[arg-type]
            for image in images
        ]
        embedder = self.embedder
        if self._store is None:
            self._store = made(self.path, embedder.settings)
            agree(self.store.settings, embedder.settings)
        return index(self.store, embedder, pictures, people, thumbnails, every, progress)

    def search(
        self,
        images: Source | Sequence[Source],
        *,
        top: int = 10,
        people: Kind = "crop",
        rerank: int = 0,
        threshold: float | None = None,
        camera: Sequence[str] = (),
        not_camera: Sequence[str] = (),
        tag: Sequence[str] = (),
        since: float | None = None,
        until: float | None = None,
        exact: bool = False,
    ) -> Found:
        """The `top` people of the gallery nearest to the person in an image, or in several, by the mean of
        their vectors.

        people: as in `add`; of several people in a "photo" the largest is meant. rerank: k-reciprocal
        re-ranking of so many of the nearest; scores stay what they are. threshold: instead of the one
        that the gallery is calibrated to. exact: miss nobody in a gallery of more than 200,000 people.
        The rest says among whom to search, see gallery.filter.

        Raises ImageError for an image that cannot be read, GalleryError when it shows nobody.
        """
        if top < 1:
            raise GalleryError(f"top is {top}; expected 1 or more")
        if rerank < 0:
            raise GalleryError(f"rerank is {rerank}; expected 0 (not at all) or more")
        if threshold is not None and not -1 <= threshold <= 1:
            raise GalleryError(f"the threshold is {threshold}; expected a score, from -1 to 1")
        store = self.store
        several: Sequence[Any] = images if isinstance(images, list | tuple) else [images]
        asked, found = self._look(several, people)
        query = found.mean(axis=0)
        query /= max(float(np.linalg.norm(query)), 1e-12)
        filter = Filter(camera, not_camera, tag=tag, since=since, until=until)
        calibration = self.calibration
        entries, scores, vectors = store.nearest(query, max(top, rerank), filter, exact)
        order = np.arange(len(entries))
        if rerank and len(entries) > 1:
            order[:rerank] = np.argsort(reranked(query, vectors[:rerank]), kind="stable")
        if threshold is None and calibration is not None:
            threshold = calibration.threshold
        matches = [
            Match(
                entries[n],
                score := float(scores[n]),
                None if threshold is None else score >= threshold,
                None if calibration is None else calibration.probability(score),
            )
            for n in order[:top]
        ]
        return Found(matches, threshold, asked)

    def embed(self, images: Iterable[Source], people: Kind = "crop") -> Vectors:
        """N×D vectors of the (largest) person in each image, as this gallery's are made."""
        return self._look(images, people)[1]

    def _look(self, images: Iterable[Source], people: Kind) -> tuple[list[list[Box]], Vectors]:
        """The people in each image, the largest first, and N×D vectors of those."""
        boxes, vectors = [], []
        for image in images:
            found, _, theirs = self.embedder.look(read(image), people)
            if not found:
                name = image if isinstance(image, str | os.PathLike) else "the image"
                raise GalleryError(f"no person is found in {name}; give a picture that shows one")
            boxes.append(found)
            vectors.append(theirs[0])
        if not vectors:
            raise GalleryError("there is no query picture; give one or more")
        return boxes, np.array(vectors)

    @property
    def calibration(self) -> Calibration | None:
        """What `calibrate` found, if it was done."""
        values = self.store.about("calibration")
        return None if values is None else Calibration(**values)

    def calibrate(
        self,
        far: float = 0.01,
        pairs: Iterable[tuple[Source, Source, bool]] | None = None,
        people: Kind = "crop",
    ) -> Calibration:
        """Finds the threshold for a wanted false accept rate, and a probability, and keeps both.

        By the persons named in the gallery: each picture is searched for among the others. Or by pairs
        of pictures (people: as in `search`), and whether both show the same person: the rate is then that
        of one comparison, and a search makes as many as there are people in the gallery.
        """
        with self.store.reading():
            if pairs is None:
                named = [entry for entry in self.store.select() if entry.person is not None]
                same, different = best_scores(
                    self.store.vectors(named),
                    [str(entry.person) for entry in named],
                    [entry.camera for entry in named],
                    [entry.image for entry in named],
                )
                calibration = by_searches(same, different, far, len(named))
            else:
                scores: dict[bool, list[np.floating]] = {True: [], False: []}
                for first, second, equal in pairs:
                    one, other = self.embed([first, second], people)
                    scores[equal].append(one @ other)
                same, different = (np.array(scores[kind], np.float32) for kind in (True, False))
                calibration = by_pairs(same, different, far, self.store.count())
        self.store.remember("calibration", asdict(calibration))
        return calibration

    def forget(self, filter: Filter) -> int:
        """Takes the people meant out of all files of the gallery; how many they were."""
        return self.store.forget(filter)

    def forget_missing(self) -> int:
        """Takes out those whose image files are gone; how many they were."""
        return self.store.forget_images(
            path for path in self.store.known() if not os.path.exists(file_of(path))
        )

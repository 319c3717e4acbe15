"""Photos and videos into a gallery: those that changed, several at once, kept as it goes."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b, file_digest
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from figureground.errors import FiguregroundError, ImageError
from figureground.gallery.embed import Embedder, Kind
from figureground.gallery.records import Image
from figureground.gallery.sources import Picture
from figureground.gallery.storage import Storage
from figureground.imaging.read import Photo, read

KEEP_EVERY = 2.0  # seconds
THUMBNAIL = 96, 160  # pixels at most
TIME = "#t="  # between a video and the seconds of its frame, as W3C's Media Fragments have it


@dataclass
class Added:
    """images: new or changed, frames of videos too; people in them; unchanged images; empty: images that
    show nobody; wide: those taken for one person that are wider than high; failed: (path, why) of files
    that could not be read."""

    images: int = 0
    people: int = 0
    unchanged: int = 0
    empty: int = 0
    wide: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Work:
    """To look at a photo or frame: what to keep of it, None when it is known as it is. ends: the last of
    its file; sign: keeps no more than that a whole video was seen; crop: is taken for one person."""

    path: str
    look: Callable[[], Image | None]
    ends: bool = True
    sign: bool = False
    crop: bool = False


def index(
    store: Storage,
    embedder: Embedder,
    pictures: Sequence[Picture],
    kind: Kind,
    thumbnails: bool,
    every: float,
    progress: Callable[[int, int, int], None] | None,
) -> Added:
    """See Gallery.add."""
    added, waiting, kept, done = Added(), list[Image](), time.monotonic(), 0
    failed = set[str]()  # files
    with store.writing():
        indexing = _Indexing(embedder, kind, thumbnails, every, store.known())
        for work, answer in _ahead(indexing.work(pictures)):
            try:
                image = answer.result()
            except (FiguregroundError, MemoryError) as error:
                reason = str(error) or f"{work.path} does not fit into memory"
                added.failed.append((work.path, reason))
                failed.add(work.path.rpartition(TIME)[0])
            else:
                if image is None:
                    added.unchanged += 1
                elif not work.sign:
                    waiting.append(image)
                    added.images += 1
                    added.people += len(image.boxes)
                    added.empty += not image.boxes
                    added.wide += work.crop and any(w > h for _, _, w, h in image.boxes)
                elif work.path not in failed:
                    waiting.append(image)
            done += work.ends
            if waiting and time.monotonic() > kept + KEEP_EVERY:
                store.put(waiting)
                waiting, kept = [], time.monotonic()
            if progress is not None:
                progress(done, len(pictures), added.people)
        store.put(waiting)
        if indexing.stale:
            store.forget_images(indexing.stale)
        store.compact()
    return added


@dataclass
class _Indexing:
    """known: {path: fingerprint} of what the gallery has; stale: frames of videos that are no longer so."""

    embedder: Embedder
    kind: Kind
    thumbnails: bool
    every: float
    known: dict[str, str]
    stale: list[str] = field(default_factory=list)

    def work(self, pictures: Iterable[Picture]) -> Iterator[Work]:
        for picture in pictures:
            if picture.moves:
                yield from self._video(picture)
            else:
                crop = self.kind == "crop" and picture.boxes is None
                yield Work(str(picture.path), partial(self._photo, picture), crop=crop)

    def _photo(self, picture: Picture) -> Image | None:
        with _opened(picture.path) as file:
            content = file.read()
        boxes, kind = picture.boxes, self.kind if picture.boxes is None else ""
        fingerprint = self._fingerprint(content, boxes, kind, *_about(picture))
        if fingerprint == self.known.get(str(picture.path)):
            return None
        try:
            photo = read(content)
        except ImageError as error:
            raise ImageError(f"{picture.path}: {error}") from None
        return self._image(str(picture.path), fingerprint, photo, picture)

    def _video(self, picture: Picture) -> Iterator[Work]:
        """Frames as images called FILE#t=SECONDS; when all were seen, a sign under the file's own name."""
        path = str(picture.path)
        try:
            with _opened(picture.path) as file:
                content = file_digest(file, partial(blake2b, digest_size=16)).digest()
            fingerprint = self._fingerprint(content, self.every, *_about(picture))
            if fingerprint == self.known.get(path):
                yield Work(path, lambda: None)
                return
            from figureground.video.read import frames

            seen = set()
            for seconds, pixels in frames(path, self.every):
                name = f"{path}{TIME}{seconds:.3f}"
                seen.add(name)
                if self.known.get(name) == fingerprint:
                    continue
                moment = None if picture.time is None else picture.time + seconds
                frame = replace(picture, time=moment)
                yield Work(
                    name,
                    partial(self._image, name, fingerprint, Photo(pixels, None), frame),
                    ends=False,
                )
        except FiguregroundError as error:
            yield Work(path, partial(_fail, error))
            return
        self.stale += [p for p in self.known if p.startswith(path + TIME) and p not in seen]
        nobody = np.empty((0, self.embedder.settings.dimension), np.float32)
        yield Work(path, lambda: Image(path, fingerprint, nobody, [], []), sign=True)

    def _image(self, name: str, fingerprint: str, photo: Photo, picture: Picture) -> Image:
        kind: Kind = "photo" if picture.moves else self.kind
        boxes, crops, vectors = self.embedder.look(photo, kind, picture.boxes)
        small = [thumbnail(crop) if self.thumbnails else None for crop in crops]
        return Image(name, fingerprint, vectors, boxes, small, *_about(picture))

    def _fingerprint(self, content: bytes, *asked: object) -> str:
        return blake2b(
            content + repr((*asked, self.thumbnails)).encode(), digest_size=16
        ).hexdigest()


def file_of(image: str) -> str:
    """The photo, or the video that a frame is of."""
    return image if os.path.exists(image) else image.rpartition(TIME)[0] or image


def _about(picture: Picture) -> tuple[str | None, str | None, float | None, str | None]:
    return picture.camera, picture.person, picture.time, picture.tag


def _fail(error: FiguregroundError) -> None:
    raise error


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        str(path).encode()
        with open(path, "rb") as file:
            yield file
    except OSError as error:
        raise ImageError(f"cannot open {path} ({error.strerror})") from None
    except UnicodeEncodeError:
        raise ImageError(f"the name of {path!s} is not UTF-8; rename it") from None


def thumbnail(crop: NDArray[np.uint8]) -> bytes:
    """H×W×3 RGB as a small JPEG."""
    image, buffer = PilImage.fromarray(crop), BytesIO()
    image.thumbnail(THUMBNAIL)
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _ahead(work: Iterable[Work]) -> Iterator[tuple[Work, Future[Image | None]]]:
    """What is to be looked at with the answer, in order; one thread per core, little ahead."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pool = ThreadPoolExecutor(workers)
    under_way: deque[tuple[Work, Future[Image | None]]] = deque()
    try:
        for part in work:
            under_way.append((part, pool.submit(part.look)))
            if len(under_way) > 2 * (workers or 1):
                yield under_way.popleft()
        yield from under_way
    finally:
        pool.shutdown(cancel_futures=True)

"""Image files into a gallery: those that changed, several at once, kept as it goes."""

from __future__ import annotations

import io
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PilImage

from figureground.errors import FiguregroundError, ImageError
from figureground.gallery.embed import Embedder, Kind
from figureground.gallery.records import Image
from figureground.gallery.sources import Picture
from figureground.gallery.storage import Storage
from figureground.imaging.read import read

KEEP_EVERY = 2.0  # seconds
THUMBNAIL = 96, 160  # pixels at most


@dataclass
class Added:
    """images: new or changed; people in them; unchanged images; empty: images that show nobody;
    failed: (path, why) of those that could not be read."""

    images: int = 0
    people: int = 0
    unchanged: int = 0
    empty: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


def index(
    store: Storage,
    embedder: Embedder,
    pictures: Sequence[Picture],
    kind: Kind,
    thumbnails: bool,
    progress: Callable[[int, int, int], None] | None,
) -> Added:
    """See Gallery.add."""
    added, waiting, kept = Added(), list[Image](), time.monotonic()
    with store.writing():
        known = store.known()

        def look(picture: Picture) -> Image | None:
            return _look(picture, embedder, kind, thumbnails, known.get(str(picture.path)))

        for done, (picture, answer) in enumerate(_ahead(look, pictures), 1):
            try:
                image = answer.result()
            except (FiguregroundError, MemoryError) as error:
                reason = str(error) or f"{picture.path} does not fit into memory"
                added.failed.append((str(picture.path), reason))
            else:
                if image is None:
                    added.unchanged += 1
                else:
                    added.images += 1
                    added.people += len(image.boxes)
                    added.empty += not image.boxes
                    waiting.append(image)
            if waiting and (done == len(pictures) or time.monotonic() > kept + KEEP_EVERY):
                store.put(waiting)
                waiting, kept = [], time.monotonic()
            if progress is not None:
                progress(done, len(pictures), added.people)
        store.put(waiting)
        store.compact()
    return added


def _look(
    picture: Picture, embedder: Embedder, kind: Kind, thumbnails: bool, known: str | None
) -> Image | None:
    """The image to keep; None when it is known as it is."""
    try:
        str(picture.path).encode()
        content = Path(picture.path).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot open {picture.path} ({error.strerror})") from None
    except UnicodeEncodeError:
        raise ImageError(f"the name of {picture.path!s} is not UTF-8; rename it") from None
    about = picture.camera, picture.person, picture.time, picture.tag
    asked = repr((picture.boxes, kind if picture.boxes is None else "", thumbnails, about))
    fingerprint = blake2b(content + asked.encode(), digest_size=16).hexdigest()
    if fingerprint == known:
        return None
    try:
        photo = read(content)
    except ImageError as error:
        raise ImageError(f"{picture.path}: {error}") from None
    boxes, crops, vectors = embedder.look(photo, kind, picture.boxes)
    small = [thumbnail(crop) if thumbnails else None for crop in crops]
    return Image(str(picture.path), fingerprint, vectors, boxes, small, *about)


def thumbnail(crop: NDArray[np.uint8]) -> bytes:
    """H×W×3 RGB as a small JPEG."""
    image, buffer = PilImage.fromarray(crop), io.BytesIO()
    image.thumbnail(THUMBNAIL)
    image.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _ahead(
    look: Callable[[Picture], Image | None], pictures: Sequence[Picture]
) -> Iterator[tuple[Picture, Future[Image | None]]]:
    """What `look` answers of each picture, in order; one thread per core, few pictures ahead."""
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    pool = ThreadPoolExecutor(workers)
    under_way: deque[tuple[Picture, Future[Image | None]]] = deque()
    try:
        for picture in pictures:
            under_way.append((picture, pool.submit(look, picture)))
            if len(under_way) > 2 * (workers or 1):
                yield under_way.popleft()
        yield from under_way
    finally:
        pool.shutdown(cancel_futures=True)

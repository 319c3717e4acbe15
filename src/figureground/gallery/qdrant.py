"""A gallery on a Qdrant server: http://HOST:6333/NAME. The key, where it wants one, is in QDRANT_API_KEY.

The collection NAME has a point per person: the vector, and who and where in the payload. NAME-about has a
point per image with its fingerprint, and the settings and the calibration. There are no transactions:
an image counts once its fingerprint is there, after its people; what a crash leaves in between is
written over, as the numbers of points come from the image's path. Several may write at a time.
"""

from __future__ import annotations

import os
import time
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from hashlib import blake2b
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import qdrant_client
from numpy.typing import NDArray
from qdrant_client import models
from qdrant_client.http.exceptions import ApiException

from figureground.errors import GalleryError
from figureground.gallery.filter import EVERYBODY, Filter
from figureground.gallery.records import Entry, Image, Settings, Vectors

FORMAT = 1
AT_ONCE = 500  # points of a request
PATIENCE = 60  # seconds for an answer
LABELS = "camera", "person", "tag"
KEPT = models.PayloadSelectorExclude(exclude=["thumbnail"])


class Qdrant:
    """The gallery at that address, as store.Store. Raises GalleryError where there is none of use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client, self._people = _client(url)
        self._about = f"{self._people}-about"
        with _said(url):
            if self.about("settings") is None:
                raise GalleryError(
                    f"there is no gallery at {url}; make one by `figureground index PHOTOS --gallery {url}`"
                )
            version = self.about("format")
        if version != FORMAT:
            raise GalleryError(
                f"{url} is a gallery of format {version}, and this figureground knows {FORMAT}; "
                "index again, or use the version that made it"
            )
        self.settings = Settings(**self.about("settings"))

    def close(self) -> None:
        self._client.close()

    def about(self, name: str) -> Any:
        with _said(self.url):
            if not self._client.collection_exists(self._about):
                return None
            found: list[Any] = self._client.retrieve(self._about, [_number("about", name)])
        return found[0].payload["value"] if found else None

    def remember(self, name: str, value: Any) -> None:
        with _said(self.url):
            _remember(self._client, self._about, name, value)

    def reading(self) -> nullcontext[None]:
        """The server has no states: what others write meanwhile is seen."""
        return nullcontext()

    def writing(self) -> nullcontext[None]:
        return nullcontext()

    def nearest(
        self, query: Vectors, top: int, filter: Filter = EVERYBODY, exact: bool = False
    ) -> tuple[list[Entry], NDArray[np.float32], Vectors]:
        with _said(self.url):
            found = self._client.query_points(
                self._people,
                query=query.tolist(),
                query_filter=_condition(filter),
                search_params=models.SearchParams(exact=exact),
                limit=top,
                with_payload=KEPT,
                with_vectors=True,
            ).points
        vectors = self._array(found)
        scores = vectors @ query
        order = np.argsort(-scores, kind="stable")
        return [_entry(found[n]) for n in order], scores[order], vectors[order]

    def vectors(self, entries: Sequence[Entry]) -> Vectors:
        found: dict[Any, Any] = {}
        with _said(self.url):
            for part in _parts([entry.id for entry in entries]):
                for point in self._client.retrieve(self._people, part, False, True):
                    found[point.id] = point
        if missing := [entry for entry in entries if entry.id not in found]:
            raise GalleryError(f"{len(missing)} people were forgotten meanwhile; do it again")
        return self._array([found[entry.id] for entry in entries])

    def count(self) -> int:
        with _said(self.url):
            return int(self._client.count(self._people).count)

    def select(self, filter: Filter = EVERYBODY) -> Iterator[Entry]:
        return map(_entry, self._points(self._people, _condition(filter)))

    def people_of(self, image: str) -> list[Entry]:
        found = self._points(self._people, _images([image]))
        return sorted(map(_entry, found), key=lambda entry: entry.row)

    def thumbnail(self, id: int) -> bytes | None:
        with _said(self.url):
            found: list[Any] = self._client.retrieve(self._people, [id], ["thumbnail"])
        return b64decode(found[0].payload["thumbnail"]) if found and found[0].payload else None

    def known(self) -> dict[str, str]:
        images = self._points(self._about, models.Filter(must=[_any("kind", ["image"])]))
        return {image.payload["image"]: image.payload["fingerprint"] for image in images}

    def put(self, images: Sequence[Image]) -> None:
        with _said(self.url):
            for part in _parts([point for image in images for point in _points_of(image)]):
                self._client.upsert(self._people, part)
            for some in _parts(images):
                ids = [_number("image", image.path) for image in some]
                known: list[Any] = self._client.retrieve(self._about, ids)
                before = {point.payload["image"] for point in known}
                for image in some:
                    if image.path in before:  # who was in the image as it was
                        old = _images([image.path])
                        old.must_not = [_any("fingerprint", [image.fingerprint])]
                        self._client.delete(self._people, models.FilterSelector(filter=old))
                points = [
                    models.PointStruct(
                        id=id,
                        vector=[1.0],
                        payload={
                            "kind": "image",
                            "image": image.path,
                            "fingerprint": image.fingerprint,
                        },
                    )
                    for id, image in zip(ids, some)
                ]
                self._client.upsert(self._about, points)

    def forget(self, filter: Filter) -> int:
        meant = list(self.select(filter))
        with _said(self.url):
            for ids in _parts([entry.id for entry in meant]):
                self._client.delete(self._people, models.PointIdsList(points=ids))
            for paths in _parts(sorted({entry.image for entry in meant})):
                left = {entry.image for entry in self._select(_images(paths))}
                gone: list[Any] = [_number("image", path) for path in paths if path not in left]
                self._client.delete(self._about, models.PointIdsList(points=gone))
        return len(meant)

    def forget_images(self, paths: Iterable[str]) -> int:
        before = self.count()
        with _said(self.url):
            for part in _parts(paths):
                images = models.FilterSelector(filter=_images(part))
                self._client.delete(self._people, images)
                ids: list[Any] = [_number("image", path) for path in part]
                self._client.delete(self._about, models.PointIdsList(points=ids))
        return before - self.count()

    def compact(self) -> None:
        """The server does it by itself."""

    def integrity(self) -> list[str]:
        with _said(self.url):
            status = str(self._client.get_collection(self._people).status.value)
        return ["the server says that the collection is red"] if status == "red" else []

    def megabytes(self) -> None:
        """The server does not tell."""

    def _select(self, condition: models.Filter) -> Iterator[Entry]:
        return map(_entry, self._points(self._people, condition))

    def _points(self, collection: str, condition: models.Filter | None) -> Iterator[Any]:
        place: Any = None
        with _said(self.url):
            while True:
                found, place = self._client.scroll(
                    collection, condition, AT_ONCE, offset=place, with_payload=KEPT
                )
                yield from found
                if place is None:
                    return

    def _array(self, points: Sequence[Any]) -> Vectors:
        found = np.array([point.vector for point in points], np.float32)
        return found.reshape(-1, self.settings.dimension)


def exists(url: str) -> bool:
    """Whether a gallery is there. Raises GalleryError when the server does not answer."""
    client, people = _client(url)
    with _said(url):
        about = f"{people}-about"
        return client.collection_exists(about) and bool(
            client.retrieve(about, [_number("about", "settings")])
        )


def create(url: str, settings: Settings) -> None:
    """An empty gallery; nothing happens where there is one. Raises GalleryError where there is something
    else of that name."""
    if exists(url):
        return
    client, people = _client(url)
    about = f"{people}-about"
    with _said(url):
        for name, dimension in ((people, settings.dimension), (about, 1)):
            if not client.collection_exists(name):
                vectors = models.VectorParams(size=dimension, distance=models.Distance.DOT)
                client.create_collection(name, vectors, on_disk_payload=True)
            elif client.count(name).count:
                raise GalleryError(
                    f"{url} has a collection {name} that is no gallery; take another name"
                )
        for label in ("image", "fingerprint", *LABELS):
            client.create_payload_index(people, label, models.PayloadSchemaType.KEYWORD)
        for number in ("time", "seen"):
            client.create_payload_index(people, number, models.PayloadSchemaType.FLOAT)
        client.create_payload_index(about, "kind", models.PayloadSchemaType.KEYWORD)
        _remember(client, about, "format", FORMAT)
        _remember(client, about, "settings", asdict(settings))  # last: it is a gallery now


def _client(url: str) -> tuple[qdrant_client.QdrantClient, str]:
    """Of the server, and the name of the gallery on it."""
    parts = urlsplit(url)
    name = parts.path.strip("/")
    if not parts.hostname or not name or "/" in name:
        raise GalleryError(
            f"{url!r} names no gallery; expected such as http://localhost:6333/people"
        )
    key = os.environ.get("QDRANT_API_KEY")
    server = f"{parts.scheme}://{parts.netloc}"
    client = qdrant_client.QdrantClient(
        url=server, api_key=key, timeout=PATIENCE, check_compatibility=False
    )
    return client, name


@contextmanager
def _said(url: str) -> Iterator[None]:
    try:
        yield
    except (ApiException, ValueError, OSError) as error:
        reason = str(error).strip().splitlines()
        raise GalleryError(
            f"the server of {url} cannot be used ({reason[0] if reason else type(error).__name__}); "
            "check the address, and QDRANT_API_KEY where it wants a key"
        ) from None


def _remember(client: qdrant_client.QdrantClient, about: str, name: str, value: Any) -> None:
    id, payload = _number("about", name), {"kind": "about", "value": value}
    if value is None:
        client.delete(about, models.PointIdsList(points=[id]))
    else:
        client.upsert(about, [models.PointStruct(id=id, vector=[1.0], payload=payload)])


def _points_of(image: Image) -> Iterator[models.PointStruct]:
    """A point per person."""
    added = time.time() if image.added is None else image.added
    seen = added if image.time is None else image.time
    people = zip(image.vectors, image.boxes, image.thumbnails, strict=True)
    for n, (vector, box, jpeg) in enumerate(people):
        payload = {
            "n": n,
            "image": image.path,
            "fingerprint": image.fingerprint,
            "box": list(box),
            "time": image.time,
            "added": added,
            "seen": seen,
            **{label: getattr(image, label) for label in LABELS},
        }
        if jpeg is not None:
            payload["thumbnail"] = b64encode(jpeg).decode()
        id = _number("person", f"{n} {image.path}")
        yield models.PointStruct(id=id, vector=vector.tolist(), payload=payload)


def _entry(point: Any) -> Entry:
    known = point.payload
    about = {name: known[name] for name in ("image", "camera", "person", "time", "tag", "added")}
    return Entry(id=point.id, row=known["n"], box=tuple(known["box"]), **about)


def _condition(filter: Filter) -> models.Filter | None:
    """Filter.sql, as the server has it."""
    must: list[Any] = [
        _any(label, getattr(filter, label)) for label in LABELS if getattr(filter, label)
    ]
    if filter.since is not None or filter.until is not None:
        limits = models.Range(gte=filter.since, lte=filter.until)
        must.append(models.FieldCondition(key="time", range=limits))
    if filter.before is not None:
        must.append(models.FieldCondition(key="seen", range=models.Range(lt=filter.before)))
    none: list[Any] = [_any("camera", filter.not_camera)] if filter.not_camera else []
    return models.Filter(must=must, must_not=none) if must or none else None


def _images(paths: Sequence[str]) -> models.Filter:
    return models.Filter(must=[_any("image", paths)])


def _any(key: str, values: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchAny(any=list(values)))


def _number(kind: str, name: str) -> int:
    """Of a point, by its name. 63 bits: among a million, two are equal once in 10⁷ galleries."""
    digest = blake2b(f"{kind} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _parts(items: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, AT_ONCE)):
        yield part

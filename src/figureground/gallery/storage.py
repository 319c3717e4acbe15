"""Where a gallery is kept: in a folder, or on a Qdrant server for those who outgrow one machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from figureground.gallery.create import MANIFEST, create
from figureground.gallery.filter import EVERYBODY, Filter
from figureground.gallery.records import Entry, Image, Settings, Vectors
from figureground.gallery.store import Store


class Storage(Protocol):
    """What both can do; see store.Store."""

    settings: Settings

    def close(self) -> None: ...
    def about(self, name: str) -> Any: ...
    def remember(self, name: str, value: Any) -> None: ...
    def reading(self) -> AbstractContextManager[Any]: ...
    def writing(self) -> AbstractContextManager[None]: ...
    def nearest(
        self, query: Vectors, top: int, filter: Filter = EVERYBODY, exact: bool = False
    ) -> tuple[list[Entry], NDArray[np.float32], Vectors]: ...
    def select(self, filter: Filter = EVERYBODY) -> Iterator[Entry]: ...
    def vectors(self, entries: Sequence[Entry]) -> Vectors: ...
    def count(self) -> int: ...
    def people_of(self, image: str) -> list[Entry]: ...
    def thumbnail(self, id: int) -> bytes | None: ...
    def known(self) -> dict[str, str]: ...
    def put(self, images: Sequence[Image]) -> None: ...
    def forget(self, filter: Filter) -> int: ...
    def forget_images(self, paths: Iterable[str]) -> int: ...
    def compact(self) -> None: ...
    def integrity(self) -> list[str]: ...
    def megabytes(self) -> float | None: ...


def resolved(place: str | os.PathLike[str]) -> str:
    """A server's address as it is given, a folder as an absolute path."""
    return _server(place) or str(Path(place).resolve())


def there(place: str | os.PathLike[str]) -> bool:
    """Whether a gallery is. Raises GalleryError for a server that does not answer."""
    if url := _server(place):
        from figureground.gallery.qdrant import exists

        return exists(url)
    return (Path(place) / MANIFEST).exists()


def opened(place: str | os.PathLike[str]) -> Storage:
    """Raises GalleryError when no gallery is there, or none of use."""
    if url := _server(place):
        from figureground.gallery.qdrant import Qdrant

        return Qdrant(url)
    return Store(Path(place))


def made(place: str | os.PathLike[str], settings: Settings) -> Storage:
    """An empty gallery; the one that is there already, if there is one. Raises GalleryError."""
    if url := _server(place):
        from figureground.gallery.qdrant import create as make

        make(url, settings)
    else:
        create(Path(place), settings)
    return opened(place)


def _server(place: str | os.PathLike[str]) -> str:
    """The address; "" for a folder."""
    text = os.fspath(place)
    return text if text.startswith(("http://", "https://")) else ""

"""The vectors of a gallery: files with a row of D little-endian float32 per person."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import numpy as np

from figureground.errors import GalleryError
from figureground.gallery import signs
from figureground.gallery.records import Vectors


def name(number: int | str) -> str:
    """Of the file with that number."""
    return f"vectors-{number}.f32"


def append(path: Path, rows: int, vectors: Vectors) -> None:
    """Writes N×D after the first rows, over what a crash may have left there; on disk when it is done."""
    with open(path, "r+b") as file:
        file.seek(4 * rows * vectors.shape[1])
        file.write(vectors.astype("<f4", copy=False).tobytes())
        file.flush()
        os.fsync(file.fileno())


def write(path: Path, parts: Iterable[Vectors]) -> None:
    """A new file of parts N×D; on disk, name and all, when it is done."""
    with open(path, "wb") as file:
        for part in parts:
            file.write(part.astype("<f4", copy=False).tobytes())
        file.flush()
        os.fsync(file.fileno())
    if os.name == "posix":  # elsewhere new names need no more
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def mapped(path: Path, rows: int, dimension: int) -> Vectors:
    """The first rows × D, read as far as they are used. GalleryError when there are fewer."""
    size = path.stat().st_size
    if size < 4 * rows * dimension:
        raise GalleryError(
            f"{path} is cut short: {size} bytes for {rows} vectors of {dimension} numbers; restore "
            "it, or index again into a new gallery"
        )
    if not rows:  # nothing cannot be mapped
        return np.empty((0, dimension), np.float32)
    return np.asarray(np.memmap(path, "<f4", "r", shape=(rows, dimension)))


def sweep(folder: Path, kept: int) -> None:
    """Removes all files but those kept: those before them, and those that crashes left behind."""
    for named in (name, signs.name):
        for file in folder.glob(named("*")):
            with suppress(PermissionError):  # Windows: somebody reads it; next time, then
                if file.name != named(kept):
                    file.unlink()

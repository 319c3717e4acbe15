"""The files of a gallery that have a row per person: vectors, labels and, of many people, signs.

    vectors-N.f32   D little-endian float32 each
    labels-N.words  see gallery.labels
    signs-N.words   see gallery.signs; from SIGNED_FROM people on

A state, which the manifest keeps, says which rows count: {"file": N, "rows": how many, "gaps": whether some
of them are of nobody now, "signs": whether there are}. What lies behind them is written over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from figureground.errors import GalleryError
from figureground.gallery import labels, signs, words
from figureground.gallery.records import Vectors
from figureground.gallery.words import Words

VECTORS, LABELS, SIGNS = "vectors-{}.f32", "labels-{}.words", "signs-{}.words"
FIRST = VECTORS.format(0), LABELS.format(0)
SIGNED_FROM = 200_000  # people: exact search of fewer takes some 50 ms, and is exact

State = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    """One state of the files, mapped: in memory as far as they are used."""

    vectors: Vectors  # rows × D
    labels: Words  # blocks × 5 × BLOCK
    signs: signs.Signs | None


def opened(folder: Path, state: State, dimension: int) -> Rows:
    """Raises GalleryError for a file that is shorter than the state says."""
    number, rows, marks = state["file"], state["rows"], None
    vectors = _mapped(folder / VECTORS.format(number), rows, dimension)
    labelled = words.mapped(folder / LABELS.format(number), 0, rows, labels.WIDTH)
    if state.get("signs"):
        marks = signs.Signs(folder / SIGNS.format(number), rows, dimension)
    return Rows(vectors, labelled, marks)


def new(folder: Path) -> State:
    """Empty files, and their state."""
    for name in FIRST:
        (folder / name).touch()
    return {"file": 0, "rows": 0, "gaps": False}


def append(folder: Path, state: State, vectors: Vectors, labelled: Words) -> State:
    """Writes N×D vectors and 5×N labels behind the last row; on disk when it is done. The state with
    them. Raises GalleryError as `opened`."""
    number, before = state["file"], state["rows"]
    opened(folder, state, vectors.shape[1])  # what is cut short is not written behind
    with open(folder / VECTORS.format(number), "r+b") as file:
        file.seek(4 * before * vectors.shape[1])
        file.write(_bytes(vectors))
        _sync(file)
    with open(folder / LABELS.format(number), "r+b") as file:
        words.put(file, 0, before, labelled)
        _sync(file)
    return _signed(folder, {**state, "rows": before + len(vectors)}, before, vectors.shape[1])


def rewrite(
    folder: Path, state: State, dimension: int, parts: Iterable[tuple[Vectors, Words]]
) -> State:
    """New files of parts, N×D and 5×N; on disk, names and all, when it is done. Their state."""
    number, rows = state["file"] + 1, 0
    with (
        open(folder / VECTORS.format(number), "wb") as one,
        open(folder / LABELS.format(number), "wb") as other,
    ):
        for vectors, labelled in parts:
            one.write(_bytes(vectors))
            words.put(other, 0, rows, labelled)
            rows += len(vectors)
        _sync(one)
        _sync(other)
    made = _signed(folder, {"file": number, "rows": rows, "gaps": False}, 0, dimension)
    if os.name == "posix":  # elsewhere new names need no more
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    return made


def sweep(folder: Path, kept: int) -> None:
    """Removes all files but those kept: those before them, and those that crashes left behind."""
    for name in (VECTORS, LABELS, SIGNS):
        for file in folder.glob(name.format("*")):
            with suppress(PermissionError):  # Windows: somebody reads it; next time, then
                if file.name != name.format(kept):
                    file.unlink()


def _signed(folder: Path, state: State, before: int, dimension: int) -> State:
    """Signs all rows after those before, or all if none were; the state with them."""
    had = bool(state.get("signs"))
    if not had and state["rows"] < SIGNED_FROM:
        return state
    vectors = _mapped(folder / VECTORS.format(state["file"]), state["rows"], dimension)
    with open(folder / SIGNS.format(state["file"]), "r+b" if had else "w+b") as file:
        signs.extend(file, vectors, before if had else 0)
        _sync(file)
    return {**state, "signs": True}


def _bytes(vectors: Vectors) -> bytes:
    return vectors.astype("<f4", copy=False).tobytes()


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _mapped(path: Path, rows: int, dimension: int) -> Vectors:
    size = path.stat().st_size
    if size < 4 * rows * dimension:
        raise GalleryError(
            f"{path} is cut short: {size} bytes for {rows} vectors of {dimension} numbers; restore "
            "it, or index again into a new gallery"
        )
    if not rows:  # nothing cannot be mapped
        return np.empty((0, dimension), np.float32)
    return np.asarray(np.memmap(path, "<f4", "r", shape=(rows, dimension)))

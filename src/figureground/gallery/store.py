"""A gallery on disk: one folder, no server.

    manifest.sqlite   settings, images, people, thumbnails, calibration
    vectors-N.f32 …   files with a row per person, see gallery.rows; N grows when they are rewritten
    lock              held by whoever writes

Rows are appended and synced first, and count once the manifest, committed after them, says so: what a
crash leaves behind the last counted row is overwritten by the next writer. The row of somebody who was
replaced or forgotten is not used again; `compact` writes files without it. A reader has one state of
the manifest and the files that belong to it, however much is written meanwhile.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from errno import ENOSPC
from itertools import islice
from json import dumps, loads
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from figureground.errors import GalleryError
from figureground.gallery import labels, signs, words
from figureground.gallery import rows as files
from figureground.gallery.create import FORMAT, LOCK, MANIFEST
from figureground.gallery.exact import nearest
from figureground.gallery.filter import EVERYBODY, Filter
from figureground.gallery.records import Entry, Image, Settings, Vectors

BLOCK = 8192  # rows copied at once
PATIENCE = 30  # seconds that another's commit may take
CANDIDATES = 2000, 100  # at least, and for each that is wanted: those whose signs are nearest
ENTRIES = (
    "SELECT people.id, row, path, box, camera, person, time, tag, added "
    "FROM people JOIN images ON images.id = people.image"
)


class Store:
    """The gallery at `path`, for one thread. Raises GalleryError when none is there, or none of use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not (path / MANIFEST).is_file():
            raise GalleryError(
                f"there is no gallery at {path}; make one by `figureground index PHOTOS "
                f"--gallery {path}`"
            )
        self._lock = FileLock(path / LOCK)
        self._open: tuple[files.State, files.Rows] | None = None
        self._used: tuple[int, NDArray[np.bool_]] | None = None  # of which version of the manifest
        with self._said():
            self._db = sqlite3.connect(
                _uri(path / MANIFEST), uri=True, isolation_level=None, timeout=PATIENCE
            )
            self._db.execute("PRAGMA secure_delete = ON")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version != FORMAT:
                raise GalleryError(
                    f"{path} is a gallery of format {version}, and this figureground knows {FORMAT}; "
                    "index again, or use the version that made it"
                )
            self.settings = Settings(**self.about("settings"))

    def close(self) -> None:
        self._db.close()
        self._open = None

    def about(self, name: str) -> Any:
        """settings, state or calibration; None for what is not there."""
        with self._said():
            query = "SELECT value FROM about WHERE name = ?"
            found = self._db.execute(query, (name,)).fetchone()
            return loads(found[0]) if found else None

    @contextmanager
    def reading(self) -> Iterator[Vectors]:
        """The vectors in one state of the gallery, rows × D; the methods below then speak of the same."""
        with self._said():
            for last in (*[False] * 9, True):
                self._db.execute("BEGIN")
                try:
                    vectors = self._rows().vectors
                    break
                except FileNotFoundError:  # rewritten between the two lines
                    self._db.execute("ROLLBACK")
                    if last:
                        raise
            try:
                yield vectors
            finally:
                self._db.execute("ROLLBACK")

    def nearest(
        self, query: Vectors, top: int, filter: Filter = EVERYBODY, exact: bool = False
    ) -> tuple[list[Entry], NDArray[np.float32], Vectors]:
        """The people meant who are nearest to D numbers, best first, their scores and vectors.

        exact: of many too. Else some may be missed in a gallery that has signs, see gallery.signs.
        """
        with self.reading() as vectors:
            marks, meant = self._rows().signs, self.meant(filter)
            rows: NDArray[np.int64] | None
            if marks is not None and not exact:
                least, each = CANDIDATES
                rows = marks.candidates(query, meant, max(least, each * top))
            else:
                rows = None if meant is None else np.flatnonzero(meant)
            scores, found = nearest(query[None], vectors, rows, top)
            return self.entries(found[0]), scores[0], vectors[found[0]]

    def vectors(self, entries: Sequence[Entry]) -> Vectors:
        """N×D of these people, of the same state of the gallery: within `reading`."""
        return self._rows().vectors[[entry.row for entry in entries]]

    def count(self) -> int:
        """People."""
        with self._said():
            return int(self._db.execute("SELECT count(*) FROM people").fetchone()[0])

    def meant(self, filter: Filter = EVERYBODY) -> NDArray[np.bool_] | None:
        """Which rows are of the people meant; None for all of `reading`."""
        gaps = self.about("state")["gaps"]
        if filter == EVERYBODY and not gaps:
            return None
        rows = self._rows()
        found = labels.meant(filter, rows.labels, len(rows.vectors))
        return found & self._somebodys(len(found)) if gaps else found

    def _somebodys(self, count: int) -> NDArray[np.bool_]:
        """Which of `count` rows somebody has: walked over once, until someone writes."""
        version = self._db.execute("PRAGMA data_version").fetchone()[0]  # counts others' commits
        if self._used is None or self._used[0] != version:
            # as one text: a third of the time that a million results take
            query = "SELECT coalesce(group_concat(row), '') FROM people"
            people = self._db.execute(query).fetchone()[0]
            used = np.zeros(count, np.bool_)
            used[np.fromstring(people, np.int64, sep=",")] = True
            self._used = version, used
        return self._used[1]

    def entries(self, rows: Iterable[int]) -> list[Entry]:
        """Who is in these rows, in their order."""
        query = f"{ENTRIES} WHERE row = ?"
        return [_entry(self._db.execute(query, (int(row),)).fetchone()) for row in rows]

    def select(self, filter: Filter = EVERYBODY) -> Iterator[Entry]:
        """The people meant, by row."""
        condition, values = filter.sql()
        query = f"{ENTRIES} WHERE {condition or 1} ORDER BY row"
        return map(_entry, self._db.execute(query, values))

    def people_of(self, image: str) -> list[Entry]:
        """The people in the image of that path."""
        query = f"{ENTRIES} WHERE path = ? ORDER BY row"
        return [_entry(row) for row in self._db.execute(query, (image,))]

    def thumbnail(self, id: int) -> bytes | None:
        """JPEG of a person, where it is kept."""
        with self._said():
            query = "SELECT jpeg FROM thumbnails WHERE id = ?"
            found = self._db.execute(query, (id,)).fetchone()
            return found[0] if found else None

    def known(self) -> dict[str, str]:
        """{path: fingerprint} of every image, those that show nobody too."""
        with self._said():
            return dict(self._db.execute("SELECT path, fingerprint FROM images"))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Nobody else writes meanwhile. Raises GalleryError when another process does already."""
        try:
            held = self._lock.acquire(timeout=0)
        except Timeout:
            raise GalleryError(
                f"another process is writing to {self.path}; wait until it is done"
            ) from None
        except OSError as error:
            raise GalleryError(f"cannot write to {self.path} ({error.strerror})") from None
        with held:
            yield

    def put(self, images: Sequence[Image]) -> None:
        """Adds images, or replaces those of the same path: all of them, or none when it fails."""
        if not images:
            return
        now = time.time()
        images = [replace(image, added=now) if image.added is None else image for image in images]
        vectors = np.concatenate([image.vectors for image in images])
        marks = labels.of(images).repeat([len(image.boxes) for image in images], axis=1)
        with self.writing(), self._said():
            state = self.about("state")
            row, state = state["rows"], files.append(self.path, state, vectors, marks)
            with self._transaction():
                for image in images:
                    state["gaps"] |= self._drop(self._of([image.path])) > 0
                    self._insert(image, row)
                    row += len(image.boxes)
                self._set("state", state)

    def forget(self, filter: Filter) -> int:
        """Takes the people meant out of all files, and their images where nobody is left; how many."""
        with self.writing(), self._said():
            with self._transaction():
                meant = [(entry.id,) for entry in self.select(filter)]
                query = "SELECT image FROM people WHERE id = ?"
                images = {self._db.execute(query, id).fetchone() for id in meant}
                self._db.executemany("DELETE FROM thumbnails WHERE id = ?", meant)
                self._db.executemany("DELETE FROM people WHERE id = ?", meant)
                query = "SELECT 1 FROM people WHERE image = ?"
                self._drop([i for i in images if not self._db.execute(query, i).fetchone()])
                self._set("state", {**self.about("state"), "gaps": True})
            self.compact()
        return len(meant)

    def forget_images(self, paths: Iterable[str]) -> int:
        """Takes everybody in these images, and the images, out of all files; how many people."""
        with self.writing(), self._said():
            with self._transaction():
                forgotten = self._drop(self._of(paths))
                self._set("state", {**self.about("state"), "gaps": True})
            self.compact()
        return forgotten

    def compact(self) -> None:
        """Rewrites the vectors without the rows that nobody has."""
        with self.writing(), self._said():
            with self.reading() as vectors:
                meant, state, marks = self.meant(), self.about("state"), self._rows().labels
            if meant is not None:
                live = np.flatnonzero(meant)
                parts = np.split(live, range(BLOCK, len(live), BLOCK))
                kept = ((vectors[part], words.of_rows(marks, part)) for part in parts)
                new = files.rewrite(self.path, state, self.settings.dimension, kept)
                with self._transaction():
                    moves = enumerate(live.tolist())  # ever downwards: none meets another
                    self._db.executemany("UPDATE people SET row = ? WHERE row = ?", moves)
                    self._set("state", new)
            self._open = None
            self._db.execute("PRAGMA busy_timeout = 0")  # who reads now, reads on; later, then
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._db.execute(f"PRAGMA busy_timeout = {1000 * PATIENCE}")
            files.sweep(self.path, kept=self.about("state")["file"])

    def remember(self, name: str, value: Any) -> None:
        """Keeps a value for `about`; None takes it away."""
        with self.writing(), self._said(), self._transaction():
            self._set(name, value)

    def integrity(self) -> list[str]:
        """What SQLite finds wrong with the manifest, and what labels and signs are not of their people."""
        with self._said():
            found = [line for (line,) in self._db.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            return found
        with self.reading() as vectors:
            rows = self._db.execute("SELECT count(*), count(DISTINCT row), max(row) FROM people")
            people, different, last = rows.fetchone()
            if people > different or (people and last >= len(vectors)):
                return ["the manifest names a vector twice, or one that is not there"]
            marks, found, everybody, bad = self._rows(), [], self.select(), 0
            while part := list(islice(everybody, BLOCK)):
                theirs = words.of_rows(marks.labels, np.array([entry.row for entry in part]))
                bad += int((theirs != labels.of(part)).any(axis=0).sum())
            if bad:
                found.append(f"the labels of {bad} people are not theirs")
            if marks.signs is not None and (bad := signs.wrong(marks.signs, vectors)):
                found.append(f"the signs of {bad} people are not of their vectors")
        return found

    def megabytes(self) -> float:
        """On disk."""
        return sum(file.stat().st_size for file in self.path.iterdir()) / 1e6

    def _insert(self, image: Image, row: int) -> None:
        query = "INSERT INTO images (path, fingerprint, added) VALUES (?, ?, ?)"
        about = image.path, image.fingerprint, image.added
        id = self._db.execute(query, about).lastrowid
        for number, (box, jpeg) in enumerate(zip(image.boxes, image.thumbnails, strict=True)):
            person = self._db.execute(
                "INSERT INTO people (row, image, box, camera, person, time, tag) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    *(row + number, id, dumps(box)),
                    *(image.camera, image.person, image.time, image.tag),
                ),
            ).lastrowid
            if jpeg is not None:
                self._db.execute("INSERT INTO thumbnails VALUES (?, ?)", (person, jpeg))

    def _of(self, paths: Iterable[str]) -> list[tuple[int]]:
        query = "SELECT id FROM images WHERE path = ?"
        return [id for path in paths for id in self._db.execute(query, (path,))]

    def _drop(self, images: Sequence[tuple[int]]) -> int:
        """Takes out images by id, and all that is in them; how many people that were."""
        if not images:
            return 0
        query = "DELETE FROM thumbnails WHERE id IN (SELECT id FROM people WHERE image = ?)"
        self._db.executemany(query, images)
        people = self._db.executemany("DELETE FROM people WHERE image = ?", images).rowcount
        self._db.executemany("DELETE FROM images WHERE id = ?", images)
        return people

    def _set(self, name: str, value: Any) -> None:
        self._db.execute("DELETE FROM about WHERE name = ?", (name,))
        if value is not None:
            self._db.execute("INSERT INTO about VALUES (?, ?)", (name, dumps(value)))

    def _rows(self) -> files.Rows:
        """The files of the state that is read."""
        state = self.about("state")
        if self._open is None or self._open[0] != state:
            self._open = state, files.opened(self.path, state, self.settings.dimension)
        return self._open[1]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._used = None
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            if "disk is full" in str(error) or getattr(error, "errno", None) == ENOSPC:
                raise GalleryError(
                    f"No space left for the gallery {self.path}; make room and do the same again: what "
                    "was there is there still, and whole"
                ) from None
            if isinstance(error, OSError):
                name = error.filename or self.path
                raise GalleryError(f"cannot use {name} ({error.strerror or error})") from None
            raise GalleryError(
                f"the gallery {self.path} cannot be used ({error}); `figureground gallery verify "
                f"{self.path}` checks it"
            ) from None


def _uri(manifest: Path) -> str:
    """For SQLite, which keeps a log beside the manifest, but on a disk that nobody can write to."""
    log = manifest.with_name(f"{MANIFEST}-wal")
    if hasattr(os, "statvfs") and os.statvfs(manifest).f_flag & os.ST_RDONLY:
        how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    elif os.access(manifest.parent, os.W_OK):
        how = "mode=rw"
    else:
        raise GalleryError(
            f"you may not write to {manifest.parent}, which searching needs too: others may write to it "
            "meanwhile; have it allowed, or take a copy of the folder"
        )
    return f"{manifest.resolve().as_uri()}?{how}"


def _entry(row: tuple[Any, ...]) -> Entry:
    id, place, path, box, *rest = row
    return Entry(id, place, path, tuple(loads(box)), *rest)

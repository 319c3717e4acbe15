"""A new gallery's files."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict
from json import dumps
from pathlib import Path

from filelock import FileLock

from figureground.errors import GalleryError
from figureground.gallery import rows
from figureground.gallery.records import Settings

FORMAT = 2
MANIFEST, LOCK = "manifest.sqlite", "lock"
TABLES = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE images (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, fingerprint TEXT NOT NULL,
  added REAL NOT NULL);
CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, row INTEGER NOT NULL, image INTEGER NOT NULL,
  box TEXT NOT NULL, camera TEXT, person TEXT, time REAL, tag TEXT);
CREATE INDEX people_row ON people (row);
CREATE INDEX people_image ON people (image);
CREATE TABLE thumbnails (id INTEGER PRIMARY KEY, jpeg BLOB NOT NULL);
"""


def create(path: Path, settings: Settings) -> None:
    """An empty gallery, there whole or not at all; nothing happens where there is one already.

    Raises GalleryError where the path is a file or a folder of something else.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with FileLock(path / LOCK):
            if (path / MANIFEST).exists():
                return
            new = path / f"new-{MANIFEST}"
            ours = {LOCK, *rows.FIRST, *(f"{new.name}{end}" for end in ("", "-wal", "-shm"))}
            if strange := [file.name for file in path.iterdir() if file.name not in ours]:
                raise GalleryError(
                    f"{path} is no gallery, but a folder with {strange[0]} in it; give a new folder"
                )
            for name in ours - {LOCK}:
                (path / name).unlink(missing_ok=True)
            database = sqlite3.connect(new, isolation_level=None)
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(f"BEGIN; {TABLES} PRAGMA user_version = {FORMAT}; COMMIT")
            values = {"settings": asdict(settings), "state": rows.new(path)}
            about = [(name, dumps(value)) for name, value in values.items()]
            database.executemany("INSERT INTO about VALUES (?, ?)", about)
            database.close()
            new.replace(path / MANIFEST)
    except (OSError, sqlite3.Error) as error:
        raise GalleryError(f"cannot make a gallery at {path} ({error})") from None

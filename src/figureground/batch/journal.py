"""What is done already: a line per photo in one file, so that a stopped job goes on where it was."""

from __future__ import annotations

import os
from array import array
from hashlib import blake2b
from pathlib import Path

import numpy as np

from figureground.errors import ImageError

NAME = ".figureground-done"


class Journal:
    """The file .figureground-done of a folder, made with it: lines of a fingerprint, the size of a
    result in bytes, and its path in the folder.

    fingerprint: of a photo's bytes and of all settings that its result depends on. The last line of a
    result counts. Several processes may write one journal; 16 bytes of memory a line.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder or "."
        self.path = Path(self.folder) / NAME
        self._file: int | None = None
        self._targets = np.empty(0, np.uint64)
        self._states = np.empty(0, np.uint64)

    def load(self) -> None:
        """Reads what was done before. A line that a crash cut counts as not there."""
        targets, states = array("Q"), array("Q")
        try:
            with self.path.open("rb") as file:
                for line in file:
                    parts = line.rstrip(b"\n").split(b" ", 2)
                    if len(parts) == 3 and line.endswith(b"\n") and parts[1].isdigit():
                        targets.append(_number(parts[2]))
                        states.append(_number(b" ".join(parts[:2])))
        except FileNotFoundError:
            return
        except OSError as error:
            raise ImageError(f"cannot read {self.path} ({error.strerror})") from None
        keys = np.asarray(targets, np.uint64)
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        last = np.append(keys[1:] != keys[:-1], True)[: len(keys)]
        self._targets, self._states = keys[last], np.asarray(states, np.uint64)[order][last]

    def recorded(self, target: str) -> int:
        """What was recorded of a result, to compare with `state`; 0 for nothing."""
        key = np.uint64(_number(self._name(target)))
        place = int(np.searchsorted(self._targets, key))
        there = place < len(self._targets) and self._targets[place] == key
        return int(self._states[place]) if there else 0

    def add(self, target: str, fingerprint: str, size: int) -> None:
        """Called when the result is in its place, never before."""
        line = b"%s %d %s\n" % (fingerprint.encode(), size, self._name(target))
        try:
            if self._file is None:
                self._file = self._open()
            put(self._file, line)
        except OSError as error:
            raise ImageError(f"cannot write {self.path} ({error.strerror})") from None

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        return lines_of(self.path)

    def _name(self, target: str) -> bytes:
        name = target
        if "://" not in target:
            name = os.path.relpath(target, self.folder).replace(os.sep, "/")
        return os.fsencode(name).replace(b"\n", b"\\n")


def lines_of(path: str | os.PathLike[str]) -> int:
    """A file to put lines at the end of; one that a crash cut ends there."""
    binary = getattr(os, "O_BINARY", 0)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | binary, 0o666)
    size = os.lseek(file, 0, os.SEEK_END) if os.path.isfile(path) else 0
    if size:
        os.lseek(file, size - 1, os.SEEK_SET)
        if os.read(file, 1) != b"\n":
            os.write(file, b"\n")
    return file


def put(file: int, line: bytes) -> None:
    """Whole, whatever happens after, unless the disk is full."""
    while line:
        line = line[os.write(file, line) :]


def state(fingerprint: str, size: int) -> int:
    return _number(b"%s %d" % (fingerprint.encode(), size))


def _number(value: bytes) -> int:
    return int.from_bytes(blake2b(value, digest_size=8).digest(), "little") or 1

"""Pictures that a training passes over because they cannot be read, listed as they are met."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path


class Skipped:
    """A file with a line for each, to which the processes that read pictures append.

    Each says what it meets once; what several meet is there several times.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.met: set[str] = set()

    def __str__(self) -> str:
        return str(self.path)

    def add(self, error: Exception) -> None:
        line = " ".join(str(error).split())
        if line in self.met:
            return
        self.met.add(line)
        print(f"figureground: skipped: {line}", file=sys.stderr, flush=True)
        with contextlib.suppress(OSError), open(self.path, "a", encoding="utf-8") as file:
            file.write(line + "\n")  # in one piece, so that lines of several processes do not mix

    def lines(self) -> list[str]:
        """What was passed over, in any process, in any run in this folder."""
        try:
            return sorted(set(self.path.read_text(encoding="utf-8").splitlines()))
        except OSError:
            return []

"""What a job says: a line per photo, in words or JSON, how far it is, and the sum at its end."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable
from json import dumps
from typing import TextIO

from figureground.batch.journal import lines_of, put
from figureground.batch.one import Line
from figureground.errors import ImageError
from figureground.progress import Progress


class Report:
    """describe: a done photo in words. json: lines of JSON on `out`, not words. path: a file of such
    lines too, which is gone on with where `more`. total: 0 if nobody knows."""

    def __init__(
        self,
        describe: Callable[[Line], str],
        *,
        total: int,
        out: TextIO | None,
        json: bool = False,
        path: str = "",
        more: bool = False,
        words: bool = True,
    ) -> None:
        self.counts: Counter[str] = Counter()
        self.left: dict[str, str] = {}  # why -> the first of those
        self._describe, self._json, self._out, self._words = describe, json, out, words
        self._progress = Progress(total)
        self._file: int | None = None
        self._path = path
        if path:
            try:
                anew = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                self._file = lines_of(path) if more else os.open(path, anew, 0o666)
            except OSError as error:
                raise ImageError(f"cannot write the report {path} ({error.strerror})") from None

    def __call__(self, line: Line) -> None:
        kind = next((k for k in ("error", "left", "skipped") if k in line), "done")
        self.counts[kind] += 1
        if kind == "left":
            self.left.setdefault(line["left"], line["input"])
            self.counts[line["left"]] += 1
        text = dumps(line) if self._json or self._file is not None else ""
        if self._file is not None:
            try:
                put(self._file, text.encode() + b"\n")
            except OSError as error:
                raise ImageError(
                    f"cannot write the report {self._path} ({error.strerror})"
                ) from None
        self._progress.clear()
        if self._json:
            print(text, file=self._out, flush=True)
        elif kind == "error":
            print(f"figureground: {line['error']}", file=sys.stderr)
        elif kind == "done" and self._words:
            said = f"{self._describe(line)}, {line['seconds']:.2f} s"
            print(f"{line['input']} -> {line['output']} ({said})", file=self._out)
        if "left_out" in line and not self._json:
            print(f"figureground: {line['input']}: left out {line['left_out']}", file=sys.stderr)
        if kind != "left":
            done = self.counts["done"] + self.counts["error"] + self.counts["skipped"]
            failed = self.counts["error"]
            self._progress(done, more=f"{failed:,} failed" if failed else "")

    def end(self, *, stopped: str = "", summary: bool = True) -> int:
        """The exit status. stopped: why it ended early."""
        self._progress.clear()
        if self._file is not None:
            os.close(self._file)
        done, failed, skipped = (self.counts[k] for k in ("done", "error", "skipped"))
        if summary:
            kinds = [
                f"{self.counts[why]:,} left alone ({why}), such as {first}"
                for why, first in self.left.items()
            ]
            parts = [
                f"{done:,} of {done + failed:,} photos done",
                f"{skipped:,} were done before" if skipped else "",
                f"{failed:,} failed" if failed else "",
                *kinds,
                stopped,
            ]
            print(f"figureground: {', '.join(filter(None, parts))}", file=sys.stderr)
        return 1 if failed else 0

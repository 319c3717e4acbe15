"""How far a long job is, on standard error: in place on a terminal, else a line every half minute."""

from __future__ import annotations

import sys
import time
from collections import deque

WINDOW = 30.0  # seconds: the rate is that of the last ones, as what was done before passes quickly
EVERY = 30.0  # seconds between lines


class Progress:
    """Rate and time left of `total` things, 0 if nobody knows how many; nothing without standard error."""

    def __init__(self, total: int = 0, unit: str = "photos") -> None:
        self.total = total
        self.unit = unit
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self._every = 0.2 if self.terminal else EVERY
        self._shown = time.monotonic()
        self._marks = deque([(self._shown, 0)])
        self._line = ""

    def __call__(self, done: int, total: int | None = None, more: str = "") -> None:
        """total: where that is known only now. more: what else there is to say."""
        self.total = self.total if total is None else total
        now = time.monotonic()
        last = self.terminal and done == self.total
        if sys.stderr is None or (now < self._shown + self._every and not last):
            return
        self._shown = now
        while len(self._marks) > 1 and self._marks[1][0] < now - WINDOW:
            self._marks.popleft()
        since, before = self._marks[0]
        self._marks.append((now, done))
        rate = (done - before) / max(now - since, 1e-9)
        line = f"{done:,} of {self.total:,} {self.unit}" if self.total else f"{done:,} {self.unit}"
        line += f", {more}" if more else ""
        line += f", {rate:.3g}/s" if rate else ""
        if rate and self.total:
            line += f", {_clock(max(0, self.total - done) / rate)} left"
        self._line = line if self.terminal else ""
        print(f"\r\033[K{line}" if self.terminal else line, end="", file=sys.stderr)
        print(end="" if self.terminal else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Makes way for another line, or for the end."""
        if self._line:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
            self._line = ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return (
        f"{days} d {hours:02}:{minutes:02}:{rest:02}" if days else f"{hours}:{minutes:02}:{rest:02}"
    )

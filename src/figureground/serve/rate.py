"""How often each may ask: a bucket of tokens for everybody who did lately."""

from __future__ import annotations

import math
import time
from collections import OrderedDict

MANY = 10_000  # of whom it is remembered how often they asked


class Rate:
    """per_minute requests on average, and as many at once."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._asked: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, who: str) -> int:
        """Counts a request; 0 when it may be answered, or the seconds until one may be."""
        now = time.monotonic()
        tokens, then = self._asked.pop(who, (float(self.per_minute), now))
        tokens = min(float(self.per_minute), tokens + (now - then) * self.per_minute / 60)
        allowed = tokens >= 1
        self._asked[who] = tokens - allowed, now
        while len(self._asked) > MANY:
            self._asked.popitem(last=False)
        return 0 if allowed else math.ceil((1 - tokens) * 60 / self.per_minute)

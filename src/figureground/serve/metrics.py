"""What a server did so far, as Prometheus reads it."""

from __future__ import annotations

import os
import threading
from collections import Counter

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """Counts of requests by path and status, and how long those took that were done."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets: Counter[float] = Counter()
        self._seconds = 0.0
        self._done = 0
        self._lock = threading.Lock()

    def add(self, path: str, status: int, seconds: float) -> None:
        """path: of a route, never what was asked for: there are endlessly many of those."""
        with self._lock:
            self._requests[path, status] += 1
            if status == 200 and path.startswith(("/v1/", "/api/")) and path != "/v1/models":
                self._done += 1
                self._seconds += seconds
                self._buckets.update(bound for bound in BOUNDS if seconds <= bound)

    def text(self, *, places: int, taken: int, running: int) -> str:
        """Prometheus' text format, version 0.0.4."""
        with self._lock:
            lines = ["# TYPE figureground_requests_total counter"]
            lines += [
                f'figureground_requests_total{{path="{path}",status="{status}"}} {count}'
                for (path, status), count in sorted(self._requests.items())
            ]
            name = "figureground_request_seconds"
            lines.append(f"# TYPE {name} histogram")
            lines += [f'{name}_bucket{{le="{b:g}"}} {self._buckets[b]}' for b in BOUNDS]
            lines.append(f'{name}_bucket{{le="+Inf"}} {self._done}')
            lines += [f"{name}_sum {self._seconds:.6f}", f"{name}_count {self._done}"]
        gauges = {
            "figureground_places": places,
            "figureground_places_taken": taken,
            "figureground_running": running,
            "process_resident_memory_bytes": resident(),
        }
        for name, value in gauges.items():
            if value is not None:
                lines += [f"# TYPE {name} gauge", f"{name} {value}"]
        return "\n".join(lines) + "\n"


def resident() -> int | None:
    """Bytes of memory of this process; None where /proc does not tell."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return None

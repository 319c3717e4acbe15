"""Whether photos of one size pay when a network is given several at once.

    python benchmarks/batching.py [MODEL]

Milliseconds of CPU for a photo, on one thread, medians of rounds in which the batches take turns.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

from figureground import hub
from figureground.runtime.session import OnnxSession

BATCHES = (1, 2, 4, 8)
ROUNDS = 15


def main(model: str = "pp-humanseg-lite") -> None:
    card = hub.card(model)
    session = OnnxSession(hub.local(card), "cpu", 1)
    shape = 3, card.input.height, card.input.width
    images = np.random.default_rng(0).standard_normal((max(BATCHES), *shape), np.float32)
    times: dict[int, list[float]] = {batch: [] for batch in BATCHES}
    for _ in range(ROUNDS):
        for batch in BATCHES:
            begun = time.process_time()
            for start in range(0, len(images), batch):
                session.run(images[start : start + batch])
            times[batch].append((time.process_time() - begun) / len(images))
    for batch, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, times[1]))
        print(f"{batch} at once: {1000 * statistics.median(seconds):.1f} ms, {ratio:.2f} times")


if __name__ == "__main__":
    main(*sys.argv[1:])

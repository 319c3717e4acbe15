"""mAP and CMC at Market-1501's size (3368 queries, 15913 in the gallery, 512 numbers each): counting
while the distances are made, beside an argsort of them in chunks. CPU time, and memory at its peak
over what the embeddings take.

python benchmarks/reid.py [PYTHON]

PYTHON: of an environment with torchreid, whose ranking is then measured too: its Cython where that is
built, else its Python; the distances are made by the same product, and memory is what its process grew by.
"""

import json
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from figureground.metrics.reid import Retrieval

Side = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64]]


def crowd(rng: np.random.Generator, centres: NDArray[np.float32], pictures: int) -> Side:
    persons = rng.integers(len(centres), size=pictures)
    x = centres[persons] + rng.normal(0, 4, (pictures, centres.shape[1]))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return x, persons, rng.integers(6, size=pictures)


def counted(query: Side, gallery: Side) -> dict[str, float]:
    metric = Retrieval()
    metric.update(*query, gallery=False)
    metric.update(*gallery, query=False)
    return metric.compute()


def argsorted(query: Side, gallery: Side, rows: int = 263) -> dict[str, float]:
    """The usual way: sort each row of distances, drop what does not count, walk along the hits."""
    x, persons, cameras = gallery
    square = (x * x).sum(1)
    precisions, first = [], []
    for start in range(0, len(query[0]), rows):
        own, mine, by = (side[start : start + rows] for side in query)
        order = np.argsort(square - 2 * own @ x.T, axis=1)
        same = persons[order] == mine[:, None]
        kept = ~(same & (cameras[order] == by[:, None]))
        place = kept.cumsum(1)
        for hit, at in zip(same & kept, place):
            places = at[hit]
            if len(places):
                precisions.append((np.arange(1, len(places) + 1) / places).mean())
                first.append(places[0])
    return {"map": float(np.mean(precisions)), "rank1": float((np.array(first) == 1).mean())}


def measure(call: Callable[[], dict[str, float]]) -> tuple[float, float, dict[str, float]]:
    started = time.process_time()
    found = call()
    seconds = time.process_time() - started
    tracemalloc.start()
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak / 2**20, found


TORCHREID = """
import json, resource, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
from torchreid.reid.metrics import rank
sides = np.load(sys.argv[1])
query, persons, cameras, x, theirs, seen = (sides[key] for key in sides.files)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.process_time()
distances = (x * x).sum(1) - 2 * query @ x.T
cython = rank.IS_CYTHON_AVAI
cmc, mean = rank.evaluate_rank(distances, persons, theirs, cameras, seen, use_cython=cython)
seconds = time.process_time() - started
added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
found = {"map": float(mean), "rank1": float(cmc[0])}
print(json.dumps(["cython" if cython else "python", seconds, added, found]))
"""


def torchreid(
    python: str, query: Side, gallery: Side
) -> tuple[str, float, float, dict[str, float]]:
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, *query, *gallery)
        file.flush()
        command = [python, "-c", TORCHREID, file.name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    way, seconds, added, found = json.loads(done.stdout.splitlines()[-1])
    return f"torchreid, {way}", seconds, added, found


def main() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(0, 1, (751, 512)).astype(np.float32)
    query, gallery = crowd(rng, centres, 3368), crowd(rng, centres, 15913)
    print(f"{'':18} {'CPU s':>6} {'ratio':>6} {'MB':>6} {'ratio':>6} {'mAP':>8} {'rank-1':>8}")
    rows = [
        (name, *measure(lambda way=way: way(query, gallery)))
        for name, way in (("counting", counted), ("argsort", argsorted))
    ]
    rows += [torchreid(python, query, gallery) for python in sys.argv[1:]]
    _, base, least, _ = rows[0]
    for name, seconds, peak, found in rows:
        print(
            f"{name:18} {seconds:6.2f} {seconds / base:6.1f} {peak:6.0f} {peak / least:6.1f} "
            f"{found['map']:8.5f} {found['rank1']:8.5f}"
        )


if __name__ == "__main__":
    main()

"""The gallery's store: adding, opening, searching exactly and by signs, recall, memory, several processes.

python benchmarks/gallery.py [PEOPLE] [LIKE [FOLDER]]    (default: 200000, drawn)

Vectors are 512 numbers, in persons of 20 pictures each, drawn evenly in space. LIKE, an .npz written by
`figureground gallery export` in which persons have names, makes them as real ones lie: with its mean
and its covariances between and within persons; its own vectors are then in the gallery too, and the
queries are one picture of each of its persons that has others. FOLDER: where the gallery is kept; the one
that is there already is searched, and added to while others search.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from figureground.gallery.create import create
from figureground.gallery.filter import Filter
from figureground.gallery.records import Image, Settings
from figureground.gallery.store import Store

D = 512
AT_ONCE = 2000
QUERIES = 200

Draw = Callable[[int, int], np.ndarray]


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def evenly(seed: int, count: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count // 20 + 1, D), dtype=np.float32).repeat(20, axis=0)[:count]
    return unit(centres + rng.standard_normal((count, D), dtype=np.float32))


def like(vectors: np.ndarray, persons: np.ndarray) -> Draw:
    number = np.unique(persons, return_inverse=True)[1]
    pictures = np.bincount(number)
    centres = np.zeros((len(pictures), D))
    np.add.at(centres, number, vectors)
    centres /= pictures[:, None]
    several = pictures[number] > 1
    own = (vectors - centres[number])[several]
    own *= np.sqrt(pictures / np.maximum(pictures - 1, 1))[number[several], None]
    between, within = (root(np.cov(part.T)) for part in (centres, own))

    def draw(seed: int, count: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        who = rng.standard_normal((count // 20 + 1, D), dtype=np.float32) @ between
        how = rng.standard_normal((count, D), dtype=np.float32) @ within
        return unit(centres.mean(axis=0, dtype=np.float32) + who.repeat(20, axis=0)[:count] + how)

    return draw


def root(covariance: np.ndarray) -> np.ndarray:
    values, axes = np.linalg.eigh(covariance)
    return (np.sqrt(np.maximum(values, 0))[:, None] * axes.T).astype(np.float32)


def put(store: Store, vectors: np.ndarray, start: int) -> float:
    images = [
        Image(
            f"/photos/{n}.jpg",
            "",
            vector[None],
            [(0, 0, 64, 128)],
            [None],
            str(n % 8),
            time=float(n),
        )
        for n, vector in enumerate(vectors, start)
    ]
    started = time.perf_counter()
    store.put(images)
    return time.perf_counter() - started


def add(path: Path, count: int, real: np.ndarray, draw: Draw) -> None:
    create(path, Settings("synthetic", "", "", D))
    store, spent = Store(path), 0.0
    if len(real):
        spent += put(store, real, count)
    for start in range(0, count, AT_ONCE):
        spent += put(store, draw(start, min(AT_ONCE, count - start)), start)
    store.close()
    size = {file.name: f"{file.stat().st_size / 1e6:.0f} MB" for file in sorted(path.iterdir())}
    print(f"add {count} in commits of {AT_ONCE}: {spent:.1f} s; {size}", flush=True)


def ask(path: Path, queries: np.ndarray) -> None:
    started = time.perf_counter()
    store = Store(path)
    with store.reading():
        print(f"open: {(time.perf_counter() - started) * 1000:.1f} ms")

    def timed(name: str, filter: Filter, exact: bool) -> None:
        spent = []
        for query in queries[:20]:
            started = time.perf_counter(), time.process_time()
            store.nearest(query, 10, filter, exact)
            spent.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        wall, processor = np.array(spent).T * 1000
        print(
            f"search, {name}: first {wall[0]:.1f}, fastest {wall.min():.1f}, median "
            f"{np.median(wall):.1f} ms; of processors {np.median(processor):.1f} ms"
        )

    timed("by signs", Filter(), exact=False)
    # what is mapped from the file counts as resident, and can be given back at any time
    own = int(Path("/proc/self/status").read_text().split("RssAnon:")[1].split()[0]) / 1e3
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"memory: {own:.0f} MB of its own, peak {peak:.0f} MB with what is mapped")
    timed("exact", Filter(), exact=True)
    timed("by signs, one camera of 8", Filter(camera=["3"]), exact=False)
    timed("exact, one camera of 8", Filter(camera=["3"]), exact=True)
    timed("by signs, not one camera of 8", Filter(not_camera=["3"]), exact=False)
    timed("by signs, half of the times", Filter(since=store.count() / 2), exact=False)
    for name, filter, some in (
        ("", Filter(), queries),
        (", one camera of 8", Filter(camera=["3"]), queries[::4]),
    ):
        shared, first = [], []
        for query in some:
            found = [entry.row for entry in store.nearest(query, 10, filter)[0]]
            sure = [entry.row for entry in store.nearest(query, 10, filter, exact=True)[0]]
            shared.append(len(set(found) & set(sure)) / len(sure))
            first.append(found[0] == sure[0])
        print(
            f"recall@10 of {len(some)} queries{name}: {np.mean(shared):.4f}; first: {np.mean(first):.4f}"
        )


def together(path: Path, queries: np.ndarray, draw: Draw) -> None:
    """Two processes search while this one writes."""
    np.save(path.parent / "queries.npy", queries)
    command = [sys.executable, __file__, "search", str(path)]
    searching = [subprocess.Popen(command) for _ in range(2)]
    store, written = Store(path), 0
    while any(process.poll() is None for process in searching):
        written += AT_ONCE
        put(store, draw(written, AT_ONCE), 10**8 + written)
    print(f"meanwhile {written} people were added")


def search(path: Path) -> None:
    queries, store, spent = np.load(path.parent / "queries.npy"), Store(path), []
    until = time.monotonic() + 10
    while time.monotonic() < until:
        started = time.perf_counter()
        store.nearest(queries[len(spent) % len(queries)], 10)
        spent.append(time.perf_counter() - started)
    middle, late = np.quantile(spent, (0.5, 0.95)) * 1000
    print(f"one of two that search while one writes: median {middle:.1f}, 95 % {late:.1f} ms")


def main() -> None:
    if sys.argv[1:2] == ["search"]:
        return search(Path(sys.argv[2]))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    draw, real = evenly, np.empty((0, D), np.float32)
    queries = evenly(0, AT_ONCE)[:QUERIES]
    queries = unit(queries + unit(evenly(10**9, QUERIES)))
    if len(sys.argv) > 2:
        with np.load(sys.argv[2]) as content:
            vectors, persons = content["vectors"], content["person"]
        draw = like(vectors, persons)
        _, first, pictures = np.unique(persons, return_index=True, return_counts=True)
        asked = first[pictures > 1]
        asked = asked[np.linspace(0, len(asked) - 1, QUERIES).astype(int)]
        queries, real = vectors[asked], np.delete(vectors, asked, axis=0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(sys.argv[3] if len(sys.argv) > 3 else folder) / "gallery"
        if not path.exists():
            add(path, count, real, draw)
        ask(path, queries)
        together(path, queries, draw)


if __name__ == "__main__":
    main()

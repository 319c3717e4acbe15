"""The gallery's store on synthetic people: adding, opening, searching, memory.

python benchmarks/gallery.py [PEOPLE] [FOLDER]    (default: 200000, and a temporary folder)

Vectors are 512 numbers, in persons of 20 pictures each. Opening and searching is timed in a new
process; "first" includes reading the vectors' file, which the system has cached if it has the memory.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from figureground.gallery.create import create
from figureground.gallery.exact import nearest
from figureground.gallery.filter import Filter
from figureground.gallery.records import Image, Settings
from figureground.gallery.store import Store

D = 512
AT_ONCE = 2000


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def people(start: int, count: int) -> list[Image]:
    rng = np.random.default_rng(start)
    centres = rng.standard_normal((count // 20 + 1, D), dtype=np.float32).repeat(20, axis=0)[:count]
    vectors = unit(centres + rng.standard_normal((count, D), dtype=np.float32))
    return [
        Image(f"/photos/{n}.jpg", "", vectors[i : i + 1], [(0, 0, 64, 128)], [None], str(n % 8))
        for i, n in enumerate(range(start, start + count))
    ]


def add(path: Path, count: int) -> None:
    create(path, Settings("synthetic", "", "", D))
    store, spent = Store(path), 0.0
    for start in range(0, count, AT_ONCE):
        images = people(start, min(AT_ONCE, count - start))
        started = time.perf_counter()
        store.put(images)
        spent += time.perf_counter() - started
    store.close()
    size = sum(file.stat().st_size for file in path.iterdir()) / 1e6
    print(f"add {count} in commits of {AT_ONCE}: {spent:.1f} s; {size:.0f} MB on disk")


def ask(path: Path) -> None:
    queries = unit(np.random.default_rng(1).standard_normal((200, D), dtype=np.float32))
    started = time.perf_counter()
    store = Store(path)
    with store.reading() as vectors:
        opened = time.perf_counter() - started
        print(f"open: {opened * 1000:.1f} ms")

        def search(many: int, filter: Filter) -> float:
            started = time.perf_counter()
            _, found = nearest(queries[:many], vectors, store.rows(filter))
            for rows in found:
                store.entries(rows)
            return (time.perf_counter() - started) * 1000 / many

        print(f"search, first: {search(1, Filter()):.0f} ms")
        for name, many, filter in (
            ("one query", 1, Filter()),
            ("each of 200 queries", 200, Filter()),
            ("one query, one camera of 8", 1, Filter(camera=["3"])),
        ):
            print(f"search, {name}: {min(search(many, filter) for _ in range(5)):.1f} ms")
        # what is mapped from the file counts as resident, and can be given back at any time
        status = Path("/proc/self/status").read_text()
        own = int(status.split("RssAnon:")[1].split()[0]) / 1e3
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(
            f"memory: {own:.0f} MB of its own at the end, peak {peak:.0f} MB with the mapped file"
        )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    if count == 0:
        return ask(Path(sys.argv[2]))
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        path = Path(folder) / "gallery"
        add(path, count)
        sys.stdout.flush()
        subprocess.run([sys.executable, __file__, "0", str(path)], check=True)


if __name__ == "__main__":
    main()

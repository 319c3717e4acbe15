"""How well a model finds people through a gallery, and says that nobody is there.

python benchmarks/person_search.py MODEL ROOT    (ROOT: query/ and bounding_box_test/, as in Market-1501)

Closed set: mAP and CMC, by what `Gallery.search` answers to each query's file too, and by `figureground
evaluate`. Open set: half of the persons taken out of the gallery, DIR at several false accept rates. Both
with the background kept, kept and mirrored too, and masked; re-ranking among the 100 nearest of each query.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import figureground as fg
from figureground.gallery.filter import Filter
from figureground.gallery.rerank import reranked
from figureground.gallery.sources import pictures
from figureground.metrics.open_set import OpenSet
from figureground.metrics.reid import Retrieval


def measure(model: str, root: Path, background: str, flip: bool, folder: Path) -> None:
    gallery = fg.Gallery(folder, model=model, background=background, flip=flip)
    gallery.embedder  # noqa: B018 (the model is loaded now)
    started, count, empty = time.perf_counter(), 0, 0
    for part in ("query", "bounding_box_test"):
        added = gallery.add(pictures([str(root / part)], tag=part))
        count, empty = count + added.images, empty + added.empty
    rate = count / (time.perf_counter() - started)
    way = f"{background}, mirrored too" if flip else background
    print(f"\n{way}: {count} crops, {empty} of them of nobody, {rate:.0f} a second")

    def of(tag: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        entries = list(gallery.store.select(Filter(tag=[tag])))
        labels = [(entry.person or "", entry.camera or "") for entry in entries]
        persons, cameras = np.array(labels).T
        return vectors[[entry.row for entry in entries]], persons, cameras

    with gallery.store.reading() as vectors:
        queries, persons, cameras = of("query")
        others, their_persons, their_cameras = of("bounding_box_test")
    closed = Retrieval()
    closed.update(queries, persons, cameras, gallery=False)
    closed.update(others, their_persons, their_cameras, query=False)
    show("closed set", closed.compute())
    if background == "keep":
        show("by search", searched(gallery))
        command = [sys.executable, "-m", "figureground", "evaluate", model, "--json"]
        command += ["--root", str(root), "--data", "market1501", *["--flip"] * flip]
        told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        show("evaluate", {name: told[name] for name in Retrieval.names})
    show("re-ranked", again(queries, persons, cameras, others, their_persons, their_cameras))
    everybody = np.unique(persons)
    absent = np.random.default_rng(0).permutation(everybody)[: len(everybody) // 2]
    left = ~np.isin(their_persons, absent)
    found = OpenSet(far=(0.01, 0.05, 0.1, 0.3))
    scores = queries @ others[left].T
    found.update(scores, persons, their_persons[left], cameras, their_cameras[left])
    show("open set", found.compute())


def searched(gallery: fg.Gallery) -> dict[str, float]:
    """mAP and CMC of the ranks in which searches name the people of other cameras, or of other names."""
    entries = list(gallery.store.select(Filter(tag=["query"])))
    everybody = gallery.store.count() - len(entries)
    precisions, firsts, last = [], [], []
    for query in entries:
        found = gallery.search(query.image, top=everybody, tag=["bounding_box_test"]).matches
        who = (query.person, query.camera)
        same = [
            m.entry.person == query.person for m in found if (m.entry.person, m.entry.camera) != who
        ]
        places = np.flatnonzero(same) + 1
        precisions.append((np.arange(1, len(places) + 1) / places).mean())
        firsts.append(places[0])
        last.append(len(places) / places[-1])
    cmc = {f"rank{n}": float(np.mean(np.array(firsts) <= n)) for n in (1, 5, 10)}
    return {"map": float(np.mean(precisions)), **cmc, "minp": float(np.mean(last))}


def again(
    queries: np.ndarray,
    persons: np.ndarray,
    cameras: np.ndarray,
    others: np.ndarray,
    their_persons: np.ndarray,
    their_cameras: np.ndarray,
) -> dict[str, float]:
    precisions = []
    for query, person, camera in zip(queries, persons, cameras):
        open_to_it = np.flatnonzero((their_persons != person) | (their_cameras != camera))
        order = open_to_it[np.argsort(-(others[open_to_it] @ query), kind="stable")]
        order[:100] = order[:100][np.argsort(reranked(query, others[order[:100]]), kind="stable")]
        places = np.flatnonzero(their_persons[order] == person) + 1
        if len(places):
            precisions.append((np.arange(1, len(places) + 1) / places).mean())
    return {"map": float(np.mean(precisions))}


def show(title: str, figures: dict[str, float]) -> None:
    print(f"  {title:12}" + "  ".join(f"{name} {value:.4f}" for name, value in figures.items()))


def main() -> None:
    model, root = sys.argv[1], Path(sys.argv[2])
    for background, flip in (("keep", False), ("keep", True), ("mask", False)):
        with tempfile.TemporaryDirectory() as folder:
            measure(model, root, background, flip, Path(folder) / "gallery")


if __name__ == "__main__":
    main()

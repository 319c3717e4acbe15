"""Alphas of people and of hairy things by --edges fast, fine and hair, beside closed-form matting.

    python benchmarks/edges.py DATA [--photos 25]     # with people/ and matting/ in it
    (pymatting is compared where it is installed; it is no dependency)

People: the network's own mistakes, against alphas made by closed-form matting about masks drawn by hand
(which favours --edges hair) and against those masks. Things: true alphas, shrunk to 200 cells and torn by
2.5 of them, as a network's might be. Trimap: the true alphas' own, solved coarse to fine. SAD, MSE · 1000
and Grad count the band (people: 4 pixels about the truth's; things: the trimap's unknown); edge IoU is
boundary IoU within 1 % of the diagonal.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from figureground.imaging.edges import guided
from figureground.imaging.matting import matted, solved
from figureground.metrics.boundary_iou import BoundaryIoU
from figureground.metrics.matting import Matting
from figureground.runtime.predictor import load_alpha

Plane = NDArray[np.float32]
Solver = Callable[[NDArray[np.uint8], Plane], Plane]


def grey(path: Path, size: tuple[int, int] | None = None) -> Plane:
    image = Image.open(path).convert("L")
    return np.asarray(image.resize(size, Image.Resampling.NEAREST) if size else image, np.float32)


def sized(plane: Plane, size: tuple[int, int], how: int = Image.Resampling.BOX) -> Plane:
    return np.asarray(Image.fromarray(plane).resize(size, how))


class Figures:
    """Of one way to get alphas, over the photos."""

    def __init__(self, name: str) -> None:
        self.name, self.matting, self.edge, self.spent = name, Matting(), BoundaryIoU(0.01), 0.0

    def add(self, call: Callable[[], Plane], truth: Plane, mask: Plane, band: Plane) -> None:
        started = time.process_time()
        alpha = call()
        self.spent += time.process_time() - started
        self.matting.update(alpha, truth, band > 0)
        self.edge.update((alpha > 0.5).astype(int), (mask > 0.5).astype(int))

    def __str__(self) -> str:
        found, edge = self.matting.compute(), self.edge.compute()["boundary_iou"]
        each = 1000 * self.spent / len(self.edge.values)
        figures = f"{found['sad']:8.2f}{1000 * found['mse']:8.1f}{found['grad']:8.2f}{edge:10.3f}"
        return f"  {self.name:24}{figures}{each:9.0f}"


def show(title: str, rows: list[Figures]) -> None:
    print(f"{title:26}{'SAD':>8}{'MSE':>8}{'Grad':>8}{'edge IoU':>10}{'CPU ms':>9}")
    print(*rows, sep="\n", flush=True)


def people(folder: Path, photos: int) -> None:
    rows = {edges: Figures(edges) for edges in ("fast", "fine", "hair")}
    loaded = {edges: load_alpha("pp-humanseg-lite", edges=edges, threads=1) for edges in rows}
    names = (folder / "val.txt").read_text().split()
    for name in names[:: max(len(names) // photos, 1)]:
        stem = Path(name).stem
        pixels = np.asarray(Image.open(next((folder / "images").glob(f"{stem}.*"))).convert("RGB"))
        truth = grey(folder / "alpha" / f"{stem}.png") / 255
        mask = grey(folder / "masks" / f"{stem}.png") > 0
        soft = Image.fromarray((truth > 0.02) & (truth < 0.98)).convert("L")
        band = np.asarray(soft.filter(ImageFilter.MaxFilter(9)))
        for edges, figures in rows.items():
            figures.add(lambda e=edges, p=pixels: loaded[e].alpha(p), truth, mask, band)
    show("people, whole cost", list(rows.values()))


def things(folder: Path) -> Iterator[tuple[NDArray[np.uint8], Plane, Plane]]:
    """Photo, true alpha, trimap of 0, 0.5, 1."""
    named = [("", n) for n in sorted(p.stem for p in (folder / "images").glob("*.jpg"))]
    for _, name in [*named, ("lemur", "lemur")]:
        at = folder / name if name == "lemur" else folder
        photo = at / "lemur.png" if name == "lemur" else at / "images" / f"{name}.jpg"
        image = Image.open(photo).convert("RGB")
        alpha = at / "lemur_alpha.png" if name == "lemur" else at / "alpha" / f"{name}.png"
        trimap = (
            at / "lemur_trimap.png" if name == "lemur" else at / "trimaps_small" / f"{name}.png"
        )
        parts = grey(trimap, image.size)
        levels = np.where(parts > 240, 1, np.where(parts < 15, 0, 0.5)).astype(np.float32)
        yield np.asarray(image), grey(alpha, image.size) / 255, levels


def torn(alpha: Plane, numbers: np.random.Generator) -> Plane:
    """A small alpha with a network's kind of mistakes: a mask, moved about, with a soft edge."""
    height, width = (round(side * 200 / max(alpha.shape)) for side in alpha.shape)
    mask = sized(alpha, (width, height)) > 0.5
    places = np.mgrid[:height, :width].astype(np.float32)
    for axis, length in enumerate((height, width)):
        coarse = numbers.normal(size=(height // 7 + 2, width // 7 + 2)).astype(np.float32)
        move = sized(coarse, (width, height), Image.Resampling.BICUBIC)
        places[axis] = (places[axis] + 2.5 * move / move.std()).round().clip(0, length - 1)
    moved = Image.fromarray(mask[tuple(places.astype(int))]).convert("L")
    soft = np.asarray(moved.filter(ImageFilter.GaussianBlur(1.2)), np.float32) / 255
    return 1 / (1 + np.exp(-10 * (soft - np.float32(0.5))))


def from_trimap(pixels: NDArray[np.uint8], trimap: Plane) -> Plane:
    found = None
    for part in (8, 4, 2, 1):
        size = trimap.shape[1] // part, trimap.shape[0] // part
        small = np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))
        levels = sized(trimap, size)
        unknown = (levels > 0) & (levels < 1)
        start = levels if found is None else np.where(unknown, found, levels)
        found = solved(small, start, unknown, 40)
        if part > 1:
            size = trimap.shape[1] // (part // 2), trimap.shape[0] // (part // 2)
            found = sized(found, size, Image.Resampling.BILINEAR)
    assert found is not None
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--photos", type=int, default=25)
    given = parser.parse_args()
    people(given.data / "people", given.photos)
    ways: dict[str, Solver] = {
        "fast": lambda pixels, small: sized(small, pixels.shape[1::-1], Image.Resampling.BILINEAR),
        "fine": lambda pixels, small: guided(pixels, small, 1.3),
        "hair": matted,
    }
    solvers: dict[str, Solver] = {"ours, from the trimap": from_trimap}
    try:
        from pymatting import estimate_alpha_cf

        solvers["pymatting closed form"] = lambda pixels, trimap: estimate_alpha_cf(
            pixels / 255, trimap.astype(float)
        )
    except ModuleNotFoundError:
        pass
    rows = {name: Figures(name) for name in [*ways, *solvers]}
    numbers = np.random.default_rng(0)
    for pixels, truth, trimap in things(given.data / "matting"):
        band, small = trimap == 0.5, torn(truth, numbers)
        for name, way in ways.items():
            rows[name].add(lambda w=way, p=pixels, s=small: w(p, s), truth, truth, band)
        for name, solver in solvers.items():
            rows[name].add(lambda w=solver, p=pixels, s=trimap: w(p, s), truth, truth, band)
    show("things, a torn mask", [rows[name] for name in ways])
    show("things, a trimap", [rows[name] for name in solvers])


if __name__ == "__main__":
    main()

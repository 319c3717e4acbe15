"""Foreground colours in soft edges: error and time beside the photo's own colours and pymatting's.

    python benchmarks/foreground.py LEMUR    # folder with lemur_alpha.png, lemur_foreground.png
    (pymatting is compared where it is installed; it is no dependency)

The lemur's true foreground is put before other colours and pictures; the error is the root mean square in
0 … 255 over its soft edge, weighted by alpha: what a new background would show of the old.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.imaging.foreground import estimate

Estimator = Callable[[NDArray[np.uint8], NDArray[np.uint8]], NDArray[np.uint8]]


def estimators() -> dict[str, Estimator]:
    found: dict[str, Estimator] = {"photo's own": lambda pixels, alpha: pixels, "ours": estimate}
    try:
        import pymatting
    except ModuleNotFoundError:
        return found
    for name in ("ml", "cf"):
        function = getattr(pymatting, f"estimate_foreground_{name}")

        def one(
            pixels: NDArray[np.uint8], alpha: NDArray[np.uint8], function: Estimator = function
        ) -> NDArray[np.uint8]:
            return np.round(function(pixels / 255, alpha / 255).clip(0, 1) * 255).astype(np.uint8)

        found[f"pymatting {name}"] = one
    return found


def main(folder: Path) -> None:
    docs = Path(__file__).parents[1] / "docs" / "demo.jpg"  # a photo at its left
    alpha = np.asarray(Image.open(folder / "lemur_alpha.png").convert("L"))
    front = np.asarray(Image.open(folder / "lemur_foreground.png").convert("RGB")).astype(float)
    height, width = alpha.shape
    share = alpha[:, :, None] / 255
    edge = (alpha > 0) & (alpha < 255)
    other = Image.open(docs).crop((0, 0, 512, 512)).resize((width, height))
    flat = [np.full(front.shape, c, float) for c in ((255, 0, 0), (0, 255, 0), (40, 40, 40))]
    lemur = np.asarray(Image.open(folder / "lemur.png").convert("RGB"))
    photos = [np.round(share * front + (1 - share) * b).astype(np.uint8) for b in flat]
    pictured = [lemur, np.round(share * front + (1 - share) * np.asarray(other)).astype(np.uint8)]
    photos += pictured
    large = tuple(Image.fromarray(x).resize((4000, 2588)) for x in (photos[-1], alpha))
    print(f"{'':14}{'on colours':>12}{'on pictures':>13}{'CPU ms':>9}{'10 MP':>9}")
    for name, function in estimators().items():
        function(photos[0], alpha)
        started = time.process_time()
        found = [function(photo, alpha) for photo in photos]
        each = (time.process_time() - started) / len(photos)
        errors = [np.sqrt(np.square(share * (f - front))[edge].mean()) for f in found]
        means = np.mean(errors[: len(flat)]), np.mean(errors[len(flat) :])
        started = time.process_time()
        if name != "pymatting cf":  # minutes
            function(*map(np.asarray, large))
        whole = time.process_time() - started
        print(f"{name:14}{means[0]:12.2f}{means[1]:13.2f}{1000 * each:9.0f}{1000 * whole:9.0f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Foreground colours in soft edges: error and time beside the photo's own colours and pymatting's.

    python benchmarks/foreground.py DATA            # folder with matting/lemur and people
    python benchmarks/foreground.py DATA --picture halo.jpg
    (pymatting is compared where it is installed; it is no dependency)

True colours are put before others by the true alpha, and looked for in the mixture; the error is the root
mean square in 0 … 255 over the soft edge, weighted by alpha: what a new background would show of the old.
The lemur's fur, of which the colours are known, before three plain colours and before two pictures; and 25
photos of people/val, before a colour and a picture each, whose alphas are moved inwards so far that all
colours in their soft edge are the person's own. CPU: of the lemur, by the estimators in the form that they
take (pymatting's is floats). --picture: the demo's person on a green background, without and with ours.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from figureground.imaging.foreground import estimate

Pixels = NDArray[np.uint8]
Scene = tuple[Pixels, Pixels, Pixels]  # photo, alpha, true colours
Estimator = Callable[[Any, Any], Any]
INWARDS = 12  # pixels
PHOTOS = 25
DOCS = Path(__file__).parents[1] / "docs" / "demo.jpg"  # a photo at its left


def estimators() -> dict[str, tuple[Estimator, bool]]:
    """And whether it takes and gives floats in [0, 1]."""
    found: dict[str, tuple[Estimator, bool]] = {
        "photo's own": (lambda pixels, alpha: pixels, False),
        "ours": (estimate, False),
    }
    try:
        import pymatting
    except ModuleNotFoundError:
        return found
    for name in ("ml", "cf"):
        found[f"pymatting {name}"] = getattr(pymatting, f"estimate_foreground_{name}"), True
    return found


def mixed(front: Pixels, alpha: Pixels, behind: Any) -> Scene:
    share = alpha[:, :, None] / 255
    return np.round(share * front + (1 - share) * behind).astype(np.uint8), alpha, front


def picture(alpha: Pixels) -> Pixels:
    size = alpha.shape[1], alpha.shape[0]
    return np.asarray(Image.open(DOCS).convert("RGB").crop((0, 0, 512, 512)).resize(size))


def lemurs(folder: Path) -> tuple[list[Scene], list[Scene]]:
    alpha = np.asarray(Image.open(folder / "lemur_alpha.png").convert("L"))
    front = np.asarray(Image.open(folder / "lemur_foreground.png").convert("RGB"))
    photo = np.asarray(Image.open(folder / "lemur.png").convert("RGB"))
    flat = [mixed(front, alpha, colour) for colour in ((255, 0, 0), (0, 255, 0), (40, 40, 40))]
    return flat, [(photo, alpha, front), mixed(front, alpha, picture(alpha))]


def people(folder: Path) -> Iterator[Scene]:
    for name in (folder / "val.txt").read_text().split()[:PHOTOS]:
        front = np.asarray(Image.open(next((folder / "images").glob(f"{name}.*"))).convert("RGB"))
        opacity = Image.open(folder / "alpha" / f"{name}.png").convert("L")
        inner = np.asarray(opacity.filter(ImageFilter.MinFilter(2 * INWARDS + 1)))
        alpha = np.where(np.asarray(opacity) == 255, inner, 0).astype(np.uint8)
        yield mixed(front, alpha, (0, 255, 0))
        yield mixed(front, alpha, picture(alpha))


def given(scene: tuple[Any, ...], floats: bool) -> list[Any]:
    return [plane / 255 if floats else plane for plane in scene[:2]]


def error(function: Estimator, floats: bool, scenes: list[Scene]) -> float:
    errors = []
    for photo, alpha, front in scenes:
        found = function(*given((photo, alpha), floats)) * (255.0 if floats else 1.0)
        if floats:
            found = found.clip(0, 255).round()
        share = alpha[:, :, None] / 255
        edge = (alpha > 0) & (alpha < 255)
        errors.append(np.sqrt(np.square(share * (found - front))[edge].mean()))
    return float(np.mean(errors))


def cpu(function: Estimator, photo: list[Any], times: int) -> float:
    """Milliseconds, the median."""
    spent = []
    for _ in range(times):
        started = time.process_time()
        function(*photo)
        spent.append(1000 * (time.process_time() - started))
    return float(np.median(spent))


def shown(path: Path) -> None:
    """The demo's person on green, with the photo's own colours and with ours; the hair, enlarged."""
    from figureground import cutout

    photo = Image.open(DOCS).convert("RGB").crop((0, 0, 512, 512))
    panels = []
    for foreground in (False, True):
        whole = cutout(photo, background="rgb(0,177,64)", foreground=foreground)
        part = Image.fromarray(whole).crop((130, 10, 280, 130))
        panels.append(part.resize((450, 360), Image.Resampling.LANCZOS))
    Image.fromarray(np.hstack(panels)).save(path, quality=88)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args()
    if asked.picture:
        shown(asked.picture)
        return
    flat, pictured = lemurs(asked.data / "matting" / "lemur")
    persons = list(people(asked.data / "people"))
    small = pictured[-1][:2]
    large = tuple(np.asarray(Image.fromarray(x).resize((4000, 2588))) for x in small)
    titles = "".join(f"{t:>13}" for t in ("on colours", "on pictures", "people"))
    print(f"{'':14}{titles}{'CPU ms':>9}{'10 MP':>9}")
    for name, (function, floats) in estimators().items():
        errors = [error(function, floats, scenes) for scenes in (flat, pictured, persons)]
        each = cpu(function, given(small, floats), 9)
        whole = (
            "minutes" if name == "pymatting cf" else f"{cpu(function, given(large, floats), 5):.0f}"
        )
        print(f"{name:14}{''.join(f'{e:13.2f}' for e in errors)}{each:9.0f}{whole:>9}", flush=True)


if __name__ == "__main__":
    main()

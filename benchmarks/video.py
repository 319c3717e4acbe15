"""Flicker and speed of `figureground video`.

    python benchmarks/video.py flicker DATA    # DATA/people with alpha/, DATA/no_people.txt
    python benchmarks/video.py speed CLIP      # any clip; scaled to 640×480 and 1280×720

Flicker: people of people/val, cut out by their true alphas, wander and turn their size over photos of
nobody that pan, filmed with a hand that shakes, with noise of a sensor. MAD and dtSSD of the alpha at full
size, and trailing: mean alpha where no person is, near one. Then the same with the camera at rest.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

import figureground as fg
from figureground.imaging.foreground import estimate
from figureground.metrics.dtssd import DtSSD
from figureground.runtime.predictor import load_alpha
from figureground.video.steady import Steady

SIZE = 640, 480
FRAMES = 40
Filter = Callable[[NDArray[np.uint8], NDArray[np.float32]], NDArray[np.float32]]


class Average:
    """The plain exponential average: what a filter must beat."""

    def __init__(self, weight: float = 0.5) -> None:
        self.weight, self.last = weight, None

    def __call__(self, pixels: NDArray, alpha: NDArray) -> NDArray:
        if self.last is not None:
            alpha = alpha + np.float32(self.weight) * (self.last - alpha)
        self.last = alpha
        return alpha


FILTERS: dict[str, Callable[[], Filter]] = {
    "none": lambda: lambda pixels, alpha: alpha,
    "plain average": Average,
    "figureground": Steady,
}


def clip(
    data: Path, name: str, behind: str, seed: int, still: bool
) -> Iterator[tuple[NDArray, NDArray]]:
    """Frames (H×W×3 uint8) and their true alphas (H×W in [0, 1])."""
    rng = np.random.default_rng(seed)
    colours = np.asarray(Image.open(data / "people/images" / f"{name}.jpg").convert("RGB"))
    opacity = np.asarray(Image.open(data / "people/alpha" / f"{name}.png").convert("L"))
    person = Image.fromarray(np.dstack([estimate(colours, opacity), opacity]))
    width, height = SIZE
    wide = ImageOps.fit(Image.open(data / behind).convert("RGB"), (width + 200, height + 100))
    phase, speed, scale = rng.uniform(0, 6.28, 6), rng.uniform(0.03, 0.12, 6), rng.uniform(0.8, 1.3)
    shake = np.cumsum(rng.normal(0, 1.5, (FRAMES, 2)), 0)
    if still:
        shake[:], speed[:] = 0, (0, 0, 0.03, 0.05, 0.03, 0)
    for number in range(FRAMES):
        sway = np.sin(phase + speed * number)
        pan = 80 * sway[0] + shake[number, 0], 35 * sway[1] + shake[number, 1]
        box = [100 + pan[0], 50 + pan[1]]
        picture = wide.resize(
            SIZE, Image.Resampling.BILINEAR, box=np.clip([*box, box[0] + width, box[1] + height], 0,
            [width + 200, height + 100, width + 200, height + 100]),
        )  # fmt: skip
        size = height * scale * (1 + 0.1 * sway[2])
        shape = round(size * person.width / person.height), round(size)
        left = (width - shape[0]) / 2 + 120 * sway[3] - shake[number, 0]
        top = height * 0.15 + 25 * sway[4] - shake[number, 1]
        part = person.transform(
            SIZE,
            Image.Transform.AFFINE,
            (person.width / shape[0], 0, -left * person.width / shape[0],
             0, person.height / shape[1], -top * person.height / shape[1]),
            Image.Resampling.BICUBIC,
        )  # fmt: skip
        picture.paste(part, mask=part.getchannel("A"))
        noisy = np.asarray(picture, np.float32) + rng.normal(0, 6, (height, width, 1))
        noisy += rng.normal(0, 3, noisy.shape) + rng.normal(0, 1)
        yield noisy.clip(0, 255).astype(np.uint8), np.asarray(part.getchannel("A")) / 255


def flicker(data: Path, still: bool, clips: int = 6) -> None:
    """The table of filters, averaged over clips."""
    predictor = load_alpha("pp-humanseg-lite", threads=1)
    people = (
        (data / "people/val.txt").read_text().split()[10:]
    )  # constants were chosen on the first
    nobody = [n for n in (data / "no_people.txt").read_text().split() if "streets" in n]
    figures: dict[str, list[tuple[float, ...]]] = {name: [] for name in FILTERS}
    for seed, name in enumerate(people[:clips], 10):
        seen = list(clip(data, name, nobody[seed * 3 % len(nobody)], seed, still))
        smalls = [predictor.small(pixels) for pixels, _ in seen]
        for title, make in FILTERS.items():
            steady, dtssd, errors, trails, spent = make(), DtSSD(), [], [], 0.0
            for (pixels, truth), small in zip(seen, smalls):
                begun = time.process_time()
                filtered = steady(pixels, small)
                spent += time.process_time() - begun
                alpha = predictor.large(pixels, filtered)
                dtssd.update(alpha, truth)
                errors.append(np.abs(alpha - truth).mean())
                mask = Image.fromarray(truth > 0).convert("L").resize((160, 120))
                near = np.asarray(mask.filter(ImageFilter.MaxFilter(17)).resize(SIZE)) > 0
                trails.append(alpha[near & (truth == 0)].mean())
            figures[title].append(
                (np.mean(errors), dtssd.compute()["dtssd"], np.mean(trails), spent / FRAMES)
            )
    print("filter              MAD ×1000   dtSSD   trailing ×1000   CPU ms/frame")
    for title, rows in figures.items():
        mad, change, trail, spent = np.mean(rows, 0)
        print(
            f"{title:<18}{mad * 1e3:>11.2f}{change:>8.3f}{trail * 1e3:>17.2f}{spent * 1e3:>15.1f}"
        )


def speed(source: Path) -> None:
    """Frames per second of the whole verb, and CPU milliseconds per frame, by size and choice."""
    import av

    quick = {"edges": "fast", "foreground": False, "background": "white"}
    choices: dict[str, dict[str, object]] = {
        "fast, colours left": quick,
        "the same, no filter": {**quick, "steady": "none"},
        "fine, colours left": {"foreground": False, "background": "white"},
        "default, white": {"background": "white"},
        "default, blur": {},
        "VP9 alpha": {"background": "transparent"},
    }
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((640, 480), (1280, 720)):
            scaled = f"{folder}/{width}.mp4"
            with av.open(scaled, "w") as container:
                stream = container.add_stream("libx264", rate=30)
                stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
                for number, (_, pixels) in enumerate(fg.video.frames(source)):
                    frame = av.VideoFrame.from_ndarray(pixels).reformat(width, height, "yuv420p")
                    frame.pts, frame.time_base = number, Fraction(1, 30)
                    container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
            for title, options in choices.items():
                target = f"{folder}/out.{'webm' if 'VP9' in title else 'mp4'}"
                begun, spent = time.perf_counter(), time.process_time()
                done = fg.video.replace_background(scaled, target, **options)
                took, spent = time.perf_counter() - begun, time.process_time() - spent
                print(
                    f"{width}x{height}  {title:<22}{done.frames / took:6.1f} frames/s"
                    f"{1000 * spent / done.frames:8.1f} CPU ms/frame"
                )


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("flicker", "speed"):
        sys.exit(__doc__)
    if sys.argv[1] == "speed":
        speed(Path(sys.argv[2]))
    else:
        for still in (False, True):
            print("camera at rest" if still else "camera in a hand")
            flicker(Path(sys.argv[2]), still)

"""Flicker, speed and memory of `figureground video`.

    python benchmarks/video.py flicker DATA    # DATA/people with alpha/, DATA/no_people.txt
    python benchmarks/video.py speed CLIP      # any clip; scaled to 640×480 and 1280×720
    python benchmarks/video.py stages CLIP     # CPU time of each stage, one after the other
    python benchmarks/video.py memory CLIP     # 10 000 frames of it, over and over

Flicker: people of people/val, cut out by their true alphas, wander and turn their size over photos of
nobody that pan, filmed with a hand that shakes, with noise of a sensor; then with the camera at rest; then
with the person at rest too. MAD, MSE and dtSSD of the alpha at full size, and trailing: mean alpha where no
person is, near one. "true motion" takes the mean or median of all frames of a clip along the motion with
which it was made: more than any filter can know, so what it leaves is not flicker but the network's error,
which moves with the person.
"""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps

import figureground as fg
from figureground.imaging.foreground import estimate
from figureground.metrics.dtssd import DtSSD
from figureground.runtime.predictor import load_alpha
from figureground.video.backdrop import backdrop
from figureground.video.canvas import Shrinker, mix
from figureground.video.people import Found, large
from figureground.video.raw import RawReader
from figureground.video.read import Frame, Reader
from figureground.video.steady import Steady
from figureground.video.write import Writer

SIZE = 640, 480
FRAMES = 40
SCENES = "camera in a hand", "camera at rest", "camera and person at rest"
Filter = Callable[[NDArray[np.uint8], NDArray[np.float32]], list[NDArray[np.float32]]]


class PPHumanSeg:
    """Its optic_flow_process, as it runs on values of 0 to 255: 0.4 of what is new, 0.3 where
    nothing moves, if the flow there and back agrees."""

    def __init__(self) -> None:
        self.flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        self.flow.setFinestScale(3)
        self.last: tuple[NDArray, NDArray] | None = None

    def __call__(self, pixels: NDArray, alpha: NDArray) -> list[NDArray]:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        result = alpha.copy()
        if self.last is not None:
            before, was = self.last
            forth = np.rint(self.flow.calc(before, grey, None)).astype(int)
            back = np.rint(self.flow.calc(grey, before, None)).astype(int)
            y, x = np.indices(grey.shape)
            to_y, to_x = y + forth[:, :, 1], x + forth[:, :, 0]
            inside = (to_y >= 0) & (to_y < grey.shape[0]) & (to_x >= 0) & (to_x < grey.shape[1])
            y, x, to_y, to_x = y[inside], x[inside], to_y[inside], to_x[inside]
            met = np.square(forth[y, x] + back[to_y, to_x]).sum(-1) < 8
            y, x, to_y, to_x = y[met], x[met], to_y[met], to_x[met]
            still = ~forth[y, x].any(-1) & ~back[y, x].any(-1)
            new = np.where(still, 0.3, 0.4)
            result[to_y, to_x] = new * alpha[to_y, to_x] + (1 - new) * was[y, x]
        self.last = grey, result
        return [result]


FILTERS: dict[str, Callable[[], Filter]] = {
    "none": lambda: lambda pixels, alpha: [alpha],
    "PP-HumanSeg's way": PPHumanSeg,
    "figureground, live": lambda: Steady(0),
    "figureground": Steady,
}
BOUNDS = {"true motion, mean of all": np.mean, "true motion, median": np.median}


def clip(
    data: Path, name: str, behind: str, seed: int, scene: str
) -> Iterator[tuple[NDArray, NDArray, tuple[float, float, float, float]]]:
    """Frames (H×W×3 uint8), their true alphas (H×W in [0, 1]) and how the person is placed: scale and
    left, scale and top."""
    rng = np.random.default_rng(seed)
    colours = np.asarray(Image.open(data / "people/images" / f"{name}.jpg").convert("RGB"))
    opacity = np.asarray(Image.open(data / "people/alpha" / f"{name}.png").convert("L"))
    person = Image.fromarray(np.dstack([estimate(colours, opacity), opacity]))
    width, height = SIZE
    wide = ImageOps.fit(Image.open(data / behind).convert("RGB"), (width + 200, height + 100))
    phase, speed, scale = rng.uniform(0, 6.28, 6), rng.uniform(0.03, 0.12, 6), rng.uniform(0.8, 1.3)
    shake = np.cumsum(rng.normal(0, 1.5, (FRAMES, 2)), 0)
    if scene != SCENES[0]:
        shake[:], speed[:] = 0, (0, 0, 0.03, 0.05, 0.03, 0)
    if scene == SCENES[2]:
        speed[:] = 0
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
        place = shape[0] / person.width, left, shape[1] / person.height, top
        yield noisy.clip(0, 255).astype(np.uint8), np.asarray(part.getchannel("A")) / 255, place


def along(alpha: NDArray, there: tuple[float, ...], here: tuple[float, ...]) -> NDArray:
    """The small alpha of a frame in which the person is `there`, moved to where it is `here`."""
    height, width = alpha.shape
    rows = []
    for axis, cells in ((0, width / SIZE[0]), (2, height / SIZE[1])):
        scale = there[axis] / here[axis]
        shift = there[axis + 1] - here[axis + 1] * scale
        rows.append((scale, (0.5 / cells * scale + shift) * cells - 0.5))
    matrix = np.float32([[rows[0][0], 0, rows[0][1]], [0, rows[1][0], rows[1][1]]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(
        alpha, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


def flicker(data: Path, scene: str, clips: int = 6) -> None:
    """The table of filters, averaged over clips."""
    predictor = load_alpha("pp-humanseg-lite", threads=1)
    people = (
        (data / "people/val.txt").read_text().split()[10:]
    )  # constants were chosen on the first
    nobody = [n for n in (data / "no_people.txt").read_text().split() if "streets" in n]
    figures: dict[str, list[tuple[float, ...]]] = {}
    for seed, name in enumerate(people[:clips], 10):
        seen = list(clip(data, name, nobody[seed * 3 % len(nobody)], seed, scene))
        raw = b"".join(pixels.tobytes() for pixels, _, _ in seen)
        reader = RawReader(io.BytesIO(raw), SIZE)
        canvas = reader.canvas("yuv420p")
        shrink, size = Shrinker(canvas), predictor.input.content_for(*SIZE)
        frames = [frame for frame in reader if isinstance(frame, Frame)]
        shown = [np.ascontiguousarray(shrink(frame.picture, 0, *size)) for frame in frames]
        smalls = [predictor.small(pixels) for pixels in shown]
        answers: dict[str, tuple[list[NDArray], float]] = {}
        for title, make in FILTERS.items():
            steady, begun = make(), time.process_time()
            results = [alpha for pair in zip(shown, smalls) for alpha in steady(*pair)]
            results += steady.rest() if isinstance(steady, Steady) else []
            answers[title] = results, (time.process_time() - begun) / FRAMES
        places = [place for _, _, place in seen]
        moved = [np.stack([along(a, b, c) for a, b in zip(smalls, places)]) for c in places]
        for title, consensus in BOUNDS.items():
            answers[title] = [consensus(each, axis=0) for each in moved], 0.0
        for title, (results, spent) in answers.items():
            dtssd, rows = DtSSD(), []
            for frame, small, (_, truth, _), pixels in zip(frames, results, seen, shown):
                alpha = large(Found(frame, pixels, small), canvas, predictor) / np.float32(255)
                dtssd.update(alpha, truth)
                mask = Image.fromarray(truth > 0).convert("L").resize((160, 120))
                near = np.asarray(mask.filter(ImageFilter.MaxFilter(17)).resize(SIZE)) > 0
                error = alpha - truth
                trail = alpha[near & (truth == 0)].mean()
                rows.append((np.abs(error).mean(), np.square(error).mean(), trail))
            mad, mse, trail = np.mean(rows, 0)
            figures.setdefault(title, []).append((mad, mse, dtssd.compute()["dtssd"], trail, spent))
    print(f"{scene:<26}MAD ×1000  MSE ×1000   dtSSD   trailing ×1000   CPU ms/frame")
    for title, rows in figures.items():
        mad, mse, change, trail, spent = np.mean(rows, 0)
        print(
            f"{title:<26}{mad * 1e3:>9.2f}{mse * 1e3:>11.2f}{change:>8.2f}{trail * 1e3:>17.1f}"
            + (f"{spent * 1e3:>15.1f}" if spent else "")
        )


def scaled(source: Path, target: str, width: int, height: int, frames: int = 120) -> None:
    """The clip forth and back, at 30 frames a second, in H.264."""
    with av.open(str(source)) as container:
        own = [f.reformat(width, height, "yuv420p") for f in container.decode(video=0)]
    own = own[:60]
    with av.open(target, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            place = number % (2 * len(own) - 1)
            frame = own[min(place, 2 * len(own) - 2 - place)]
            frame = av.VideoFrame.from_ndarray(frame.to_ndarray(), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 30)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def speed(source: Path) -> None:
    """Frames per second of the whole verb, and CPU milliseconds per frame, by size and choice."""
    choices: dict[str, dict[str, object]] = {
        "white": {"background": "white"},
        "white, fast edges": {"background": "white", "edges": "fast"},
        "white, fast, not steady": {"background": "white", "edges": "fast", "steady": "none"},
        "blur (default)": {},
        "white, own colours": {"background": "white", "foreground": True},
        "VP9 alpha": {"background": "transparent"},
    }
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((640, 480), (1280, 720)):
            clip = f"{folder}/{width}.mp4"
            scaled(source, clip, width, height)
            for title, options in choices.items():
                target = f"{folder}/out.{'webm' if 'VP9' in title else 'mp4'}"
                begun, spent = time.perf_counter(), time.process_time()
                done = fg.video.replace_background(clip, target, **options)
                took, spent = time.perf_counter() - begun, time.process_time() - spent
                print(
                    f"{width}x{height}  {title:<24}{done.frames / took:6.1f} frames/s"
                    f"{1000 * spent / done.frames:8.1f} CPU ms/frame"
                    f"{Path(target).stat().st_size / Path(clip).stat().st_size:7.2f} × size",
                    flush=True,
                )


def stages(source: Path) -> None:
    """CPU milliseconds per frame of each stage, run one after the other."""
    predictor = load_alpha("pp-humanseg-lite", threads=1)
    with tempfile.TemporaryDirectory() as folder:
        for width, height in ((640, 480), (1280, 720)):
            clip, spent, frames = f"{folder}/{width}.mp4", dict[str, float](), 60
            scaled(source, clip, width, height, frames)

            def timed(name: str, work: Callable, *given: object) -> Any:
                begun = time.process_time()
                result = work(*given)
                spent[name] = spent.get(name, 0) + time.process_time() - begun  # noqa: B023
                return result

            with Reader(clip) as reader, Writer(f"{folder}/out.mp4", reader) as writer:
                canvas, steady, items = reader.canvas("yuv420p"), Steady(), iter(reader)
                shrink, white = Shrinker(canvas), backdrop("white", canvas, 0)
                size = predictor.input.content_for(width, height)
                for _ in range(frames):
                    frame = timed("decode", next, items)
                    shown = timed("shrink", shrink, frame.picture, 0, *size)
                    small = timed("network", predictor.small, shown)
                    timed("steady", steady, shown, small)
                    item = Found(frame, shown, small)
                    alpha = timed("edges", large, item, canvas, predictor)
                    picture, planes, _ = writer.blank()
                    front, behind = canvas.of(frame.picture), white.behind(item, alpha)
                    timed("mix", mix, front, alpha, behind, planes)
                    timed("encode", writer.write, picture, frame)
                timed("encode", writer.finish)
            parts = "  ".join(f"{name} {1000 * each / frames:.1f}" for name, each in spent.items())
            print(f"{width}x{height}  {parts}  in all {1000 * sum(spent.values()) / frames:.1f}")


def memory(source: Path, frames: int = 10_000) -> None:
    """Resident megabytes while a long video is made, at 320×240."""
    with tempfile.TemporaryDirectory() as folder:
        scaled(source, f"{folder}/in.mp4", 320, 240, frames)

        def report(done: int, total: int) -> None:
            if done in (500, 1000) or done % 2500 == 0:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                print(f"{done:>6} frames {pages * 4096 / 1e6:8.1f} MB", flush=True)

        fg.video.replace_background(f"{folder}/in.mp4", f"{folder}/out.mp4", progress=report)


if __name__ == "__main__":
    jobs = {"speed": speed, "stages": stages, "memory": memory}
    if len(sys.argv) != 3 or sys.argv[1] not in ("flicker", *jobs):
        sys.exit(__doc__)
    if sys.argv[1] in jobs:
        jobs[sys.argv[1]](Path(sys.argv[2]))
    else:
        for scene in SCENES:
            flicker(Path(sys.argv[2]), scene)

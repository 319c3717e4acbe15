"""The whole job, folder of JPEGs to folder of PNGs, beside rembg with the same ONNX file.

    pip install rembg onnxruntime onnx && python benchmarks/cutout.py     # offline; takes minutes

Both run the network of `--model`, its answer made a probability, at 320×320 (rembg's size), each in
processes of its own. CPU and wall: seconds of each further photo of a folder, by two workers: our
--workers 2, and two threads that share rembg's session, with one thread of the engine each. MB: peak memory
meanwhile. One: wall seconds of a process that does one photo, start-up and all. Warm: of a further photo in
a process that does one at a time, the median. Ratios: rembg's of the first row by these. Equal work is
--edges fast --no-foreground; the default also draws edges and colours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIZES = {"640x480": (640, 480), "1920x1080": (1920, 1080), "4000x3000": (4000, 3000)}

MAKE = """
import sys
from pathlib import Path
import numpy as np, onnx
from onnx import helper
from PIL import Image
from figureground import hub
from figureground.cli.demo import astronaut
from figureground.imaging.read import read
folder, photos = Path(sys.argv[1]), int(sys.argv[2])
card = hub.card(sys.argv[3])
network = onnx.load(hub.local(card))
answer = network.graph.output[0].name  # N x 2 x h x w logits
steep = card.sharpness
network.graph.initializer.extend([
    helper.make_tensor("weights", 1, [1, 2, 1, 1], [-steep, steep]),
    helper.make_tensor("shift", 1, [1], [-card.offset * steep]),
    helper.make_tensor("axis", 7, [1], [1]),
])
network.graph.node.extend([
    helper.make_node("Mul", [answer, "weights"], ["weighted"]),
    helper.make_node("ReduceSum", ["weighted", "axis"], ["margin"], keepdims=1),
    helper.make_node("Add", ["margin", "shift"], ["shifted"]),
    helper.make_node("Sigmoid", ["shifted"], ["probability"]),
])
del network.graph.output[:]
network.graph.output.append(helper.make_tensor_value_info("probability", 1, None))
onnx.save(network, folder / "network.onnx")
import hashlib
digest = hashlib.sha256((folder / "network.onnx").read_bytes()).hexdigest()
(folder / "network.md").write_text(f'''---
name: network
task: person-segmentation
network: {{name: {card.network["name"]}}}
input: {{width: 320, height: 320, resize: stretch}}
output: saliency
files: [{{name: network.onnx, sha256: {digest}}}]
licences: {{code: x, weights: x, data: x, commercial: unknown}}
---

The same network, for the benchmark.
''')
photo = Image.fromarray(read(astronaut()).pixels)
grain = np.random.default_rng(0)
for name, size in SIZES.items():
    (folder / name).mkdir()
    for number in range(photos):
        large = np.asarray(photo.resize(size, Image.Resampling.BICUBIC), np.float32)
        noisy = large + grain.normal(0, 3, (size[1], size[0], 1))
        image = Image.fromarray(noisy.clip(0, 255).astype(np.uint8))
        image.save(folder / name / f"{number}.jpg", quality=90)
""".replace("SIZES", repr(SIZES))

REMBG = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from onnxruntime import SessionOptions
from rembg import new_session, remove
network, source, target, kind = sys.argv[1:]
photos = sorted(Path(source).glob("*.jpg"))
settings = SessionOptions()
if len(photos) > 1:
    settings.intra_op_num_threads = 1
session = new_session("u2net_custom", sess_opts=settings, model_path=network)
options = {"colours": {"decontaminate": True}, "matting": {"alpha_matting": True}}.get(kind, {})
def one(photo):
    content = remove(photo.read_bytes(), session=session, **options)
    (Path(target) / f"{photo.stem}.png").write_bytes(content)
def warm(count):
    from time import perf_counter
    times = []
    for _ in range(count + 1):  # the first is not warm
        started = perf_counter()
        one(photos[0])
        times.append(perf_counter() - started)
    print(sorted(times[1:])[count // 2])
if len(photos) == 1:
    warm(WARM) if WARM else one(photos[0])
else:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, photos))
"""

OURS = """
import sys
from time import perf_counter
from figureground.imaging.write import write
from figureground.runtime.file import cut_file
from figureground.runtime.options import Options
from figureground.runtime.predictor import load_alpha
network, source, target, edges, plain = sys.argv[1:]
predictor, options = load_alpha(network, edges=edges), Options(foreground=not plain)
times = []
for _ in range(WARM + 1):
    started = perf_counter()
    write(target + "/0.png", cut_file(source + "/0.jpg", "PNG", predictor, options=options)[0])
    times.append(perf_counter() - started)
print(sorted(times[1:])[WARM // 2])
"""
WARM = 5  # photos


def measured(command: list[str]) -> tuple[float, float, float]:
    """Wall and CPU seconds, and MB at the peak, of a command."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(said.decode())
    wall = time.perf_counter() - started
    return wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def ways(network: Path) -> dict[str, tuple[list[str], list[str]]]:
    """Commands for a folder or one photo, and those that print what a warm photo takes."""
    card = str(network / "network.md")

    def ours(*options: str) -> tuple[list[str], list[str]]:
        whole = [sys.executable, "-m", "figureground", "cutout", "--model", card, "--workers", "2"]
        edges = options[1] if options else "fine"
        plain = "plain" if "--no-foreground" in options else ""
        warm = [sys.executable, "-c", OURS.replace("WARM", str(WARM)), card, "IN", "OUT"]
        return [*whole, *options, "IN", "-o", "OUT"], [*warm, edges, plain]

    def theirs(kind: str) -> tuple[list[str], list[str]]:
        whole, warm = (
            [sys.executable, "-c", REMBG.replace("WARM", str(count))] for count in (0, WARM)
        )
        rest = [str(network / "network.onnx"), "IN", "OUT", kind]
        return [*whole, *rest], [*warm, *rest]

    return {
        "rembg": theirs("plain"),
        "figureground --edges fast --no-foreground": ours("--edges", "fast", "--no-foreground"),
        "figureground": ours(),
        "rembg, decontaminate": theirs("colours"),
        "rembg, alpha_matting": theirs("matting"),
        "figureground --edges hair": ours("--edges", "hair"),
    }


def figures(
    commands: tuple[list[str], list[str]], one: Path, many: Path, target: Path
) -> list[float]:
    """CPU and wall seconds of a further photo, seconds of one alone and of a warm one, MB."""

    def between(command: list[str], source: Path) -> list[str]:
        return [{"IN": str(source), "OUT": str(target)}.get(word, word) for word in command]

    found = [measured(between(commands[0], source)) for source in (one, one, many)][1:]
    further = len(list(many.iterdir())) - 1
    wall, spent = ((found[1][i] - found[0][i]) / further for i in (0, 1))
    said = subprocess.run(between(commands[1], one), stdout=subprocess.PIPE, check=True)
    return [spent, wall, found[0][0], float(said.stdout), found[1][2]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=10, help="in the folder of each size")
    parser.add_argument("--model", default="pp-humanseg-lite", help="one that gives person-logits")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--more", action="store_true", help="with better edges, which take long")
    given = parser.parse_args()
    os.environ.pop("OMP_NUM_THREADS", None)  # which rembg takes for the engine's
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["U2NET_HOME"] = name  # rembg takes models from nowhere else
        measured([sys.executable, "-c", MAKE, name, str(given.photos), given.model])
        titles = "".join(f"{t:>8}" for t in ("CPU", "wall", "one", "warm", "MB"))
        print(f"{'':44}{titles}   ratios")
        target = folder / "out"
        target.mkdir()
        for size in given.sizes:
            one = folder / f"one-{size}"
            one.mkdir()
            (one / "0.jpg").write_bytes((folder / size / "0.jpg").read_bytes())
            print(size)
            before: list[float] = []
            for way, commands in list(ways(folder).items())[: None if given.more else 3]:
                found = figures(commands, one, folder / size, target)
                line = "".join(f"{value:8.3f}" for value in found[:-1]) + f"{found[-1]:8.0f}"
                before = before or found
                line += "   " + " ".join(f"{b / f:.1f}" for b, f in zip(before, found))
                print(f"  {way:42}{line}", flush=True)


if __name__ == "__main__":
    main()

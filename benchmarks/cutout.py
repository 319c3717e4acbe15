"""The whole job, folder of JPEGs to folder of PNGs, beside rembg with the same ONNX file.

    pip install rembg onnxruntime onnx && python benchmarks/cutout.py     # offline; takes minutes

Both run the network of `--model`, its answer made a probability, at 320×320 (rembg's size), each in a
process of its own: figureground by its command with --workers 2, rembg as a loop over its `remove` with the
engine's default threads. "one": wall seconds of a process that does one photo, start-up and all. CPU and
wall: seconds of each further photo of a folder. MB: peak memory with the folder.
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
from pathlib import Path
from rembg import new_session, remove
network, source, target, kind = sys.argv[1:]
session = new_session("u2net_custom", model_path=network)
options = {"colours": {"decontaminate": True}, "matting": {"alpha_matting": True}}.get(kind, {})
for photo in sorted(Path(source).glob("*.jpg")):
    (Path(target) / f"{photo.stem}.png").write_bytes(remove(photo.read_bytes(), session=session, **options))
"""


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


def ways(network: Path) -> dict[str, list[str]]:
    """Commands that lack source and target."""
    ours = [sys.executable, "-m", "figureground", "cutout", "--model", str(network / "network.md")]
    ours += ["--workers", "2"]
    theirs = [sys.executable, "-c", REMBG, str(network / "network.onnx")]
    return {
        "rembg": [*theirs, "IN", "OUT", "plain"],
        "figureground --edges fast --no-foreground": [*ours, "--edges", "fast", "--no-foreground"],
        "rembg, decontaminate": [*theirs, "IN", "OUT", "colours"],
        "figureground": ours,
        "rembg, alpha_matting": [*theirs, "IN", "OUT", "matting"],
        "figureground --edges hair": [*ours, "--edges", "hair"],
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--photos", type=int, default=10, help="in the folder of each size")
    parser.add_argument("--model", default="pp-humanseg-lite", help="one that gives person-logits")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=SIZES)
    parser.add_argument("--kinds", type=int, default=2, help="3: with matting, which takes long")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["U2NET_HOME"] = name  # rembg takes models from nowhere else
        measured([sys.executable, "-c", MAKE, name, str(given.photos), given.model])
        titles = f"{'CPU':>8}{'wall':>8}{'one':>8}{'MB':>7}{'CPU ratio':>11}{'wall ratio':>12}"
        print(f"{'seconds per photo':44}{titles}")
        for size in given.sizes:
            one = folder / f"one-{size}"
            one.mkdir()
            (one / "0.jpg").write_bytes((folder / size / "0.jpg").read_bytes())
            print(size)
            before = (0.0, 0.0)
            for way, command in list(ways(folder).items())[: 2 * given.kinds]:
                found = []
                for source in (one, folder / size):
                    target = folder / "out"
                    target.mkdir(exist_ok=True)
                    whole = [{"IN": str(source), "OUT": str(target)}.get(c, c) for c in command]
                    if "IN" not in command:
                        whole += [str(source), "-o", str(target)]
                    found.append(measured(whole))
                first, peak = found[0], found[1][2]
                wall, spent = ((found[1][i] - first[i]) / (given.photos - 1) for i in (0, 1))
                ratio = ""
                if way.startswith("rembg"):
                    before = wall, spent
                else:
                    ratio = f"{before[1] / spent:11.1f}{before[0] / wall:12.1f}"
                print(
                    f"  {way:42}{spent:8.2f}{wall:8.2f}{first[0]:8.2f}{peak:7.0f}{ratio}",
                    flush=True,
                )


if __name__ == "__main__":
    main()

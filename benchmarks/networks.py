"""Networks alone, beside ONNX Runtime's defaults: as they are run, and in 8 bits.

    pip install -e '.[train]' && python benchmarks/networks.py     # takes minutes, most of them to export

Weights are random, so this is about time alone; what 8 bits cost in a metric is printed by `figureground
export MODEL --storage int8 --photos FOLDER --root DATA`. Medians of CPU milliseconds of one picture on one
thread, the sessions taking turns. default: an InferenceSession of the exported file with nothing set but
the thread. ours: runtime.session of the same file. int8: of `export --storage int8`. Ratios are the
default's time by theirs.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from PIL import Image

from figureground.export.graph import FirstMap, fused, to_onnx
from figureground.export.int8 import quantize
from figureground.networks import build
from figureground.published import form
from figureground.runtime.session import OnnxSession

NETWORKS = ("u2netp", "osnet_x1_0", "osnet_x0_25", "pp_humansegv2_lite", "refinenet_mobile")
DOCS = Path(__file__).parents[1] / "docs" / "demo.jpg"


def exported(name: str, folder: Path) -> tuple[Path, Path, tuple[int, int]]:
    """Files in float32 and in 8 bits, and the (width, height) that the network sees."""
    spec, output = form(name).input, form(name).output
    torch.manual_seed(0)
    network = build(name)
    with torch.no_grad():  # else batch norms pass on what they are given
        for _ in range(3):
            network(torch.randn(2, 3, spec.height, spec.width))
    full, small = folder / f"{name}.onnx", folder / f"{name}-int8.onnx"
    answering = FirstMap(network) if output == "saliency" else network
    to_onnx(fused(answering, False), spec, output, full)
    photo = Image.open(DOCS).convert("RGB")
    seen = []
    for left in range(0, 512, 128):
        seen.append(folder / f"{left}.png")
        photo.crop((left, 0, left + 256, 512)).save(seen[-1])
    quantize(full, small, spec, seen, "")
    return full, small, (spec.width, spec.height)


def default(path: Path) -> Callable[[NDArray[np.float32]], Any]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {session.get_inputs()[0].name: images})


def medians(ways: list[Callable[[Any], Any]], images: Any, runs: int) -> list[float]:
    times: list[list[float]] = [[] for _ in ways]
    for number in range(runs + 2):
        for way, spent in zip(ways, times):
            started = time.process_time()
            way(images)
            if number > 1:
                spent.append(1000 * (time.process_time() - started))
    return [float(np.median(spent)) for spent in times]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--runs", type=int, default=31)
    given = parser.parse_args()
    print(f"{'':22}{'size':>9}{'default':>9}{'ours':>8}{'int8':>8}   ratios")
    with tempfile.TemporaryDirectory() as name:
        for network in given.networks:
            full, small, (width, height) = exported(network, Path(name))
            ways = [
                default(full),
                OnnxSession(full, "cpu", 1).run,
                OnnxSession(small, "cpu", 1).run,
            ]
            images = np.random.default_rng(0).normal(size=(1, 3, height, width)).astype(np.float32)
            found = medians(ways, images, given.runs)
            ratios = " ".join(f"{found[0] / one:.2f}" for one in found[1:])
            times = f"{found[0]:9.1f}{found[1]:8.1f}{found[2]:8.1f}"
            print(f"{network:22}{f'{width}x{height}':>9}{times}   {ratios}", flush=True)


if __name__ == "__main__":
    main()

"""figureground bench"""

from __future__ import annotations

import io
import json as jsonlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

SIZES = {"640x480": (640, 480), "12 MP": (4000, 3000)}


def bench(
    photo: Annotated[str, "a photo to scale (default: the demo's)"] = "",
    *,
    model: Annotated[str, "name or path of a card"] = "refinenet-people",
    runs: Annotated[int, "timed runs of each; the median is printed"] = 15,
    fast: Annotated[bool, "with --edges fast --no-foreground"] = False,
    json: Annotated[bool, "print JSON"] = False,
    part: Annotated[Literal["", "640x480", "12 MP"], "measure only this size, as JSON"] = "",
) -> None:
    """Time the network and the whole cut-out on this machine.

    The network alone at one and two threads; then JPEG in to RGBA PNG out at two sizes, split into its
    parts, with the peak memory of a process that does nothing else.
    """
    from figureground.cli.demo import astronaut
    from figureground.imaging.read import read

    if part:
        print(jsonlib.dumps(_cutout_times(photo, model, SIZES[part], runs, fast)))
        return
    read(photo or astronaut())  # a photo that cannot be read is said here, not in the parts
    result: dict[str, Any] = {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "network_ms": {str(n): _network_time(model, n, runs) for n in (1, 2)},
    }
    for size in SIZES:
        command = [sys.executable, "-m", "figureground", "bench", *([photo] if photo else [])]
        options = ["--model", model, "--runs", str(runs), "--part", size]
        options += ["--fast"] if fast else []
        done = subprocess.run([*command, *options], stdout=subprocess.PIPE, check=True)
        result[size] = jsonlib.loads(done.stdout)
    if json:
        print(jsonlib.dumps(result))
        return
    print(f"{model} on {result['machine']}; medians of {runs}")
    for threads, value in result["network_ms"].items():
        print(f"network, {threads} thread(s): {value:.1f} ms")
    print(f"{'':10}{'decode':>9}{'network':>9}{'compose':>9}{'encode':>9}{'total':>9}  peak memory")
    for size in SIZES:
        row = result[size]
        parts = "".join(f"{row[key]:>6.1f} ms" for key in PARTS)
        print(f"{size:10}{parts}  {row['peak_mb']:.0f} MB")


PARTS = ("decode", "network", "compose", "encode", "total")


def median_ms(call: Callable[[], Any], runs: int) -> float:
    call()
    times = []
    for _ in range(max(runs, 1)):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return sorted(times)[len(times) // 2] * 1000


def _network_time(model: str, threads: int, runs: int) -> float:
    import numpy as np

    from figureground.runtime.predictor import load_alpha

    predictor = load_alpha(model, threads=threads)
    spec = predictor.input
    images = np.zeros((1, 3, spec.height, spec.width), np.float32)
    return median_ms(lambda: predictor.session.run(images), runs)


def _cutout_times(
    photo: str, model: str, size: tuple[int, int], runs: int, fast: bool
) -> dict[str, float]:
    from PIL import Image

    from figureground.cli.demo import astronaut
    from figureground.imaging.png import encode
    from figureground.imaging.read import read
    from figureground.runtime.cutout import find, layers
    from figureground.runtime.options import Options
    from figureground.runtime.predictor import load_alpha

    image = Image.fromarray(read(photo or astronaut()).pixels)
    buffer = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    del image
    jpeg = buffer.getvalue()
    predictor = load_alpha(model, edges="fast" if fast else "fine")
    options = Options(foreground=not fast)
    picture = read(jpeg)
    alpha = find(picture, predictor, options).alpha
    colours, opacity = layers(picture, alpha, options=options)
    times = {
        "decode": median_ms(lambda: read(jpeg), runs),
        "network": median_ms(lambda: find(picture, predictor, options), runs),
        "compose": median_ms(lambda: layers(picture, alpha, options=options), runs),
        "encode": median_ms(lambda: encode(colours, alpha=opacity), runs),
    }
    return {**times, "total": sum(times.values()), "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Peak resident memory of this process in MB; 0 where the system does not say."""
    try:  # Linux; its getrusage would count the parent's memory at the fork
        status = Path("/proc/self/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6
    except (OSError, IndexError):
        pass
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS: bytes

"""What a folder costs: CPU time per photo, what a million would, and whether memory grows.

    python benchmarks/folders.py [--photos 40] [--workers 2] [--fast]

Runs `figureground cutout` on folders of so many and of twice as many JPEGs; the difference is the photos',
without the start. CPU time, not wall time, so that a busy machine says nearly what a quiet one does.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from figureground.cli.demo import astronaut

SIZES = {"640x480": (640, 480), "4000x3000": (4000, 3000)}


def folder(root: Path, size: tuple[int, int], photos: int) -> Path:
    """JPEGs of one picture, each shifted a little."""
    root.mkdir()
    picture = np.asarray(Image.open(astronaut()).convert("RGB").resize(size))
    for number in range(photos):
        shifted = np.roll(picture, 7 * number, axis=1)
        Image.fromarray(shifted).save(root / f"{number:05}.jpg", quality=90)
    return root


def cost(command: list[str]) -> tuple[float, float]:
    """(seconds of CPU, peak MB) of a command."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--size", choices=SIZES, action="append")
    parser.add_argument("--fast", action="store_true")
    given = parser.parse_args()
    options = ["--workers", str(given.workers)]
    options += ["--edges", "fast", "--no-foreground"] if given.fast else []
    print(
        f"{'photo':10} {'CPU/photo':>10} {'per core and h':>15} {'1 M':>12} {'1 B':>13}  peak memory"
    )
    for name in given.size or SIZES:
        found = []
        for photos in (given.photos, 2 * given.photos):
            with tempfile.TemporaryDirectory() as place:
                source = folder(Path(place, "in"), SIZES[name], photos)
                command = [sys.executable, "-m", "figureground", "cutout", str(source)]
                found.append(cost([*command, "-o", f"{place}/out", *options]))
        (first, small), (second, large) = found
        each = (second - first) / given.photos
        hours = each * 1e6 / 3600
        print(
            f"{name:10} {each:>8.3f} s {3600 / each:>15,.0f} {hours:>6,.0f} core h"
            f" {hours / 8.766:>5,.0f} core years  {small:.0f} MB, {large:.0f} MB for twice as many"
        )


if __name__ == "__main__":
    main()

"""figureground cutout"""

from __future__ import annotations

import os
import sys
import time
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any, Literal

from figureground.errors import FiguregroundError, ImageError

if TYPE_CHECKING:
    from figureground.imaging.compose import Background
    from figureground.runtime.alpha import AlphaPredictor


Edges = Literal["fine", "fast", "hair"]
Keep = Literal["all", "largest", "centre"]


def cutout(
    inputs: Annotated[list[str], "photos, or folders of them; - for standard input"],
    *,
    output: Annotated[str, "file; folder if there are several inputs; - for standard output", "-o"],
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "pp-humanseg-lite",
    background: Annotated[str, "transparent, blur, a colour or an image file"] = "transparent",
    edges: Annotated[
        Edges, "along the photo's own; just enlarged; or solved for, best for hair, slower"
    ] = "fine",
    keep: Annotated[Keep, "all people, the largest, or the one nearest to the centre"] = "all",
    no_foreground: Annotated[bool, "leave the old background's colours in soft edges"] = False,
    mask: Annotated[bool, "write the alpha itself, white where people are"] = False,
    quality: Annotated[int, "of JPEG, WebP and AVIF, 1 to 100"] = 92,
    max_pixels: Annotated[int, "refuse larger inputs"] = 200_000_000,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    workers: Annotated[int, "photos at a time; 0: one per core"] = 1,
    resume: Annotated[bool, "leave out photos whose result is there and newer"] = False,
    json: Annotated[bool, "one line of JSON per input on standard output"] = False,
) -> int:
    """Cut the people out of photos.

    The suffix of the output decides the format: .png .webp .tif .avif hold transparency; .jpg and
    .bmp need a --background or --mask. In a folder, results are named like their inputs, as .png
    where they are transparent, in the same tree. A result appears whole or not at all, so a stopped
    command goes on with --resume. Exit status 0 if every input was done, 1 if not.
    """
    from concurrent.futures import ThreadPoolExecutor

    from figureground.cli import targets
    from figureground.imaging.compose import background as parse_background
    from figureground.runtime.predictor import load_alpha

    if not 1 <= quality <= 100:
        raise ImageError(f"--quality is {quality}; expected 1 to 100")
    if workers < 0:
        raise ImageError(f"--workers is {workers}; expected 0 (one per core) or more")
    opaque = mask or background != "transparent"
    named, others = targets.photos(inputs, output)
    whole_folders = any(os.path.isdir(source) for source in inputs)
    outputs = targets.targets(named, output, opaque, folder=whole_folders)
    jobs = [(source, target) for (source, _), target in zip(named, outputs, strict=True)]
    if resume:
        jobs = [job for job in jobs if not _done(*job)]
    behind = parse_background(background)
    workers = min(workers or os.cpu_count() or 1, max(len(jobs), 1))
    threads = 0 if workers == 1 else 1  # several sessions of one thread do more than one of several
    predictor = load_alpha(model, edges=edges, device=device, threads=threads)
    report = sys.stderr if output == "-" else sys.stdout

    def do(job: tuple[str, str]) -> dict[str, Any]:
        started = time.perf_counter()
        try:
            line = _one(
                *job, predictor, behind, keep, not no_foreground, mask, opaque, quality, max_pixels
            )
        except (FiguregroundError, MemoryError) as error:
            line = {"input": job[0], "error": str(error) or f"{job[0]} does not fit into memory"}
        return {**line, "seconds": round(time.perf_counter() - started, 3)}

    failed, begun = 0, time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for number, line in enumerate(map(do, jobs) if workers == 1 else pool.map(do, jobs), 1):
                failed += "error" in line
                if json:
                    print(dumps(line), file=report, flush=True)
                elif "error" in line:
                    print(f"figureground: {line['error']}", file=sys.stderr)
                elif output != "-":
                    left = (len(jobs) - number) * (time.perf_counter() - begun) / number
                    ahead = f", {left:.0f} s left" if left >= 10 else ""
                    print(
                        f"{line['input']} -> {line['output']} ({line['people']:.0%} people, "
                        f"{line['seconds']:.2f} s{ahead})"
                    )
        except BaseException:
            pool.shutdown(cancel_futures=True)  # Ctrl-C: those begun are finished, no others
            raise
    if whole_folders:
        skipped = len(named) - len(jobs)
        print(
            f"figureground: {len(jobs) - failed} of {len(jobs)} photos done"
            + (f", {skipped} were done before" if skipped else "")
            + (f", {len(others)} other files left alone, such as {others[0]}" if others else ""),
            file=sys.stderr,
        )
    elif failed and len(jobs) > 1:
        print(
            f"figureground: {len(jobs) - failed} of {len(jobs)} done, {failed} failed",
            file=sys.stderr,
        )
    return 1 if failed else 0


def _one(
    source: str,
    target: str,
    predictor: AlphaPredictor,
    behind: Background,
    keep: Keep,
    foreground: bool,
    mask: bool,
    opaque: bool,
    quality: int,
    max_pixels: int,
) -> dict[str, Any]:
    """Reads, cuts out and writes one photo; gives what --json reports of it."""
    from figureground.imaging.read import read, srgb
    from figureground.imaging.write import encode, format_of, write
    from figureground.runtime.cutout import apply, person_alpha

    if (source == "-" and sys.stdin is None) or (target == "-" and sys.stdout is None):
        raise ImageError("standard input or output is closed; give file names")
    photo = read(sys.stdin.buffer if source == "-" else source, max_pixels=max_pixels)
    if opaque:
        photo = srgb(photo)
    alpha = person_alpha(photo, predictor, keep)
    pixels = alpha if mask else apply(photo, alpha, behind, foreground=foreground)
    format = "PNG" if target == "-" else format_of(target)[0]
    content = encode(pixels, format, None if mask else photo.icc, quality)
    if target == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write(target, content)
    height, width = alpha.shape
    people = round(float(alpha.mean()) / 255, 5)
    return {
        "input": source,
        "output": target,
        "width": width,
        "height": height,
        "people": people,
        "device": predictor.session.device,
    }


def _done(source: str, target: str) -> bool:
    return (
        source != "-"
        and os.path.isfile(target)
        and os.path.exists(source)
        and os.path.getmtime(target) >= os.path.getmtime(source)
    )

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
    from figureground.runtime.options import Options


Edges = Literal["fine", "fast"]
Fit = Literal["fill", "fit"]
Metadata = Literal["keep", "strip"]


def cutout(
    inputs: Annotated[list[str], "photos, or folders of them; - for standard input"],
    *,
    output: Annotated[str, "file; folder if there are several inputs; - for standard output", "-o"],
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "pp-humanseg-lite",
    background: Annotated[str, "transparent, blur, a colour or an image file"] = "transparent",
    background_fit: Annotated[
        Fit, "a picture behind: fill and be cropped, or be seen whole"
    ] = "fill",
    background_position: Annotated[
        str, "which part of it stays, or where it is: centre, top-left, …, or x,y from 0 to 1"
    ] = "centre",
    edges: Annotated[Edges, "drawn along the photo's own, or just enlarged"] = "fine",
    keep: Annotated[
        str, "all, largest, centre, box=x0,y0,x1,y1 or point=x,y in pixels of the upright photo"
    ] = "all",
    drop_specks: Annotated[float, "leave out what is smaller than this share of the photo"] = 0.0,
    require_person: Annotated[
        bool, "a photo of nobody is an error, and nothing is written"
    ] = False,
    threshold: Annotated[float, "hard edges: from this alpha on it is wholly there, 0 to 1"] = 0.0,
    fill_holes: Annotated[float, "fill holes of at most this share of the photo, 0 to 1"] = 0.0,
    grow: Annotated[int, "move the edge outwards, 0 to 100 pixels"] = 0,
    shrink: Annotated[int, "move it inwards, after --grow, 0 to 100 pixels"] = 0,
    feather: Annotated[float, "soften it, 0 to 100 pixels"] = 0.0,
    no_foreground: Annotated[bool, "leave the old background's colours in soft edges"] = False,
    shadow: Annotated[float, "how dark a shadow it casts, 0 to 1"] = 0.0,
    crop: Annotated[bool, "cut the picture to what is shown"] = False,
    margin: Annotated[
        float, "left about it by --crop, as a share of its longer side, 0 to 10"
    ] = 0.0,
    size: Annotated[str, "WIDTHxHEIGHT of the picture, or its longest side, in pixels"] = "",
    mask: Annotated[bool, "write the alpha itself, white where people are"] = False,
    trimap: Annotated[int, "write it as 0, 128, 255, unsure this many pixels about the edge"] = 0,
    quality: Annotated[int, "of JPEG, WebP and AVIF, 1 to 100"] = 92,
    depth: Annotated[int, "8 or 16 bits of alpha, in .png (a mask also in .tif)"] = 8,
    metadata: Annotated[Metadata, "colour profile, EXIF and resolution of the photo"] = "keep",
    max_pixels: Annotated[int, "refuse larger inputs"] = 200_000_000,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    workers: Annotated[int, "photos at a time; 0: one per core"] = 1,
    resume: Annotated[bool, "leave out photos whose result is there and newer"] = False,
    json: Annotated[bool, "one line of JSON per input on standard output"] = False,
) -> int:
    """Cut the people out of photos.

    The suffix of the output decides the format: .png .webp .tif .avif .gif hold transparency; .jpg and
    .bmp need a --background or --mask. Animations stay such as .gif .webp .png .avif.
    In a folder, results are named like their inputs, as .png where they are transparent, in the same tree.
    A result appears whole or not at all, so a stopped command goes on with --resume. Exit status 0 if
    every input was done, 1 if not.
    """
    from concurrent.futures import ThreadPoolExecutor

    from figureground.cli import targets
    from figureground.imaging.compose import background as parse_background
    from figureground.runtime.options import Options
    from figureground.runtime.predictor import load_alpha

    options = Options(
        keep=keep,
        drop_specks=drop_specks,
        require_person=require_person,
        threshold=threshold,
        fill_holes=fill_holes,
        grow=grow,
        shrink=shrink,
        feather=feather,
        crop=crop,
        margin=margin,
        size=size,
        mask=mask,
        trimap=trimap,
        foreground=not no_foreground,
        background_fit=background_fit,
        background_position=background_position,
        shadow=shadow,
        quality=quality,
        depth=depth,
        metadata=metadata,
    )
    if workers < 0:
        raise ImageError(f"--workers is {workers}; expected 0 (one per core) or more")
    behind = parse_background(background, background_fit, background_position)
    named, others = targets.photos(inputs, output)
    whole_folders = any(os.path.isdir(source) for source in inputs)
    outputs = targets.targets(named, output, options.opaque(behind), folder=whole_folders)
    jobs = [(source, target) for (source, _), target in zip(named, outputs, strict=True)]
    if resume:
        jobs = [job for job in jobs if not _done(*job)]
    workers = min(workers or os.cpu_count() or 1, max(len(jobs), 1))
    threads = 0 if workers == 1 else 1  # several sessions of one thread do more than one of several
    predictor = load_alpha(model, edges=edges, device=device, threads=threads)
    report = sys.stderr if output == "-" else sys.stdout

    def do(job: tuple[str, str]) -> dict[str, Any]:
        started = time.perf_counter()
        try:
            line = _one(*job, predictor, behind, options, max_pixels)
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
                    who = f"{line['people']:.0%} people" if line["persons"] else "nobody found"
                    left = (len(jobs) - number) * (time.perf_counter() - begun) / number
                    ahead = f", {left:.0f} s left" if left >= 10 else ""
                    print(
                        f"{line['input']} -> {line['output']} ({who}, {line['seconds']:.2f} s{ahead})"
                    )
                if "left_out" in line and not json:
                    print(
                        f"figureground: {line['input']}: left out {line['left_out']}",
                        file=sys.stderr,
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
    options: Options,
    max_pixels: int,
) -> dict[str, Any]:
    """Reads, cuts out and writes one photo; gives what --json reports of it."""
    from figureground.imaging.write import format_of, write
    from figureground.runtime.file import cut_file

    if (source == "-" and sys.stdin is None) or (target == "-" and sys.stdout is None):
        raise ImageError("standard input or output is closed; give file names")
    content, report = cut_file(
        sys.stdin.buffer if source == "-" else source,
        "PNG" if target == "-" else format_of(target)[0],
        predictor,
        behind,
        options,
        max_pixels=max_pixels,
    )
    if target == "-":
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write(target, content)
    return {"input": source, "output": target, **report, "device": predictor.session.device}


def _done(source: str, target: str) -> bool:
    return (
        source != "-"
        and os.path.isfile(target)
        and os.path.exists(source)
        and os.path.getmtime(target) >= os.path.getmtime(source)
    )

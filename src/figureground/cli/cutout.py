"""figureground cutout"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from figureground.errors import ImageError

if TYPE_CHECKING:
    from figureground.imaging.compose import Background
    from figureground.runtime.alpha import AlphaPredictor


Edges = Literal["fine", "fast"]
Keep = Literal["all", "largest", "centre"]
Engine = Literal["local", "ray"]
# how photos are gone through; the other flags say what becomes of one
RUNNING = {"inputs", "output", "from_list", "allow_urls", "workers", "resume", "watch"}
RUNNING |= {"fail_fast", "report", "json", "engine"}


def cutout(
    inputs: Annotated[
        list[str], "photos, folders or globs of them, buckets; - for standard input"
    ] = [],  # noqa: B006
    *,
    output: Annotated[
        str,
        "file; for several inputs a folder, or a template such as 'out/{parent}/{stem}.png'; - for "
        "standard output",
        "-o",
    ],
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "pp-humanseg-lite",
    background: Annotated[str, "transparent, blur, a colour or an image file"] = "transparent",
    edges: Annotated[Edges, "drawn along the photo's own, or just enlarged"] = "fine",
    keep: Annotated[Keep, "all people, the largest, or the one nearest to the centre"] = "all",
    no_foreground: Annotated[bool, "leave the old background's colours in soft edges"] = False,
    mask: Annotated[bool, "write the alpha itself, white where people are"] = False,
    quality: Annotated[int, "of JPEG, WebP and AVIF, 1 to 100"] = 92,
    max_pixels: Annotated[int, "refuse larger inputs"] = 200_000_000,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    from_list: Annotated[str, "file with a path a line, or .parquet; - for standard input"] = "",
    allow_urls: Annotated[bool, "fetch inputs that are https:// addresses"] = False,
    workers: Annotated[int, "photos at a time; 0: one per core"] = 1,
    resume: Annotated[bool, "leave out what is done: same bytes, same settings"] = False,
    watch: Annotated[
        bool, "go on with what is new or changed in the folders, until Ctrl-C"
    ] = False,
    fail_fast: Annotated[bool, "begin no more photos once one has failed"] = False,
    report: Annotated[str, "file for one line of JSON per input"] = "",
    json: Annotated[bool, "one line of JSON per input on standard output"] = False,
    engine: Annotated[Engine, "ray: on all machines of a Ray cluster"] = "local",
) -> int:
    """Cut the people out of photos.

    The suffix of the output decides the format: .png .webp .tif .avif hold transparency; .jpg and
    .bmp need a --background or --mask. In a folder, results are named like their inputs, as .png
    where they are transparent, in the same tree; {parent}, {stem}, {suffix} and {name} of a template
    are of that tree. A result appears whole or not at all, and a stopped command goes on with --resume,
    by what the file .figureground-done in the output folder says. Exit status 0 if every input was
    done, 1 if not.
    """
    given = dict(locals())
    from figureground.batch.run import run

    if not 1 <= quality <= 100:
        raise ImageError(f"--quality is {quality}; expected 1 to 100")
    settings = {name: value for name, value in given.items() if name not in RUNNING}
    return run(
        partial(_cutter, **settings),
        inputs,
        output,
        settings={k: v for k, v in settings.items() if k not in ("device", "max_pixels")},
        describe=lambda line: f"{line['people']:.0%} people",
        opaque=mask or background != "transparent",
        from_list=from_list,
        allow_urls=allow_urls,
        workers=workers,
        resume=resume,
        watch=watch,
        fail_fast=fail_fast,
        report=report,
        json=json,
        engine=engine,
    )


def _cutter(
    threads: int,
    *,
    model: str,
    background: str,
    edges: Edges,
    keep: Keep,
    no_foreground: bool,
    mask: bool,
    quality: int,
    max_pixels: int,
    device: str,
) -> Callable[[str, str], dict[str, Any]]:
    """What does one photo; the flags are cutout's."""
    from figureground.imaging.compose import background as parse_background
    from figureground.runtime.predictor import load_alpha

    return partial(
        _one,
        predictor=load_alpha(model, edges=edges, device=device, threads=threads),
        behind=parse_background(background),
        keep=keep,
        foreground=not no_foreground,
        mask=mask,
        opaque=mask or background != "transparent",
        quality=quality,
        max_pixels=max_pixels,
    )


def _one(
    source: str,
    target: str,
    *,
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

"""figureground cutout"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from figureground.errors import CardError, ImageError

if TYPE_CHECKING:
    from figureground.imaging.compose import Background
    from figureground.runtime.alpha import AlphaPredictor
    from figureground.runtime.options import Options


Edges = Literal["fine", "fast", "hair"]
Fit = Literal["fill", "fit"]
Metadata = Literal["keep", "strip"]
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
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "refinenet-people",
    background: Annotated[str, "transparent, blur, a colour or an image file"] = "transparent",
    background_fit: Annotated[
        Fit, "a picture behind: fill and be cropped, or be seen whole"
    ] = "fill",
    background_position: Annotated[
        str, "which part of it stays, or where it is: centre, top-left, …, or x,y from 0 to 1"
    ] = "centre",
    edges: Annotated[Edges, "along the photo's own, just enlarged, or solved for (slow)"] = "fine",
    flip: Annotated[
        bool, "the network sees the mirror image too: a little better, in twice its time"
    ] = False,
    keep: Annotated[
        str, "all, largest, centre, box=x0,y0,x1,y1 or point=x,y in pixels of the upright photo"
    ] = "all",
    drop_specks: Annotated[float, "leave out what is smaller than this share of the photo"] = 0.0,
    require_person: Annotated[
        bool, "a photo of nobody is an error, and nothing is written"
    ] = False,
    threshold: Annotated[
        float, "hard edges: from this alpha on it is wholly there, 0 to 1; 0: soft"
    ] = 0.0,
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

    The suffix of the output decides the format: .png .webp .tif .avif .gif hold transparency; .jpg and
    .bmp need a --background or --mask. Animations stay such as .gif .webp .png .avif.
    In a folder, results are named like their inputs, as .png where they are transparent, in the same tree;
    {parent}, {stem}, {suffix} and {name} of a template are of that tree. A result appears whole or not at
    all, and a stopped command goes on with --resume, by what the file .figureground-done in the output
    folder says. Exit status 0 if every input was done, 1 if not.
    """
    given = dict(locals())
    from figureground.batch.run import run
    from figureground.imaging.compose import background as parse_background
    from figureground.runtime.options import Options

    options = Options.chosen({**given, "foreground": not no_foreground})
    if engine == "ray" and device == "cuda":
        raise CardError("--engine ray runs on CPUs so far; leave --device cuda out")
    if (mask or trimap) and background != "transparent":
        raise ImageError("--mask and --trimap write the alpha itself; leave --background out")
    behind = parse_background(background, background_fit, background_position)
    return run(
        partial(
            _cutter,
            model=model,
            edges=edges,
            flip=flip,
            device=device,
            background=(background, background_fit, background_position),
            options=options,
            max_pixels=max_pixels,
        ),
        inputs,
        output,
        settings={
            name: value
            for name, value in given.items()
            if name not in RUNNING | {"device", "max_pixels"}
        },
        describe=lambda line: (
            f"{line['people']:.0%} foreground" if line["persons"] else "nobody found"
        ),
        opaque=options.opaque(behind),
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
    edges: Edges,
    flip: bool,
    device: str,
    background: tuple[str, Fit, str],
    options: Options,
    max_pixels: int,
) -> Callable[[str, str], dict[str, Any]]:
    """What does one photo, here or on another machine."""
    from figureground.imaging.compose import background as parse_background
    from figureground.runtime.predictor import load_alpha

    return partial(
        _one,
        predictor=load_alpha(model, edges=edges, flip=flip, device=device, threads=threads),
        behind=parse_background(*background),
        options=options,
        max_pixels=max_pixels,
    )


def _one(
    source: str,
    target: str,
    *,
    predictor: AlphaPredictor,
    behind: Background,
    options: Options,
    max_pixels: int,
) -> dict[str, Any]:
    """Reads, cuts out and writes one photo; gives what --json reports of it."""
    from figureground.batch.pipes import format_to, put, taken
    from figureground.runtime.file import cut_file

    content, report = cut_file(
        taken(source), format_to(target), predictor, behind, options, max_pixels=max_pixels
    )
    put(target, content)
    return {**report, "device": predictor.session.device}

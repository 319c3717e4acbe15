"""figureground parse"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from figureground.errors import CardError, ImageError

if TYPE_CHECKING:
    from figureground.runtime.labels import LabelPredictor


def parse(
    inputs: Annotated[list[str], "photos, folders or globs of them; - for standard input"] = [],  # noqa: B006
    *,
    output: Annotated[
        str,
        "file; for several inputs a folder, or a template such as 'out/{stem}.png'; - for standard output",
        "-o",
    ],
    model: Annotated[str, "name or path of a card for semantic-segmentation"] = "refinenet-parts",
    labels: Annotated[bool, "write class numbers (grey PNG), not colours over the photo"] = False,
    flip: Annotated[
        bool, "the network sees the mirror image too: a little better, in twice its time"
    ] = False,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    from_list: Annotated[str, "file with a path a line, or .parquet; - for standard input"] = "",
    allow_urls: Annotated[bool, "fetch photos at public https:// addresses"] = False,
    workers: Annotated[int, "photos at a time; 0: one per core"] = 1,
    resume: Annotated[bool, "leave out what is done: same bytes, same settings"] = False,
    fail_fast: Annotated[bool, "begin no more photos once one has failed"] = False,
    report: Annotated[str, "file for one line of JSON per input"] = "",
    json: Annotated[bool, "one line of JSON per input on standard output"] = False,
) -> int:
    """Tell for each pixel of a photo what class it shows.

    Writes the photo with a colour per class over it, and prints the share of each class. Many photos
    are gone through as by `figureground cutout`. Exit status 0 if every input was done, 1 if not.
    """
    from figureground.batch.run import run

    return run(
        partial(_parser, model=model, labels=labels, flip=flip, device=device),
        inputs,
        output,
        settings={"verb": "parse", "model": model, "labels": labels, "flip": flip},
        describe=_classes,
        opaque=True,
        from_list=from_list,
        allow_urls=allow_urls,
        workers=workers,
        resume=resume,
        fail_fast=fail_fast,
        report=report,
        json=json,
    )


def _classes(line: dict[str, Any]) -> str:
    return ", ".join(f"{name} {share:.0%}" for name, share in line["classes"].items())


def _parser(
    threads: int, *, model: str, labels: bool, flip: bool, device: str
) -> Callable[[str, str], dict[str, Any]]:
    """What does one photo."""
    from figureground.runtime.labels import LabelPredictor
    from figureground.runtime.predictor import load

    predictor = load(model, flip=flip, device=device, threads=threads)
    if not isinstance(predictor, LabelPredictor):
        raise CardError(
            f"{model} gives no class labels; expected a model for semantic-segmentation, see "
            "`figureground models`"
        )
    return partial(_one, predictor=predictor, labels=labels)


def _one(source: str, target: str, predictor: LabelPredictor, labels: bool) -> dict[str, Any]:
    from figureground.batch.pipes import format_to, put, taken
    from figureground.imaging.compose import overlay
    from figureground.imaging.read import read, srgb
    from figureground.imaging.write import encode

    format = format_to(target)
    if labels and format not in ("PNG", "TIFF"):
        raise ImageError(f"{target!r} would change class numbers; name the output .png or .tif")
    photo = srgb(read(taken(source)))
    found = predictor.of(photo)
    put(target, encode(found if labels else overlay(photo.pixels, found), format))
    return {"classes": predictor.shares(found)}

"""figureground parse"""

from __future__ import annotations

import os
import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from figureground.errors import CardError, FiguregroundError, ImageError

if TYPE_CHECKING:
    from figureground.runtime.labels import LabelPredictor


def parse(
    inputs: Annotated[list[str], "photos, or folders of them"],
    *,
    output: Annotated[str, "file; folder if there are several inputs", "-o"],
    model: Annotated[str, "name or path of a card for semantic-segmentation"] = "refinenet-parts",
    labels: Annotated[bool, "write class numbers (grey PNG), not colours over the photo"] = False,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    json: Annotated[bool, "one line of JSON per input on standard output"] = False,
) -> int:
    """Tell for each pixel of a photo what class it shows.

    Writes the photo with a colour per class over it, and prints the share of each class. Exit status 0
    if every input was done, 1 if not.
    """
    from figureground.cli import targets
    from figureground.runtime.labels import LabelPredictor
    from figureground.runtime.predictor import load

    predictor = load(model, device=device)
    if not isinstance(predictor, LabelPredictor):
        raise CardError(
            f"{model} gives no class labels; expected a model for semantic-segmentation, see "
            "`figureground models`"
        )
    named, _ = targets.photos(inputs, output)
    folder = any(os.path.isdir(source) for source in inputs)
    alone = len(named) == 1 and not folder
    outputs = targets.targets(named, output, opaque=alone, folder=folder)
    failed = 0
    for (source, _), target in zip(named, outputs, strict=True):
        try:
            line = _one(source, Path(target), predictor, labels)
        except FiguregroundError as error:
            failed += 1
            print(f"figureground: {error}", file=sys.stderr)
            line = {"input": source, "error": str(error)}
        if json:
            print(dumps(line), flush=True)
        elif "error" not in line:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in line["classes"].items())
            print(f"{source} -> {target} ({shares})")
    return 1 if failed else 0


def _one(source: str, target: Path, predictor: LabelPredictor, labels: bool) -> dict[str, Any]:

    from figureground.imaging.compose import overlay
    from figureground.imaging.read import read, srgb
    from figureground.imaging.write import encode, format_of, write

    format = format_of(target)[0]
    if labels and format not in ("PNG", "TIFF"):
        raise ImageError(
            f"{target.suffix} would change class numbers; name the output .png or .tif"
        )
    photo = srgb(read(source))
    found = predictor.of(photo)
    write(target, encode(found if labels else overlay(photo.pixels, found), format))
    return {"input": source, "output": str(target), "classes": predictor.shares(found)}

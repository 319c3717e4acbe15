"""figureground cutout"""

from __future__ import annotations

import os
import sys
import time
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from figureground.errors import FiguregroundError, ImageError

if TYPE_CHECKING:
    from figureground.imaging.compose import Background
    from figureground.runtime.alpha import AlphaPredictor


Edges = Literal["fine", "fast"]


def cutout(
    inputs: Annotated[list[str], "photos; - for standard input"],
    *,
    output: Annotated[str, "file; folder if there are several inputs; - for standard output", "-o"],
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "pp-humanseg-lite",
    background: Annotated[str, "transparent, blur, a colour or an image file"] = "transparent",
    edges: Annotated[Edges, "drawn along the photo's own, or just enlarged"] = "fine",
    no_foreground: Annotated[bool, "leave the old background's colours in soft edges"] = False,
    mask: Annotated[bool, "write the alpha itself, white where people are"] = False,
    quality: Annotated[int, "of JPEG, WebP and AVIF, 1 to 100"] = 92,
    max_pixels: Annotated[int, "refuse larger inputs"] = 200_000_000,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    json: Annotated[bool, "one line of JSON per input on standard output"] = False,
) -> int:
    """Cut the people out of photos.

    The suffix of the output decides the format: .png .webp .tif .avif hold transparency; .jpg and
    .bmp need a --background or --mask. In a folder, results are named like their inputs, as .png
    where they are transparent. Exit status 0 if every input was done, 1 if not.
    """
    from figureground.imaging.compose import background as parse_background
    from figureground.runtime.predictor import load_alpha

    if not 1 <= quality <= 100:
        raise ImageError(f"--quality is {quality}; expected 1 to 100")
    opaque = mask or background != "transparent"
    targets = _targets(inputs, output, opaque)
    behind = parse_background(background)
    predictor = load_alpha(model, edges=edges, device=device)
    report = sys.stderr if output == "-" else sys.stdout
    failed = 0
    for source, target in zip(inputs, targets, strict=True):
        started = time.perf_counter()
        try:
            line = _one(
                source,
                target,
                predictor,
                behind,
                not no_foreground,
                mask,
                opaque,
                quality,
                max_pixels,
            )
        except (FiguregroundError, MemoryError) as error:
            failed += 1
            reason = str(error) or f"{source} does not fit into memory"
            line = {"input": source, "error": reason}
            if not json:
                print(f"figureground: {reason}", file=sys.stderr)
        line["seconds"] = round(time.perf_counter() - started, 3)
        if json:
            print(dumps(line), file=report, flush=True)
        elif "error" not in line and output != "-":
            print(f"{source} -> {target} ({line['people']:.0%} people, {line['seconds']:.2f} s)")
    if failed and len(inputs) > 1:
        done = len(inputs) - failed
        print(f"figureground: {done} of {len(inputs)} done, {failed} failed", file=sys.stderr)
    return 1 if failed else 0


def _one(
    source: str,
    target: str,
    predictor: AlphaPredictor,
    behind: Background,
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
    alpha = person_alpha(photo, predictor)
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


def _same_file(source: str, target: Path) -> bool:
    both = source != "-" and os.path.exists(target) and os.path.exists(source)
    return both and os.path.samefile(source, target)


def _targets(inputs: list[str], output: str, opaque: bool) -> list[str]:
    """Where each input goes. Raises ImageError when two would meet, or a format cannot hold it."""
    from figureground.imaging.write import FORMATS, format_of

    if output == "-":
        if len(inputs) > 1:
            raise ImageError(f"{len(inputs)} inputs do not fit standard output; give -o FOLDER")
        return ["-"]
    if not output:
        raise ImageError("the output is empty; expected a file name, a folder or -")
    folder = len(inputs) > 1 or output.endswith(("/", os.sep)) or os.path.isdir(output)
    if len(inputs) > 1 and Path(output).suffix.lower() in FORMATS and not os.path.isdir(output):
        raise ImageError(f"{len(inputs)} inputs need a folder as output; {output!r} names a file")
    targets = []
    for source in inputs:
        if not folder:
            target = Path(output)
        else:
            name = Path("stdin.png" if source == "-" else source)
            keep = opaque and name.suffix.lower() in FORMATS
            target = Path(output) / (name.name if keep else f"{name.stem}.png")
        if not format_of(target)[1] and not opaque:
            raise ImageError(
                f"{target.suffix} cannot be transparent; name the output .png or .webp, or give "
                "--background COLOUR"
            )
        if _same_file(source, target):
            raise ImageError(f"the output {target} is the input; choose another name or folder")
        targets.append(str(target))
    folded = [t.casefold() for t in targets]  # some disks do not tell A.jpg from a.jpg
    if len(set(folded)) < len(folded):
        twice = next(t for t, f in zip(targets, folded, strict=True) if folded.count(f) > 1)
        raise ImageError(f"several inputs would be written to {twice}; do them in separate calls")
    return targets

"""figureground prepare"""

from __future__ import annotations

import sys
import time
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

if TYPE_CHECKING:
    from figureground.data import Example


def prepare(
    what: Annotated[Literal["matting"], "what to make: alphas and trimaps, of masks"],
    folder: Annotated[str, "folder that holds images/NAME.* and masks/NAME.*"],
    *,
    output: Annotated[str, "folder for alpha/NAME.png and trimaps/NAME.png; may be FOLDER", "-o"],
    images: Annotated[str, "name of the folder of photos"] = "images",
    masks: Annotated[str, "name of the folder of masks"] = "masks",
    outside: Annotated[float, "unsure around the mask, percent of the longer side"] = 0.9,
    inside: Annotated[float, "unsure within the mask, likewise"] = 0.6,
    limit: Annotated[int, "only the first so many photos; 0 for all"] = 0,
    resume: Annotated[bool, "leave out photos whose results are there and newer"] = False,
    json: Annotated[bool, "one line of JSON per photo on standard output"] = False,
) -> int:
    """Make pseudo-alphas and trimaps of masks, to learn matting where nobody drew alphas.

    A band about the edge of each mask is unsure; there the alpha is found by closed-form matting. A
    file appears whole or not at all, so a stopped command goes on with --resume. If the output is FOLDER
    itself, it can be learnt as it is (data.name=pairs). Exit status 0 if every photo was done, 1 if not.
    """
    from figureground.data.pairs import matched
    from figureground.errors import DataError, FiguregroundError

    if limit < 0 or not (0 <= outside < 50 and 0 <= inside < 50):
        raise DataError(
            f"--limit is {limit}, --outside {outside:g}, --inside {inside:g}; expected from 0, and "
            "from 0 to below 50 percent"
        )
    failed = 0
    try:
        found = matched(Path(folder) / images, mask=Path(folder) / masks)
    except DataError as error:  # of some of them: the others are done
        if not error.partial:
            raise
        print(f"figureground: {error}", file=sys.stderr)
        found, failed = error.partial, len(error.files)
    found = found[: limit or None]
    if not found:
        raise DataError(f"there are no photos in {Path(folder) / images}")
    jobs = [example for example in found if not (resume and _done(example, Path(output)))]
    begun = time.perf_counter()
    for number, example in enumerate(jobs, 1):
        line: dict[str, Any] = {"input": str(example.image)}
        try:
            line |= _one(example, Path(output), outside, inside)
        except (FiguregroundError, MemoryError) as error:
            failed += 1
            line["error"] = str(error) or f"{example.image} does not fit into memory"
            print(f"figureground: {line['error']}", file=sys.stderr)
        if json:
            print(dumps(line), flush=True)
        elif sys.stderr.isatty():
            left = (len(jobs) - number) * (time.perf_counter() - begun) / number
            print(f"\r{number}/{len(jobs)}, {left:.0f} s left ", end="", file=sys.stderr)
    print(
        f"figureground: {len(found) - len(jobs)} done before, {len(jobs)} tried, {failed} failed; "
        f"{output}/alpha and {output}/trimaps",
        file=sys.stderr,
    )
    return 1 if failed else 0


def _targets(example: Example, output: Path) -> tuple[Path, Path]:
    return output / "alpha" / f"{example.name}.png", output / "trimaps" / f"{example.name}.png"


def _done(example: Example, output: Path) -> bool:
    targets = _targets(example, output)
    if not all(target.is_file() for target in targets):
        return False
    last = max(file.stat().st_mtime for file in example.files())
    return all(target.stat().st_mtime >= last for target in targets)


def _one(example: Example, output: Path, outside: float, inside: float) -> dict[str, Any]:
    """Makes and writes the alpha and the trimap of one photo; gives what --json reports of it."""
    import numpy as np

    from figureground.data import read_mask
    from figureground.data.pseudo_alpha import UNSURE, band, closed_form
    from figureground.errors import DataError
    from figureground.imaging.read import read
    from figureground.imaging.write import encode, write

    assert example.mask is not None
    photo, mask = read(example.image).pixels, read_mask(example.mask)
    if photo.shape[:2] != mask.shape:
        (height, width), (tall, wide) = photo.shape[:2], mask.shape
        raise DataError(
            f"{example.image} is {width}x{height} pixels, its mask {example.mask} {wide}x{tall}"
        )
    trimap = band(mask, outside, inside)
    try:
        alpha = closed_form(photo, trimap)
    except DataError as error:
        raise DataError(f"{example.image}: {error}") from None
    levels = np.rint(alpha * 255).astype(np.uint8)
    for target, pixels in zip(_targets(example, output), (levels, trimap)):
        write(target, encode(pixels))
    return {
        "outputs": [str(target) for target in _targets(example, output)],
        "unsure": round(float((trimap == UNSURE).mean()), 4),
        "changed": round(float(np.abs(alpha - (mask == 1)).mean()), 5),
    }

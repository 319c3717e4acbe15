"""Data sets, one file each.

A file's READERS maps names to functions (root, split) -> examples, photos with a mask; its SIGHTINGS
to functions (root, split) -> sightings, crops of one known person each.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import DataError

Pixels = NDArray[np.uint8]  # H×W×3 RGB
Labels = NDArray[np.uint8]  # H×W class numbers
IGNORE = 255


@dataclass(frozen=True)
class Example:
    """One photo and its person mask; `alpha` is a soft mask of the same person where a set has one."""

    name: str
    image: Path
    mask: Path | None = None
    alpha: Path | None = None


@dataclass(frozen=True)
class Sighting:
    """A crop of one person. camera: None where the set does not say which camera took it."""

    image: Path
    person: str
    camera: str | None = None


Reader = Callable[[Path, str], list[Example]]
SightingReader = Callable[[Path, str], list[Sighting]]


@cache
def readers() -> dict[str, Reader]:
    """Every reader of examples by name."""
    return _collect("READERS")


@cache
def sighting_readers() -> dict[str, SightingReader]:
    """Every reader of sightings by name."""
    return _collect("SIGHTINGS")


def _collect(table: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        try:
            found |= getattr(importlib.import_module(module.name), table, {})
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("figureground"):
                raise
            # transforms and samples need the extra [train]; readers do not
    return dict(sorted(found.items()))


def read(name: str, root: str | Path, split: str) -> list[Example]:
    """Examples of one split of the data set `name` found at `root`.

    Raises DataError when the name is unknown, the folder lacks what the layout needs, or a listed
    file does not exist; the message names the first missing file and how many are missing.
    """
    folder = _folder(name, readers(), root)
    return checked(readers()[name](folder, split), f"split {split!r} of {folder}")


def read_sightings(name: str, root: str | Path, split: str) -> list[Sighting]:
    """Sightings of one split ("train", "query" or "gallery") of the data set `name` found at `root`.

    Raises DataError as `read` does.
    """
    folder = _folder(name, sighting_readers(), root)
    found = sighting_readers()[name](folder, split)
    present([s.image for s in found], f"split {split!r} of {folder}")
    return found


def _folder(name: str, known: Collection[str], root: str | Path) -> Path:
    if name not in known:
        raise DataError(f"unknown data set {name!r}; expected one of {', '.join(known)}")
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"data.root is {str(folder)!r}, which is not a folder; give data.root=FOLDER"
        )
    return folder


def checked(examples: list[Example], where: str) -> list[Example]:
    """The same examples; DataError when there are none or a file of theirs does not exist."""
    present([f for e in examples for f in (e.image, e.mask, e.alpha) if f is not None], where)
    return examples


def present(files: list[Path], where: str) -> None:
    """DataError when there are no files or one of them does not exist."""
    if not files:
        raise DataError(f"{where} is empty")
    missing = [f for f in files if not f.is_file()]
    if missing:
        raise DataError(
            f"{len(missing)} of the {len(files)} files that {where} names do not exist, "
            f"the first is {missing[0]}"
        )


def lines(path: Path) -> list[str]:
    """The lines of a list file but empty ones and # comments; DataError when it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read the list {path} ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"the list {path} is not UTF-8 text") from None
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def read_mask(path: Path) -> Labels:
    """A mask file as labels: 0, 1, and 255 = ignored.

    Files with values 0 and 1 (1-bit, palette or grey) are labels as they stand. In files with
    0 and 255 only, or with more grey levels, 128 and above is the person. Raises DataError for a file
    that cannot be decoded or whose values are neither.
    """
    try:
        with Image.open(path) as file:
            values = np.asarray(file if file.mode in ("L", "P", "1") else file.convert("L"))
    except Exception as error:  # each decoder has its own
        raise DataError(f"cannot decode the mask {path} ({error})") from None
    values = values.astype(np.uint8)
    if ((values <= 1) | (values == IGNORE)).all() and (values == 1).any():
        return values
    if 1 < values.max() < 128:
        raise DataError(
            f"the mask {path} holds values up to {values.max()}; expected 0 and 1, or 0 to 255 with the "
            "person at 128 and above"
        )
    return (values >= 128).astype(np.uint8)

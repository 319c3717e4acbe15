"""Data sets, one file each. A file has, by name of the set,

READERS: functions (root, split) -> examples, photos with what is true of them;
CLASSES, for sets with labels: functions root -> names of the classes;
SIGHTINGS: functions (root, split) -> sightings, crops of one known person each.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.data.outlines import Outlines
from figureground.errors import DataError, SplitError
from figureground.imaging.read import read as read_image

Pixels = NDArray[np.uint8]  # H×W×3 RGB
Labels = NDArray[np.uint8]  # H×W class numbers
Alpha = NDArray[np.float32]  # H×W in [0, 1]
IGNORE = 255
NO_SETS = (  # files that are no data sets; some take a second to import, for torch or OpenCV
    *("composition", "crops", "drawn", "outlines", "pasted_persons", "pictures", "pseudo_alpha"),
    *("samples", "transforms", "trimap"),
)


@dataclass(frozen=True)
class Example:
    """One photo and the files that say what is in it, those that the set has.

    mask: the person or salient object, a picture or outlines (read_mask). alpha: the same, soft
    (read_alpha). labels: a class per pixel (read_labels). trimap: 0 and 255 where the alpha is sure,
    between them where it is not.
    groups: where classes are grouped, the group of each class number in `labels`.
    """

    name: str
    image: Path
    mask: Path | Outlines | None = None
    alpha: Path | None = None
    labels: Path | None = None
    trimap: Path | None = None
    groups: tuple[int, ...] = ()

    def files(self) -> list[Path]:
        every = (self.image, self.mask, self.alpha, self.labels, self.trimap)
        return [f.file if isinstance(f, Outlines) else f for f in every if f is not None]


@dataclass(frozen=True)
class Sighting:
    """A crop of one person. camera: None where the set does not say which camera took it."""

    image: Path
    person: str
    camera: str | None = None

    @property
    def view(self) -> str:
        """The camera; where it is unknown, one for this picture alone."""
        return str(self.image) if self.camera is None else self.camera


Reader = Callable[[Path, str], list[Example]]
SightingReader = Callable[[Path, str], list[Sighting]]


@cache
def _registered(what: str) -> dict[str, Callable[..., Any]]:
    """What the data sets' files have under that name."""
    found: dict[str, Callable[..., Any]] = {}
    for module in pkgutil.iter_modules(__path__):
        if module.name not in NO_SETS:
            found |= getattr(importlib.import_module(f"{__name__}.{module.name}"), what, {})
    return dict(sorted(found.items()))


def readers() -> dict[str, Reader]:
    """Every reader of examples by name."""
    return _registered("READERS")


def sighting_readers() -> dict[str, SightingReader]:
    """Every reader of sightings by name."""
    return _registered("SIGHTINGS")


def class_lists() -> dict[str, Callable[[Path], list[str]]]:
    """By name of a labelled data set, the function from its root to the names of its classes."""
    return _registered("CLASSES")


def class_names(name: str, root: str | Path) -> list[str]:
    """Names of the classes 0, 1, … of the labelled data set `name` found at `root`.

    Raises DataError when the set has no labels or its list of names cannot be read.
    """
    if name not in class_lists():
        known = ", ".join(class_lists())
        raise DataError(f"data set {name!r} has no class labels; expected one of {known}")
    return class_lists()[name](Path(root).expanduser())


def read(name: str, root: str | Path, split: str) -> list[Example]:
    """Examples of one split of the data set `name` found at `root`.

    Raises DataError when the name is unknown, the folder lacks what the layout needs, or a listed
    file does not exist; the message names the first missing file and how many are missing.
    """
    folder = folder_of(name, readers(), root)
    return checked(readers()[name](folder, split), f"split {split!r} of {folder}")


def read_sightings(name: str, root: str | Path, split: str) -> list[Sighting]:
    """Sightings of one split ("train", "query" or "gallery") of the data set `name` found at `root`.

    Raises DataError as `read` does.
    """
    folder = folder_of(name, sighting_readers(), root)
    found = sighting_readers()[name](folder, split)
    present([s.image for s in found], f"split {split!r} of {folder}")
    return found


def folder_of(name: str, known: Collection[str], root: str | Path) -> Path:
    """`root` as a path; DataError when the set is not one of `known` or there is no such folder."""
    if name not in known:
        raise DataError(f"unknown data set {name!r}; expected one of {', '.join(known)}")
    folder = Path(root).expanduser()
    if not folder.is_dir():
        raise DataError(
            f"the data set is to be at {str(folder)!r}, which is not a folder; give one that is there "
            "(data.root=, --root)"
        )
    return folder


def checked(examples: list[Example], where: str) -> list[Example]:
    """The same examples; DataError when there are none or a file of theirs does not exist."""
    present([file for example in examples for file in example.files()], where)
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
        kind = SplitError if isinstance(error, FileNotFoundError) else DataError
        raise kind(f"cannot read the list {path} ({error.strerror})") from None
    except UnicodeDecodeError:
        raise DataError(f"the list {path} is not UTF-8 text") from None
    stripped = (line.strip() for line in text.splitlines())
    return [line for line in stripped if line and not line.startswith("#")]


def json_names(path: Path) -> list[str]:
    """A JSON file that holds a list of names; DataError when it is anything else."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"cannot read the class names {path} ({error})") from None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError(f'{path} holds no list of names; expected ["background", …] in JSON')
    return names


def read_mask(path: Path | Outlines) -> Labels:
    """A mask as labels: 0, 1, and 255 = ignored.

    Files with values 0 and 1 (1-bit, palette or grey) are labels as they stand. In files with
    0 and 255 only, or with more grey levels, 128 and above is the person. Raises DataError for a file
    that cannot be decoded or whose values are neither.
    """
    if isinstance(path, Outlines):
        return path.mask()
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


def read_labels(path: Path) -> Labels:
    """A file of class numbers, palette or 8-bit grey, or SBD's .mat, as it stands; 255 = ignored.

    Raises DataError for a file that cannot be decoded or is of another kind.
    """
    if path.suffix == ".mat":
        from figureground.data.sbd import read_mat

        return read_mat(path)
    try:
        with Image.open(path) as file:
            mode, values = file.mode, np.asarray(file)
    except Exception as error:  # each decoder has its own
        raise DataError(f"cannot decode the labels {path} ({error})") from None
    if mode not in ("L", "P", "1"):
        raise DataError(
            f"the labels {path} are {mode}; expected class numbers as palette or 8-bit grey"
        )
    return values.astype(np.uint8)


def read_alpha(path: Path) -> Alpha:
    """A soft mask: the transparency of a file that has any, otherwise its grey; black is 0, white 1.

    Raises ImageError for a file that cannot be decoded.
    """
    photo = read_image(path)
    values = photo.pixels[:, :, 0] if photo.opacity is None else photo.opacity
    return np.divide(values, 255, dtype=np.float32)


def read_soft(example: Example) -> Alpha:
    """The alpha of an example, or else its mask as 0 and 1; what the mask ignores is 0.

    Raises DataError when it has neither, or its file cannot be decoded (ImageError for an alpha).
    """
    if example.alpha is not None:
        return read_alpha(example.alpha)
    if example.mask is None:
        raise DataError(f"{example.image} has no alpha and no mask; choose a data set that has")
    return (read_mask(example.mask) == 1).astype(np.float32)


def read_class_labels(example: Example) -> Labels:
    """The class numbers of an example, grouped where it says so; DataError when it has none."""
    if example.labels is None:
        raise DataError(f"{example.image} has no class labels; choose a data set that has")
    labels = read_labels(example.labels)
    return group_table(example.groups)[labels] if example.groups else labels


def group_table(groups: tuple[int, ...]) -> Labels:
    """The group of each of 256 class numbers; IGNORE beyond those that are grouped."""
    table = np.full(256, IGNORE, np.uint8)
    table[: len(groups)] = groups
    return table

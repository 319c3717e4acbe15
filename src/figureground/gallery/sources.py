"""What is to be indexed: folders, photos, and lists of them with cameras, persons, times or boxes."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from figureground.data.market1501 import NAME
from figureground.errors import DataError, GalleryError
from figureground.gallery.filter import moment
from figureground.imaging.read import SUFFIXES

Labels = Literal["names", "camera", "person", "none"]
Sides = tuple[float, float, float, float]  # left, top, right, bottom in pixels
VIDEOS = (".mp4", ".mkv", ".mov", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".ts")
COLUMNS = ("image", "camera", "person", "time", "tag")


@dataclass(frozen=True)
class Picture:
    """A photo or video to index. boxes: where people are, None where that is not known.
    time: when it was taken, or began, in Unix seconds. Blanks about labels are taken off. Raises
    GalleryError for a time or a side that is no number, and for a label that is no text."""

    path: Path
    boxes: tuple[Sides, ...] | None = None
    camera: str | None = None
    person: str | None = None
    time: float | None = None
    tag: str | None = None

    def __post_init__(self) -> None:
        for name in ("camera", "person", "tag"):
            if (given := getattr(self, name)) is not None:
                if not isinstance(given, str):
                    raise GalleryError(f"{name} is {given!r}; expected text")
                object.__setattr__(self, name, given.strip() or None)
        if self.time is not None and not (
            isinstance(self.time, int | float) and isfinite(self.time)
        ):
            raise GalleryError(f"time is {self.time!r}; expected seconds since 1970")
        for box in self.boxes or ():
            if not all(isfinite(side) for side in box):
                raise GalleryError(f"a box of {self.path} is {box}; expected finite numbers")

    @property
    def moves(self) -> bool:
        """Whether it is a video."""
        return self.path.suffix.lower() in VIDEOS


def pictures(
    sources: Iterable[str],
    *,
    labels: Labels = "names",
    frames: str = "",
    camera: str = "",
    tag: str = "",
    time: str = "",
) -> list[Picture]:
    """What the sources name: photos and videos; folders of them, searched to the bottom; a .csv with the
    column image and any of camera, person, time, tag; boxes as .json (COCO) or .txt (MOTChallenge).

    labels: what a folder says of its photos. names: Market-1501's file names say person and camera,
    where a photo has one (person −1 is left out, 0000 is nobody known); camera, person: the folder in
    which a photo is, just below the source, is called that. frames: the folder of the photos that a
    .json or .txt names. camera, tag, time (see filter.moment): of all that do not say.

    Raises DataError for what cannot be read, and for a folder without photos.
    """
    found: dict[Path, Picture] = {}
    taken = moment(time) if time else None
    for source in sources:
        path = Path(source).expanduser()
        if path.is_dir():
            new = _folder(path, labels)
        elif not path.exists():
            raise DataError(f"there is no file or folder {path}")
        elif path.suffix.lower() == ".csv":
            new = _csv(path)
        elif path.suffix.lower() == ".json":
            new = _coco(path, Path(frames) if frames else path.parent)
        elif path.suffix.lower() == ".txt":
            new = _mot(path, frames)
        else:
            new = [_named(path, labels)]
        for picture in new:
            whole = picture.path.absolute()
            found[whole] = replace(
                picture,
                path=whole,
                camera=picture.camera or camera or None,
                tag=picture.tag or tag or None,
                time=taken if picture.time is None else picture.time,
            )
    return list(found.values())


def _folder(root: Path, labels: Labels) -> list[Picture]:
    kinds = {*SUFFIXES, *VIDEOS}
    files = sorted(f for f in root.rglob("*") if f.suffix.lower() in kinds and f.is_file())
    if not files:
        raise DataError(
            f"{root} has no photos or videos in it; expected some of {' '.join(sorted(kinds))}"
        )
    if labels in ("names", "none"):
        return [_named(file, labels) for file in files if not file.name.startswith("-1_c")]
    parts = [(file, file.relative_to(root).parts) for file in files]
    return [
        Picture(file, **{labels: names[0]}) if len(names) > 1 else Picture(file)  # type: ignore[arg-type]
        for file, names in parts
    ]


def _named(file: Path, labels: Labels) -> Picture:
    match = NAME.match(file.name) if labels == "names" else None
    if match is None:
        return Picture(file)
    person, camera = match.groups()
    return Picture(file, camera=camera, person=person if person.strip("0") else None)


def _csv(path: Path) -> list[Picture]:
    found = []
    for number, row in enumerate(table(path, ["image"], COLUMNS), 2):
        try:
            time = moment(row["time"]) if row.get("time") else None
        except GalleryError as error:
            raise DataError(f"line {number} of {path}: {error}") from None
        found.append(
            Picture(
                path.parent / row["image"],
                camera=row.get("camera") or None,
                person=row.get("person") or None,
                time=time,
                tag=row.get("tag") or None,
            )
        )
    return found


def pairs_of(path: str) -> list[tuple[str, str, bool]]:
    """Lines of a CSV with the columns image, other and same (1 or 0). Raises DataError."""
    columns = ["image", "other", "same"]
    found, folder = [], Path(path).parent
    for number, row in enumerate(table(Path(path), columns, columns), 2):
        if row["same"] not in ("0", "1"):
            raise DataError(f"line {number} of {path} has same {row['same']!r}; expected 1 or 0")
        pair = str(folder / row["image"]), str(folder / row["other"])
        found.append((*pair, row["same"] == "1"))
    return found


def table(path: Path, required: Iterable[str], allowed: Iterable[str]) -> list[dict[str, str]]:
    """The lines of a CSV with a header. Raises DataError for other columns than those."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            missing = [name for name in required if name not in columns]
            unknown = [name for name in columns if name not in allowed]
            if missing or unknown:
                raise DataError(
                    f"{path} has the columns {', '.join(columns)}; expected {', '.join(required)}"
                    f", and no others than {', '.join(allowed)}"
                )
            rows = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"cannot read the table {path} ({reason})") from None
    for number, row in enumerate(rows, 2):
        if None in row or None in row.values() or not all(row[name] for name in required):
            raise DataError(f"line {number} of {path} has not one value for each column")
    return rows


def _coco(path: Path, folder: Path) -> list[Picture]:
    """Images of COCO's instances; boxes of its category person, or all where there are no names."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = {c["id"]: c["name"] for c in content.get("categories", [])}
        boxes: dict[Any, list[Sides]] = defaultdict(list)
        for found in content["annotations"]:
            if names.get(found.get("category_id"), "person") == "person":
                x, y, width, height = map(float, found["bbox"])
                boxes[found["image_id"]].append((x, y, x + width, y + height))
        return [
            Picture(folder / image["file_name"], tuple(boxes[image["id"]]))
            for image in content["images"]
        ]
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not COCO JSON with images and annotations ({type(error).__name__}: {error})"
        ) from None


def _mot(path: Path, frames: str) -> list[Picture]:
    """MOTChallenge: frame, id, left, top, width, height, …; frames are img1/000001.jpg and on."""
    around = [path.parent / "img1", path.parent.parent / "img1", path.parent]
    folder = Path(frames) if frames else next(f for f in around if f.is_dir())
    boxes: dict[int, list[Sides]] = defaultdict(list)
    try:
        files = {f.stem: f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES}
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip():
                frame, _, x, y, width, height = map(float, line.split(",")[:6])
                boxes[int(frame)].append((x, y, x + width, y + height))
    except OSError as error:
        raise DataError(f"cannot read {error.filename} ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise DataError(f"cannot read {path} ({error}); store it as UTF-8") from None
    except ValueError:
        raise DataError(
            f"{path} has the line {line!r}; expected frame,id,left,top,width,height in numbers"
        ) from None
    return [
        Picture(files.get(f"{frame:06}", folder / f"{frame:06}.jpg"), tuple(found))
        for frame, found in sorted(boxes.items())
    ]

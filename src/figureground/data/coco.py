"""Person masks in COCO's layout (Lin et al. 2014), as COCO itself and most labelling tools write it.

annotations/instances_SPLIT.json, and photos in SPLIT/, images/SPLIT/, images/ or beside annotations/. The
split train is found as train2017 as well. Polygons and run lengths, plain and compressed, are read.

`coco` gives the photos that show somebody. Their mask is all persons together. Crowds (iscrowd), outlined
roughly and with what is between the people, are ignored, and so are the boxes of persons without outline.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from figureground.data import Example
from figureground.data.outlines import Outlines, Shape, run_lengths
from figureground.errors import DataError, SplitError


def coco(root: Path, split: str) -> list[Example]:
    file = _file(root, split)
    try:
        content = json.loads(file.read_bytes())
        persons = {c["id"] for c in content["categories"] if c["name"].lower() == "person"}
        if not persons:
            others = ", ".join(str(c["name"]) for c in content["categories"][:8])
            raise DataError(f"{file} has no category person; it has {others or 'none'}")
        photos = {photo["id"]: photo for photo in content["images"]}
        inside: dict[Any, list[Shape]] = defaultdict(list)
        ignored: dict[Any, list[Shape]] = defaultdict(list)
        for one in content["annotations"]:
            if one["category_id"] in persons:
                photo = photos[one["image_id"]]
                shapes = _shapes(one, photo["width"], photo["height"])
                known = bool(one.get("segmentation")) and not one.get("iscrowd")
                (inside if known else ignored)[photo["id"]] += shapes
        names = {key: photos[key]["file_name"] for key in inside}
        folder = _folder(root, file.stem.removeprefix("instances_"), names.values())
        return [
            Example(
                Path(name).with_suffix("").as_posix(),
                folder / name,
                Outlines(
                    file,
                    name,
                    photos[key]["width"],
                    photos[key]["height"],
                    tuple(inside[key]),
                    tuple(ignored[key]),
                ),
            )
            for key, name in sorted(names.items(), key=lambda item: item[1])
        ]
    except OSError as error:
        raise DataError(f"cannot read {file} ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{file} is not COCO JSON with images, categories and annotations of them "
            f"({type(error).__name__}: {error})"
        ) from None


def _file(root: Path, split: str) -> Path:
    """The annotations of a split, such as instances_train.json or instances_train2017.json."""
    folder = root / "annotations"
    exact = folder / f"instances_{split}.json"
    if exact.is_file():
        return exact
    known = sorted(folder.glob("instances_*.json"))
    found = [
        file
        for file in known
        if file.stem.startswith(exact.stem) and file.stem.removeprefix(exact.stem).isdigit()
    ]
    if len(found) != 1:
        names = ", ".join(file.name for file in found or known) or "no instances_*.json"
        raise SplitError(f"split is {split!r}; {folder} has {names}")
    return found[0]


def _folder(root: Path, split: str, names: Any) -> Path:
    """The folder that has the first photo; root/SPLIT where none has."""
    folders = [root / split, root / "images" / split, root / "images", root]
    first = next(iter(names), "")
    return next((folder for folder in folders if (folder / first).is_file()), folders[0])


def _shapes(one: dict[str, Any], width: int, height: int) -> list[Shape]:
    """An annotation's polygons or run lengths; the box where it has neither."""
    where = f"annotation {one.get('id')}"
    segmentation = one.get("segmentation")
    if isinstance(segmentation, dict):
        counts = segmentation["counts"]
        runs = np.array(run_lengths(counts) if isinstance(counts, str) else counts, np.int64)
        size: Sequence[int] = segmentation["size"]
        if list(size) != [height, width] or (runs < 0).any() or runs.sum() != height * width:
            raise ValueError(
                f"the run lengths of {where} fill {runs.sum()} pixels of {size}; expected "
                f"[{height}, {width}], height and width of its photo"
            )
        return [runs]
    if not segmentation:
        x, y, w, h = map(float, one["bbox"])
        return [np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])]
    shapes: list[Shape] = []
    for flat in segmentation:
        corners = np.array(flat, np.float64)
        if corners.ndim != 1 or len(corners) % 2 or not np.isfinite(corners).all():
            raise ValueError(f"a polygon of {where} is not a list x, y, x, y, …")
        shapes.append(corners.reshape(-1, 2))
    return shapes


READERS = {"coco": coco}

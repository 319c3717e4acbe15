"""A data set as checks see it: names of everything, measurements of the photos that were looked into."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from figureground import data
from figureground.checking import measure
from figureground.checking.measure import Photo, Truth
from figureground.data import Example, Sighting
from figureground.errors import DataError, SplitError

USUAL = ("train", "val", "test", "all")
USUAL_OF_SIGHTINGS = ("train", "query", "gallery")
Progress = Callable[[int, int], None]


@dataclass
class Survey:
    """examples, sightings: by split; a data set has one or the other. classes: [] where not known.
    complaints: what readers said. whole: all splits that there are were read."""

    root: Path
    classes: list[str] = field(default_factory=list)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    sightings: dict[str, list[Sighting]] = field(default_factory=dict)
    complaints: list[DataError] = field(default_factory=list)
    photos: list[Photo] = field(default_factory=list)
    truths: list[Truth] = field(default_factory=list)
    whole: bool = True

    def counts(self) -> dict[str, int]:
        return {split: len(found) for split, found in (self.examples or self.sightings).items()}

    def of_kind(self, *kinds: str) -> list[Truth]:
        """The truths of these kinds that could be decoded."""
        return [t for t in self.truths if t.kind in kinds and not t.error]

    def name(self, path: Path) -> str:
        return (
            path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)
        )

    def names(self, of: Iterable[Photo | Truth]) -> list[str]:
        return [self.name(one.path) for one in of]


def survey(
    name: str,
    root: str | Path,
    splits: Sequence[str] = (),
    needed: Sequence[str] = (),
    sets: Sequence[str] = (".",),
    limit: int = 0,
    progress: Progress = lambda done, of: None,
) -> Survey:
    """Reads the data set `name` at `root` and looks into its photos.

    splits: those to read; without, all usual ones that there are. needed: those of them that must be there.
    sets: folders below root that are such a data set each. limit: look into so many photos of each split
    at most, evenly spread; 0: all. progress: told the number of photos done, and of all.
    Raises DataError when the name or the folder is unknown, or there is no split at all.
    """
    readers: dict[str, Callable[[Path, str], list[Any]]] = {
        **data.readers(),
        **data.sighting_readers(),
    }
    result = Survey(data.folder_of(name, readers, root), whole=not splits)
    found: dict[str, list[Any]] = {}
    missing: list[DataError] = []
    usual = USUAL_OF_SIGHTINGS if name in data.sighting_readers() else USUAL
    for folder in sets:
        where = data.folder_of(name, readers, result.root / folder)
        for split in splits or usual:
            try:
                some = readers[name](where, split)
                if not some:
                    result.complaints.append(DataError(f"split {split!r} of {where} is empty"))
            except SplitError as error:
                (result.complaints if split in needed else missing).append(error)
                continue
            except DataError as error:
                result.complaints.append(error)
                some = error.partial
            found.setdefault(split, []).extend(_of_set(folder, some))
    if not found and not result.complaints:
        raise missing[0]
    if name in data.sighting_readers():
        result.sightings = found
    else:
        result.examples = found
    _look(result, limit, progress)
    labelled = any(example.labels for some in result.examples.values() for example in some)
    if labelled and name in data.class_lists():
        try:
            result.classes = data.class_names(name, result.root)
        except DataError as error:
            result.complaints.append(error)
    return result


def _of_set(folder: str, found: list[Any]) -> list[Any]:
    """Person 7 and camera 1 of one set are not those of another."""
    return [
        replace(
            one, person=f"{folder}/{one.person}", camera=one.camera and f"{folder}/{one.camera}"
        )
        if isinstance(one, Sighting) and folder != "."
        else one
        for one in found
    ]


def _look(survey: Survey, limit: int, progress: Progress) -> None:
    """Measures the photos and truths that exist."""
    chosen: list[tuple[str, Example | Sighting]] = []
    for split, found in (survey.examples or survey.sightings).items():
        count = min(limit or len(found), len(found))
        picked = np.linspace(0, len(found) - 1, count).round().astype(int)
        chosen += [(split, found[i]) for i in picked if found[i].image.is_file()]
    # Decoders and NumPy let go of the interpreter.
    with warnings.catch_warnings(), ThreadPoolExecutor(os.cpu_count()) as pool:
        warnings.simplefilter("ignore", UserWarning)  # damaged EXIF and the like
        for done, (photo, truths) in enumerate(pool.map(_measured, chosen), 1):
            survey.photos.append(photo)
            survey.truths += truths
            progress(done, len(chosen))


def _measured(chosen: tuple[str, Example | Sighting]) -> tuple[Photo, list[Truth]]:
    split, one = chosen
    photo = measure.photo(one.image, split)
    paths = {} if isinstance(one, Sighting) else {kind: getattr(one, kind) for kind in measure.READ}
    truths = [
        measure.truth(path, kind, photo)
        for kind, path in paths.items()
        if isinstance(path, Path) and path.is_file() and path.suffix != ".mat"  # SBD's
    ]
    if isinstance(one, Example) and one.groups:
        truths = [
            _grouped(truth, one.groups) if truth.kind == "labels" else truth for truth in truths
        ]
    return photo, truths


def _grouped(truth: Truth, groups: tuple[int, ...]) -> Truth:
    counts = np.bincount(data.group_table(groups), truth.histogram, minlength=256)
    return replace(truth, histogram=counts.astype(np.uint32))

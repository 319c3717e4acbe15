"""MSMT17 (4101 persons, 15 cameras; Wei et al. 2018, arXiv 1711.08565).

Its lists list_train.txt, list_query.txt and list_gallery.txt hold a path below the folder train or
test and the person's number: `0000/0000_000_01_0303morning_0015_0.jpg 0`, where 01 is the camera.
Version 2 calls the folders mask_train_v2 and mask_test_v2.
"""

from pathlib import Path

from figureground.data import Sighting, lines
from figureground.errors import DataError, SplitError

FOLDERS = {"train": "train", "query": "test", "gallery": "test"}


def msmt17(root: Path, split: str) -> list[Sighting]:
    if split not in FOLDERS:
        raise SplitError(f"split is {split!r}; expected one of {', '.join(FOLDERS)}")
    masked = root / f"mask_{FOLDERS[split]}_v2"
    folder = masked if masked.is_dir() else root / FOLDERS[split]
    listing = root / f"list_{split}.txt"
    found = []
    for number, line in enumerate(lines(listing), 1):
        path, _, person = line.rpartition(" ")
        parts = path.rpartition("/")[2].split("_")
        if not person.isdigit() or len(parts) < 3:
            raise DataError(
                f"{listing}, line {number} is {line!r}; expected a path and a person, such as "
                "0000/0000_000_01_0303morning_0015_0.jpg 0"
            )
        found.append(Sighting(folder / path, person, parts[2]))
    return found


SIGHTINGS = {"msmt17": msmt17}

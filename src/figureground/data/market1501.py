"""Market-1501 (1501 persons, 6 cameras; Zheng et al. 2015) and the sets that took over its layout,
DukeMTMC-reID among them.

Folders bounding_box_train, query and bounding_box_test (the gallery) hold crops named
PERSON_cCAMERA…, such as 0002_c1s1_000451_03.jpg or 0005_c2_f0046985.jpg. Person −1 is junk, dropped
as the set's authors ask. Person 0000, distractors that are nobody's match, stays in the gallery.
"""

import re
from pathlib import Path

from figureground.data import Sighting
from figureground.errors import DataError, SplitError

FOLDERS = {"train": "bounding_box_train", "query": "query", "gallery": "bounding_box_test"}
NAME = re.compile(r"(-1|\d+)_c(\d+)")
ENDINGS = {".jpg", ".jpeg", ".png", ".bmp"}


def market1501(root: Path, split: str) -> list[Sighting]:
    if split not in FOLDERS:
        raise SplitError(f"split is {split!r}; expected one of {', '.join(FOLDERS)}")
    folder = root / FOLDERS[split]
    if not folder.is_dir():
        raise SplitError(f"{root} has no folder {FOLDERS[split]}, which holds the split {split!r}")
    found, misnamed = [], []
    for image in sorted(folder.iterdir()):
        if image.suffix.lower() not in ENDINGS:  # Market-1501 comes with a Thumbs.db
            continue
        match = NAME.match(image.name)
        if match is None:
            misnamed.append(image)
        elif match[1] != "-1":
            found.append(Sighting(image, match[1], match[2]))
    if misnamed:
        raise DataError(
            f"{misnamed[0]} is not named PERSON_cCAMERA…, such as 0002_c1s1_000451_03.jpg",
            misnamed,
            found,
        )
    return found


SIGHTINGS = {"market1501": market1501}

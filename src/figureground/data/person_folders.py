"""Your own crops: ROOT/SPLIT/PERSON/*.jpg, one folder per person in train, query and gallery.

The camera is unknown, so no picture of the gallery is left out of a search.
"""

from pathlib import Path

from figureground.data import Sighting
from figureground.data.market1501 import ENDINGS
from figureground.errors import SplitError


def person_folders(root: Path, split: str) -> list[Sighting]:
    folder = root / split
    if not folder.is_dir():
        raise SplitError(f"{root} has no folder {split}; expected {split}/PERSON/*.jpg below it")
    return [
        Sighting(image, image.parent.name)
        for image in sorted(folder.glob("*/*"))
        if image.suffix.lower() in ENDINGS
    ]


SIGHTINGS = {"person_folders": person_folders}

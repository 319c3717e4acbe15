"""Photos picked out of a collection of data sets by a text file of paths, one a line.

`nobody` reads COLLECTION/no_people.txt: photos that show nobody, as backgrounds, as negatives, and
for the test that such a photo comes back empty. A photo belongs to the split `train` when the data
set it comes from lists it in its own train.txt (`SET/images/ID.jpg` in `SET/train.txt`), and to
`test` otherwise, so that what is tested was never seen whatever is trained on those sets.
The mask is `SET/masks/ID.png` where there is one.
"""

from pathlib import Path

from figureground.data import Example, lines
from figureground.errors import SplitError


def listed(collection: Path, listing: Path, split: str) -> list[Example]:
    """The photos that the file `listing` names, relative to the folder `collection`."""
    trained: dict[Path, set[str]] = {}
    examples = []
    for line in lines(listing):
        image = collection / line
        home = image.parent.parent
        if home not in trained:
            own = home / "train.txt"
            trained[home] = set(lines(own)) if own.is_file() else set()
        if ("train" if image.stem in trained[home] else "test") == split:
            mask = home / "masks" / f"{image.stem}.png"
            examples.append(Example(line, image, mask if mask.is_file() else None))
    return examples


def nobody(root: Path, split: str) -> list[Example]:
    if split not in ("train", "test"):
        raise SplitError(f"nobody has no split {split!r}; expected train or test")
    return listed(root, root / "no_people.txt", split)


READERS = {"nobody": nobody}

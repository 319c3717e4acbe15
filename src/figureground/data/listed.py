"""Photos picked out of a collection of data sets by a text file of paths, one a line.

`nobody` reads COLLECTION/no_people.txt: photos that show nobody, as backgrounds, as negatives, and
for the test that such a photo comes back empty. A photo belongs to the split `train` when the data
set it comes from lists it in its own train.txt (`SET/images/ID.jpg` in `SET/train.txt`), and to
`test` otherwise, so that what is tested was never seen whatever is trained on those sets.
The mask is `SET/masks/ID.png`, the alpha `SET/alpha/ID.png`, where there is one.
"""

from pathlib import Path

from figureground.data import Example, lines
from figureground.errors import SplitError


def listed(collection: Path, listing: Path, split: str, unsplit: str = "test") -> list[Example]:
    """The photos that the file `listing` names, relative to the folder `collection`.

    unsplit: the split of what a set without a train.txt holds.
    """
    trained: dict[Path, set[str] | None] = {}
    examples = []
    for line in lines(listing):
        image = collection / line
        home = image.parent.parent
        if home not in trained:
            own = home / "train.txt"
            trained[home] = set(lines(own)) if own.is_file() else None
        known = trained[home]
        belongs = unsplit if known is None else "train" if image.stem in known else "test"
        if belongs == split:
            files = (home / folder / f"{image.stem}.png" for folder in ("masks", "alpha"))
            mask, alpha = (file if file.is_file() else None for file in files)
            examples.append(Example(line, image, mask, alpha))
    return examples


def nobody(root: Path, split: str) -> list[Example]:
    if split not in ("train", "test"):
        raise SplitError(f"nobody has no split {split!r}; expected train or test")
    return listed(root, root / "no_people.txt", split)


READERS = {"nobody": nobody}

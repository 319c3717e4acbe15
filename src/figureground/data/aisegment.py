"""AISegment's Matting Human Datasets: 34,425 half-body portraits of 600×800 with alphas.

Its own layout: clip_img/GROUP/clip_N/NAME.jpg, whose alpha is the fourth channel of
matting/GROUP/matting_N/NAME.png. Files whose name starts with a dot, which the distribution holds by
mistake, are passed over. It has no splits of its own:

- `aisegment_published` cuts the sorted list 6:2:2 without shuffling, as the model zoo's Semantic Human
  Matting does (20,655 train, 6,885 val, 6,885 test): one group is in two splits wherever a cut falls.
- `aisegment` makes the same cut but keeps each GROUP whole, where its first photo falls.

Either is cut by the order of names; neither tells whether one person is in two groups.
"""

from pathlib import Path

from figureground.data import Example
from figureground.errors import DataError, SplitError

ENDS = {"train": 6, "val": 8, "test": 10}  # in tenths of the list


def _portraits(root: Path) -> list[Example]:
    """All of them in order; the name of an example starts with its group."""
    photos = sorted((root / "clip_img").glob("*/clip_*/*.jpg"))
    if not photos:
        raise DataError(
            f"{root} holds no clip_img/GROUP/clip_N/NAME.jpg; give the folder around clip_img"
        )
    examples = []
    for photo in photos:
        group, clip = photo.parts[-3:-1]
        if not any(part.startswith(".") for part in (group, clip, photo.name)):
            folder = root / "matting" / group / clip.replace("clip_", "matting_", 1)
            alpha = folder / f"{photo.stem}.png"
            examples.append(Example(f"{group}/{clip}/{photo.stem}", photo, alpha=alpha))
    return examples


def _cut(root: Path, split: str, whole_groups: bool) -> list[Example]:
    if split not in ENDS:
        raise SplitError(f"aisegment has no split {split!r}; expected one of {', '.join(ENDS)}")
    examples = _portraits(root)
    first: dict[str, int] = {}  # of each group
    chosen = []
    for number, example in enumerate(examples):
        group = example.name.split("/")[0]
        place = first.setdefault(group, number) if whole_groups else number
        if split == next(s for s, end in ENDS.items() if place * 10 < end * len(examples)):
            chosen.append(example)
    return chosen


def aisegment(root: Path, split: str) -> list[Example]:
    return _cut(root, split, whole_groups=True)


def aisegment_published(root: Path, split: str) -> list[Example]:
    return _cut(root, split, whole_groups=False)


READERS = {"aisegment": aisegment, "aisegment_published": aisegment_published}

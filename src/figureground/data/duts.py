"""DUTS, salient objects (Wang et al. 2017): 10,553 photos to train on, 5,019 to test.

Its own layout: DUTS-TR/DUTS-TR-Image/ID.jpg with DUTS-TR/DUTS-TR-Mask/ID.png, the split `train`, and the
same with TE, the split `test`.
"""

from pathlib import Path

from figureground.data import Example
from figureground.data.pairs import matched
from figureground.errors import SplitError

PARTS = {"train": "DUTS-TR", "test": "DUTS-TE"}


def duts(root: Path, split: str) -> list[Example]:
    if split not in PARTS:
        raise SplitError(f"DUTS has no split {split!r}; expected one of {', '.join(PARTS)}")
    part = PARTS[split]
    if not (root / part).is_dir():
        raise SplitError(f"{root} has no folder {part}, which holds the split {split!r}")
    return matched(root / part / f"{part}-Image", mask=root / part / f"{part}-Mask")


READERS = {"duts": duts}

"""Salient objects with graded masks, such as PASCAL-S (Li et al. 2014): images/ID.jpg, masks/ID.png.

The grey of a mask is the share of people who looked at that object, so it is read as an alpha; metrics and
most papers cut it at one half. The splits are lists of IDs: train.txt, test.txt.
"""

from pathlib import Path

from figureground.data import Example, lines


def saliency(root: Path, split: str) -> list[Example]:
    return [
        Example(name, root / "images" / f"{name}.jpg", alpha=root / "masks" / f"{name}.png")
        for name in lines(root / f"{split}.txt")
    ]


READERS = {"saliency": saliency}

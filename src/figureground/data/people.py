"""Photos of people with masks: images/ID.jpg, masks/ID.png (see read_mask), optional alpha/ID.png.

The splits are lists of IDs: train.txt, val.txt, test.txt.
"""

from pathlib import Path

from figureground.data import Example, lines


def people(root: Path, split: str) -> list[Example]:
    def example(name: str) -> Example:
        alpha = root / "alpha" / f"{name}.png"
        return Example(
            name,
            root / "images" / f"{name}.jpg",
            root / "masks" / f"{name}.png",
            alpha if (root / "alpha").is_dir() else None,
        )

    return [example(name) for name in lines(root / f"{split}.txt")]


READERS = {"people": people}

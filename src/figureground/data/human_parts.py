"""Clothing and body parts of people: images/ID.jpg, parts/ID.png (class numbers), part_names.json.

The splits are lists of IDs, as in `people`: train.txt, val.txt, test.txt.
"""

from pathlib import Path

from figureground.data import Example, json_names, lines


def human_parts(root: Path, split: str) -> list[Example]:
    return [
        Example(name, root / "images" / f"{name}.jpg", labels=root / "parts" / f"{name}.png")
        for name in lines(root / f"{split}.txt")
    ]


def class_names(root: Path) -> list[str]:
    return json_names(root / "part_names.json")


READERS = {"human_parts": human_parts}
CLASSES = {"human_parts": class_names}

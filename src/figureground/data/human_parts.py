"""Clothing and body parts of people: images/ID.jpg, parts/ID.png (class numbers), part_names.json.

The splits are lists of IDs, as in `people`: train.txt, val.txt, test.txt. `human_parts` has every class by
its own number; in `human_parts_grouped` they are put together into GROUPS.
"""

from dataclasses import replace
from pathlib import Path

from figureground.data import Example, json_names, lines
from figureground.errors import DataError

GROUPS = {
    "background": ["null"],
    "hair": ["hair"],
    "skin": ["skin"],
    "upper": [
        "blouse", "bodysuit", "bra", "cardigan", "hoodie", "intimate", "jumper", "shirt", "sweater",
        "sweatshirt", "swimwear", "t-shirt", "top", "vest",
    ],
    "lower": ["jeans", "leggings", "panties", "pants", "shorts", "skirt", "stockings", "tights"],
    "dress": ["dress", "romper", "suit"],
    "coat": ["blazer", "cape", "coat", "jacket"],
    "shoes": [
        "boots", "clogs", "flats", "heels", "loafers", "pumps", "sandals", "shoes", "sneakers",
        "socks", "wedges",
    ],
    "bag": ["bag", "purse", "wallet"],
    "hat": ["hat"],
    "other": [
        "accessories", "belt", "bracelet", "earrings", "glasses", "gloves", "necklace", "ring",
        "scarf", "sunglasses", "tie", "watch",
    ],
}  # fmt: skip


def human_parts(root: Path, split: str) -> list[Example]:
    return [
        Example(name, root / "images" / f"{name}.jpg", labels=root / "parts" / f"{name}.png")
        for name in lines(root / f"{split}.txt")
    ]


def human_parts_grouped(root: Path, split: str) -> list[Example]:
    groups = grouped(class_names(root))
    return [replace(example, groups=groups) for example in human_parts(root, split)]


def grouped(names: list[str]) -> tuple[int, ...]:
    """The number of each name's group; DataError for a name that is in none."""
    group = {name: number for number, those in enumerate(GROUPS.values()) for name in those}
    if strange := [name for name in names if name not in group]:
        raise DataError(f"no group for {', '.join(strange)}; choose the data set human_parts")
    return tuple(group[name] for name in names)


def class_names(root: Path) -> list[str]:
    return json_names(root / "part_names.json")


def group_names(root: Path) -> list[str]:
    return list(GROUPS)


READERS = {"human_parts": human_parts, "human_parts_grouped": human_parts_grouped}
CLASSES = {"human_parts": class_names, "human_parts_grouped": group_names}

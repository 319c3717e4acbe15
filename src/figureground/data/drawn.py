"""Pictures drawn on the spot, enough to learn from in seconds: what smoke runs and tests use for data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from figureground.data import Labels


def draw_person(rng: Generator, size: tuple[int, int]) -> tuple[Image.Image, Image.Image]:
    """A plain figure with a head on noise, (width, height) in size, and its 1-bit mask."""
    width, height = size
    picture = Image.fromarray(rng.integers(0, 120, (height, width, 3), np.uint8))
    mask = Image.new("1", size)
    x, y = rng.uniform(0.35, 0.65) * width, rng.uniform(0.5, 0.6) * height
    for shape in (
        (x - width / 6, y - height / 6, x + width / 6, y + height / 3),
        (x - width / 12, y - height / 3, x + width / 12, y - height / 7),
    ):
        ImageDraw.Draw(picture).ellipse(shape, fill=(230, 180, 90))
        ImageDraw.Draw(mask).ellipse(shape, fill=1)
    return picture, mask


def draw_pairs(root: Path, classes: int = 2) -> None:
    """Six people to learn and two each in val and test, in the layout of the reader `pairs`: with masks,
    alphas, and labels of so many classes, of which the person is each in turn."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 6), ("val", 2), ("test", 2)):
        for folder in ("images", "masks", "alpha", "labels"):
            (root / split / folder).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            picture, mask = draw_person(rng, (72, 96))
            labels: Labels = np.asarray(mask, np.uint8) * np.uint8(1 + number % (classes - 1))
            picture.save(root / split / "images" / f"{number}.jpg", quality=95)
            mask.save(root / split / "masks" / f"{number}.png")
            mask.convert("L").save(root / split / "alpha" / f"{number}.png")
            Image.fromarray(labels).save(root / split / "labels" / f"{number}.png")
    names = ["background", *(f"class {number}" for number in range(1, classes))]
    (root / "class_names.json").write_text(json.dumps(names))


def draw_nobody(collection: Path) -> None:
    """Two photos of nobody, named by collection/no_people.txt; the second is held out."""
    rng = np.random.default_rng(1)
    (collection / "empty" / "images").mkdir(parents=True)
    for name in "ab":
        noise = Image.fromarray(rng.integers(0, 120, (80, 100, 3), np.uint8))
        noise.save(collection / "empty" / "images" / f"{name}.jpg")
    (collection / "empty" / "train.txt").write_text("a\n")
    (collection / "no_people.txt").write_text("empty/images/a.jpg\nempty/images/b.jpg\n")


def draw_sightings(root: Path) -> None:
    """Sixteen persons, told apart by shirt and trousers, in the layout of Market-1501: ten to learn, six
    to find (four crops each, two cameras of different brightness), junk and a distractor."""
    rng = np.random.default_rng(0)
    for folder in ("bounding_box_train", "query", "bounding_box_test"):
        (root / folder).mkdir(parents=True)
    hues = [(r, g, b) for r in (50, 200) for g in (50, 200) for b in (50, 200)]
    for person in range(1, 17):
        shirt, trousers = hues[person % 8], hues[(person * 3 + person // 8) % 8]
        for camera in (1, 2):
            for shot in (0, 1):
                noise = rng.normal(0, 12, (40, 20, 3)) + 30 * camera
                noise[4:20, 4:16] += shirt
                noise[20:36, 4:16] += trousers
                crop = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
                test = "query" if camera == 1 else "bounding_box_test"
                folder = "bounding_box_train" if person <= 10 else test
                crop.save(root / folder / f"{person:04}_c{camera}s1_{shot:06}_00.jpg", quality=95)
    for name in ("-1_c1s1_000000_00.jpg", "0000_c1s1_000000_00.jpg"):
        crop.save(root / "bounding_box_test" / name)

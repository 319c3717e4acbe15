"""How often people who touch in a photo are told apart, and one person is cut in two.

python benchmarks/touching.py ROOT    (ROOT: images/, masks/ and test.txt, as the reader `people` has them)

Pairs: two persons of the set side by side, one before the other's edge by 5 to 40 % of the slimmer one's
width; right is when two boxes are found and each overlaps with what is to be seen of its person by 0.6.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

from figureground.gallery.people import apart, people
from figureground.imaging.regions import regions, shrunk
from figureground.runtime.predictor import load_alpha

PAIRS = 200


def trimmed(mask: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(mask)
    return mask[y.min() : y.max() + 1, x.min() : x.max() + 1]


def pair(one: np.ndarray, other: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    one, other = trimmed(one), trimmed(other)
    width, height = (np.array(other.shape[::-1]) * rng.uniform(0.85, 1.15)).astype(int)
    other = np.asarray(Image.fromarray(other).resize((width, height)))
    left = 10 + one.shape[1] - int(rng.uniform(0.05, 0.4) * min(one.shape[1], width))
    canvas = np.zeros(
        (2, max(one.shape[0], height) + 60, left + max(width, one.shape[1]) + 20), bool
    )
    for layer, mask, x in zip(canvas, (one, other), (10, left)):
        bottom = canvas.shape[1] - 20 - rng.integers(0, 20)
        layer[bottom - len(mask) : bottom, x : x + mask.shape[1]] = mask
    return [canvas[0] & ~canvas[1], canvas[1]]


def box(mask: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(mask)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1])


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    common = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0).prod()
    return common / ((one[2:] - one[:2]).prod() + (other[2:] - other[:2]).prod() - common)


def right(masks: list[np.ndarray]) -> bool:
    found = people((masks[0] | masks[1]).astype(np.float32), margin=0)
    if len(found) != 2:
        return False
    boxes = sorted((np.array([x, y, x + w, y + h]) for x, y, w, h in found), key=lambda b: b[0])
    return all(overlap(a, box(b)) > 0.6 for a, b in zip(boxes, masks))


def cut(mask: np.ndarray) -> bool:
    return len(apart(shrunk(mask.astype(np.float32)) > 0.5)) > 1


def main() -> None:
    root, rng = Path(sys.argv[1]), np.random.default_rng(0)
    names = (root / "test.txt").read_text().split()
    masks = [np.asarray(Image.open(root / "masks" / f"{name}.png").convert("1")) for name in names]
    pairs = []
    while len(pairs) < PAIRS:
        one, other = rng.choice(len(masks), 2, replace=False)
        both = pair(masks[one], masks[other], rng)
        if regions(shrunk((both[0] | both[1]).astype(np.float32)) > 0.5)[1] == 1:
            pairs.append(both)
    print(f"{PAIRS} pairs: {np.mean([right(both) for both in pairs]):.1%} told apart")
    for what, share in (("whole", 1), ("upper half", 0.5), ("head and shoulders", 0.3)):
        some = [trimmed(mask)[: int(len(trimmed(mask)) * share)] for mask in masks]
        print(
            f"{len(some)} persons, {what}: {np.mean([cut(mask) for mask in some]):.1%} cut in two"
        )
    model = load_alpha("pp-humanseg-lite", edges="fast", device="cpu", threads=1)
    found = [len(people(model(root / "images" / f"{name}.jpg"))) for name in names]
    print(
        f"{len(names)} photos of one person, by our masks: {np.mean(np.array(found) == 1):.1%} one found"
    )


if __name__ == "__main__":
    main()

"""Cut-out people as persons seen by two cameras, for re-identification to tell apart more of them.

python -m figureground.data.pasted_persons DATA COUNT writes DATA/reid/ccp in Market-1501's layout from
the first COUNT training photos of DATA/people, pasted before those of DATA/saliency.
"""

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from figureground import data
from figureground.data import Example, Pixels, read_soft
from figureground.data.transforms import read_photo
from figureground.errors import DataError, FiguregroundError
from figureground.imaging.write import encode, write

WIDTH, HEIGHT = 64, 160
PICTURES = 6  # of each person, the first two before what was behind them


def pasted(person: Example, backgrounds: list[Example], seed: int) -> list[Pixels]:
    """PICTURES crops 160×64×3 RGB of the person, each framed, lit and blurred anew; none of a tiny one.

    Raises DataError for a photo or an alpha that cannot be read.
    """
    rng = np.random.default_rng(seed)
    photo, alpha = read_photo(person.image), read_soft(person)
    x, y, w, h = cv2.boundingRect((alpha > 0.5).astype(np.uint8))
    if h < 60:
        return []
    crops = []
    for k in range(PICTURES):
        over, under = rng.uniform(0, 0.1, 2) * h
        top, tall = y - over, h + over + under
        wide = max(tall * rng.uniform(0.36, 0.44), w * 0.8)
        left = x + w / 2 + rng.normal(0, 0.03) * tall - wide / 2
        scale = np.array([[WIDTH / wide], [HEIGHT / tall]])
        m = np.hstack([np.diag(scale[:, 0]), -scale * [[left], [top]]])
        if rng.random() < 0.5:
            m[0] = [-m[0, 0], 0, WIDTH - m[0, 2]]
        crop = _framed(photo, m, cv2.BORDER_REFLECT_101)
        if k >= 2:
            weight = _framed(alpha, m, cv2.BORDER_CONSTANT)[..., None]
            behind = _part(rng, read_photo(backgrounds[rng.integers(len(backgrounds))].image))
            crop = crop * weight + behind * (1 - weight)
        crop = crop * np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.06, 3))
        crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.3, 1)) + rng.normal(0, 3, crop.shape)
        crops.append(crop.clip(0, 255).astype(np.uint8))
    return crops


def _framed(
    layer: NDArray[np.uint8] | NDArray[np.float32], m: NDArray[np.float64], border: int
) -> NDArray[np.float32]:
    """The crop that m maps to 0 … WIDTH, 0 … HEIGHT, by way of four times the size so as not to alias."""
    large = cv2.warpAffine(layer, 4 * m, (4 * WIDTH, 4 * HEIGHT), borderMode=border)
    return _shrunk(large)


def _part(rng: Generator, photo: Pixels) -> NDArray[np.float32]:
    """A random upright part of the photo, of a crop's shape."""
    height, width = photo.shape[:2]
    tall = int(min(height, width * HEIGHT / WIDTH) * rng.uniform(0.5, 1))
    wide = tall * WIDTH // HEIGHT
    y, x = rng.integers(height - tall + 1), rng.integers(width - wide + 1)
    return _shrunk(photo[y : y + tall, x : x + wide])


def _shrunk(layer: NDArray[np.uint8] | NDArray[np.float32]) -> NDArray[np.float32]:
    return cv2.resize(layer, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)


def write_set(root: Path, count: int) -> int:
    """Writes the crops below root/reid/ccp; returns how many. Each file appears whole or not at all. Those
    of persons after the first COUNT, written before, are removed.

    Raises DataError for a count below 1, or photos that are not there or cannot be read, ImageError
    for a file that cannot be written.
    """
    if count < 1:
        raise DataError(f"COUNT is {count}; expected at least 1")
    people = data.read("people", root / "people", "train")[:count]
    backgrounds = data.read("saliency", root / "saliency", "train")
    folder = root / "reid/ccp/bounding_box_train"
    for path in folder.glob("[0-9]*_c[12]s1_*_00.jpg"):
        if int(path.name.split("_")[0]) > count:
            path.unlink()
    written = 0
    for number, person in enumerate(people):
        for k, crop in enumerate(pasted(person, backgrounds, number)):
            name = f"{number + 1:04d}_c{1 + k % 2}s1_{k:06d}_00.jpg"
            write(folder / name, encode(crop, "JPEG", quality=85))
            written += 1
    return written


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder of people/, saliency/ and reid/")
    parser.add_argument("count", type=int, help="of how many people")
    given = parser.parse_args()
    try:
        print(write_set(given.data, given.count), "crops")
    except FiguregroundError as error:
        sys.exit(f"figureground: {error}")

"""Training crops of persons by number, so that a run can be repeated and resumed exactly.

Pixels are H×W×3 uint8 RGB. Every random function takes the generator first.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from figureground.data import Pixels, Sighting
from figureground.data.skipped import Skipped
from figureground.data.transforms import distort, read_photo
from figureground.errors import DataError
from figureground.runtime.prepare import Input, normalize


def read_crop(path: Path, spec: Input) -> Pixels:
    """The crop at the network's size, scaled as runtime.prepare scales it; DataError if unreadable."""
    size = spec.width, spec.height
    return np.asarray(Image.fromarray(read_photo(path)).resize(size, Image.Resampling.BILINEAR))


def move(
    rng: Generator, pixels: Pixels, padding: int, zoom: float, fill: NDArray[np.uint8]
) -> Pixels:
    """A random crop of the same size after padding all sides; before it, width and height are each
    scaled by a factor uniform in 1 ± zoom about the centre."""
    height, width = pixels.shape[:2]
    x, y = rng.uniform(-padding, padding, 2) if zoom else rng.integers(-padding, padding + 1, 2)
    sx, sy = rng.uniform(1 - zoom, 1 + zoom, 2)
    matrix = np.array([[sx, 0, x + (1 - sx) * width / 2], [0, sy, y + (1 - sy) * height / 2]])
    return cv2.warpAffine(pixels, matrix, (width, height), borderValue=fill.tolist())


def erase(
    rng: Generator,
    pixels: Pixels,
    fill: NDArray[np.uint8],
    p: float = 0.5,
    area: tuple[float, float] = (0.02, 0.4),
    ratio: tuple[float, float] = (0.3, 1 / 0.3),
) -> Pixels:
    """Random erasing (Zhong et al. 2017, arXiv 1708.04896, alg. 1): with probability p one rectangle,
    its share of the area and its height ÷ width uniform in the ranges, becomes `fill`."""
    if rng.random() >= p:
        return pixels
    height, width = pixels.shape[:2]
    for _ in range(100):  # as published: until one fits
        size, shape = rng.uniform(*area) * height * width, rng.uniform(*ratio)
        h, w = round((size * shape) ** 0.5), round((size / shape) ** 0.5)
        if 0 < h < height and 0 < w < width:
            y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
            pixels = pixels.copy()
            pixels[y : y + h, x : x + w] = fill
            break
    return pixels


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> NDArray[np.int64]:
    return np.random.default_rng((seed, 2, epoch)).permutation(count)


class Crops(Dataset[tuple[Tensor, Tensor]]):
    """Sample k is a function of (seed, k): 3×H×W float32 normalised crop, number of its person.

    pictures_per_person 0: all pictures in turn, each time round in another order. Else K: samples
    K·v … K·v + K − 1 are pictures of one person, the persons in turn likewise; who has fewer than K
    gives some twice. A batch of P·K samples then is P persons × K pictures.
    padding in pixels, zoom: see move. erasing: probability. colour, hue: strength and degrees, see
    transforms.distort; colour 0 turns both off. cache: keep all crops in memory, decoded, at the
    network's size. What cannot be read raises DataError when its turn comes; with `skipped` it is
    listed there instead, and the next of the same person shown.
    """

    def __init__(
        self,
        sightings: list[Sighting],
        spec: Input,
        pictures_per_person: int,
        padding: int,
        zoom: float,
        erasing: float,
        colour: float,
        hue: float,
        seed: int,
        cache: bool,
    ) -> None:
        self.sightings = sightings
        self.spec = spec
        self.pictures_per_person = pictures_per_person
        self.padding = padding
        self.zoom = zoom
        self.erasing = erasing
        self.colour = colour
        self.hue = hue
        self.seed = seed
        self.count = len(sightings)
        self.persons = sorted({s.person for s in sightings})
        number = {person: n for n, person in enumerate(self.persons)}
        self.labels = [number[s.person] for s in sightings]
        self.pictures: list[list[int]] = [[] for _ in self.persons]
        for index, label in enumerate(self.labels):
            self.pictures[label].append(index)
        self.fill = np.array(spec.mean) * 255
        self.fill = self.fill.round().astype(np.uint8)
        self.skipped: Skipped | None = None
        self.kept = [self._read(index) for index in range(len(sightings))] if cache else None

    def pick(self, k: int) -> int:
        """Index of the sighting that sample k shows."""
        if not self.pictures_per_person:
            epoch, place = divmod(k, len(self.sightings))
            return int(_order(self.seed, epoch, len(self.sightings))[place])
        visit, turn = divmod(k, self.pictures_per_person)
        epoch, place = divmod(visit, len(self.persons))
        own = self.pictures[_order(self.seed, epoch, len(self.persons))[place]]
        order = np.random.default_rng((self.seed, 1, visit)).permutation(len(own))
        return own[order[turn % len(own)]]

    def files(self, k: int) -> list[Path]:
        """The picture that sample k shows."""
        return [self.sightings[self.pick(k)].image]

    def _read(self, index: int) -> Pixels | DataError:
        try:
            return read_crop(self.sightings[index].image, self.spec)
        except DataError as error:
            return error

    def _pixels(self, index: int) -> Pixels:
        """A picture, or, with `skipped`, the next of the same person that can be read."""
        others = self.pictures[self.labels[index]]
        turn = others.index(index)
        for other in others[turn:] + others[:turn]:
            found = self.kept[other] if self.kept else self._read(other)
            if not isinstance(found, DataError):
                return found
            if self.skipped is None:
                raise found
            self.skipped.add(found)
        raise DataError(
            f"none of the {len(others)} pictures of person {self.sightings[index].person} can be read; "
            f"{self.skipped} lists them: mend or remove them"
        )

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor]:
        index = self.pick(k)
        rng = np.random.default_rng((self.seed, 0, k))
        pixels = self._pixels(index)
        if rng.random() < 0.5:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        if self.padding or self.zoom:
            pixels = move(rng, pixels, self.padding, self.zoom, self.fill)
        if self.colour:
            pixels = distort(rng, pixels, self.colour, self.hue)
        pixels = erase(rng, pixels, self.fill, self.erasing)
        image = torch.from_numpy(normalize(pixels, self.spec))
        return image, torch.tensor(self.labels[index])

"""Training pictures by number, so that a run can be repeated and resumed exactly."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from figureground.data import Example, read_class_labels, read_mask, read_soft
from figureground.data.pictures import Pipeline
from figureground.data.transforms import Layers, read_photo
from figureground.errors import DataError
from figureground.runtime.prepare import Input, normalize, prepare

Source = Callable[[Generator, int, int], Layers]
Read = Callable[[Example], Layers]


def with_mask(example: Example) -> Layers:
    """Photo and labels: 0, 1 and 255 = ignored; a photo of nobody has no mask."""
    photo = read_photo(example.image)
    if example.mask is None:
        return photo, np.zeros(photo.shape[:2], np.uint8)
    return _alike(example, photo, read_mask(example.mask))


def with_soft(example: Example) -> Layers:
    """Photo and soft map: the alpha, or else the mask."""
    return _alike(example, read_photo(example.image), read_soft(example))


def with_labels(example: Example) -> Layers:
    """Photo and class numbers."""
    return _alike(example, read_photo(example.image), read_class_labels(example))


def _alike(example: Example, photo: NDArray[Any], truth: NDArray[Any]) -> Layers:
    if photo.shape[:2] != truth.shape:
        (height, width), (tall, wide) = photo.shape[:2], truth.shape
        raise DataError(f"{example.image} is {width}x{height} pixels, its truth {wide}x{tall}")
    return photo, truth


class Photos:
    """Draws one of the examples and makes a picture of it."""

    def __init__(self, examples: list[Example], read: Read, pipeline: Pipeline) -> None:
        self.examples = examples
        self.read = read
        self.pipeline = pipeline

    def __call__(self, rng: Generator, width: int, height: int) -> Layers:
        example = self.examples[rng.integers(len(self.examples))]
        return self.pipeline(rng, self.read(example), width, height)


class Mixed:
    """Draws from the second source for the given share of pictures, else from the first."""

    def __init__(self, first: Source, second: Source, share: float) -> None:
        self.first = first
        self.second = second
        self.share = share

    def __call__(self, rng: Generator, width: int, height: int) -> Layers:
        return (self.second if rng.random() < self.share else self.first)(rng, width, height)


def tensors(truths: Layers) -> list[Tensor]:
    """Labels as int64, soft maps as float32."""
    return [torch.from_numpy(t.astype(np.int64) if t.dtype == np.uint8 else t) for t in truths]


class Samples(Dataset[tuple[Tensor, ...]]):
    """Sample k is a function of (seed, k); all samples of one batch have one of `sizes`.

    Gives 3×H×W float32, normalised as `spec` says, and the truths: H×W int64 labels, float32 soft maps.
    """

    def __init__(
        self,
        source: Source,
        sizes: list[tuple[int, int]],
        batch_size: int,
        seed: int,
        spec: Input,
    ) -> None:
        self.source = source
        self.sizes = sizes
        self.batch_size = batch_size
        self.seed = seed
        self.spec = spec

    def __getitem__(self, k: int) -> tuple[Tensor, ...]:
        batch = np.random.default_rng((self.seed, 1, k // self.batch_size))
        width, height = self.sizes[batch.integers(len(self.sizes))]
        pixels, *truths = self.source(np.random.default_rng((self.seed, 0, k)), width, height)
        return torch.from_numpy(normalize(pixels, self.spec)), *tensors(tuple(truths))


class Validation(Dataset[tuple[Tensor, ...]]):
    """Photos as a predictor sees them, with their truths at full size."""

    def __init__(self, examples: list[Example], read: Read, spec: Input) -> None:
        self.examples = examples
        self.read = read
        self.spec = spec

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        pixels, *truths = self.read(self.examples[index])
        return torch.from_numpy(prepare(pixels, self.spec)[0]), *tensors(tuple(truths))


class Onward(Sampler[int]):
    """The next `length` sample numbers from start(), asked anew for each epoch.

    Lightning's own count of epochs is off by one after a resume; its count of steps is not.
    """

    def __init__(self, length: int, start: Callable[[], int]) -> None:
        self.length = length
        self.start = start

    def __iter__(self) -> Iterator[int]:
        first = self.start()
        return iter(range(first, first + self.length))

    def __len__(self) -> int:
        return self.length

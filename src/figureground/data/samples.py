"""Training pictures by number, so that a run can be repeated and resumed exactly."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from figureground.data import Example, Labels, Pixels, read_mask
from figureground.data.transforms import Transform, normalize, read_photo

Source = Callable[[Generator, int, int], tuple[Pixels, Labels]]


class Photos:
    """Draws one of the examples and transforms it."""

    def __init__(self, examples: list[Example], transform: Transform) -> None:
        self.examples = examples
        self.transform = transform

    def __call__(self, rng: Generator, width: int, height: int) -> tuple[Pixels, Labels]:
        example = self.examples[rng.integers(len(self.examples))]
        assert example.mask is not None
        pixels, labels = read_photo(example.image), read_mask(example.mask)
        return self.transform(rng, pixels, labels, width, height)


class Samples(Dataset[tuple[Tensor, Tensor]]):
    """Sample k is a function of (seed, k); all samples of one batch have one of `sizes`.

    Gives (3×H×W float32 normalised image, H×W int64 labels).
    """

    def __init__(
        self,
        source: Source,
        sizes: list[tuple[int, int]],
        batch_size: int,
        seed: int,
        mean: list[float],
        std: list[float],
    ) -> None:
        self.source = source
        self.sizes = sizes
        self.batch_size = batch_size
        self.seed = seed
        self.mean = mean
        self.std = std

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor]:
        batch = np.random.default_rng((self.seed, 1, k // self.batch_size))
        width, height = self.sizes[batch.integers(len(self.sizes))]
        pixels, labels = self.source(np.random.default_rng((self.seed, 0, k)), width, height)
        image = torch.from_numpy(normalize(pixels, self.mean, self.std))
        return image, torch.from_numpy(labels.astype(np.int64))


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

"""Training pictures by number, so that a run can be repeated and resumed exactly."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from figureground.data import Example, read_class_labels, read_mask, read_soft
from figureground.data.pictures import Pipeline
from figureground.data.skipped import Skipped
from figureground.data.transforms import Layers, read_photo
from figureground.errors import DataError, ImageError
from figureground.runtime.prepare import Input, normalize, prepare

ATTEMPTS = 100  # unreadable pictures in a row before there seems to be no other


class Source(Protocol):
    """Draws a picture and its truths. drawn: the examples that the last one was made of."""

    drawn: list[Example]

    def __call__(self, rng: Generator, width: int, height: int) -> Layers: ...


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
        self.drawn: list[Example] = []

    def __call__(self, rng: Generator, width: int, height: int) -> Layers:
        example = self.examples[rng.integers(len(self.examples))]
        self.drawn = [example]
        return self.pipeline(rng, self.read(example), width, height)


class Mixed:
    """Draws from the second source for the given share of pictures, else from the first."""

    def __init__(self, first: Source, second: Source, share: float) -> None:
        self.first = first
        self.second = second
        self.share = share
        self.drawn: list[Example] = []

    def __call__(self, rng: Generator, width: int, height: int) -> Layers:
        source = self.second if rng.random() < self.share else self.first
        layers = source(rng, width, height)
        self.drawn = source.drawn
        return layers


def tensors(truths: Layers) -> list[Tensor]:
    """Labels as int64, soft maps as float32."""
    return [torch.from_numpy(t.astype(np.int64) if t.dtype == np.uint8 else t) for t in truths]


class Samples(Dataset[tuple[Tensor, ...]]):
    """Sample k is a function of (seed, k); all samples of one batch have one of `sizes`.

    Gives 3×H×W float32, normalised as `spec` says, and the truths: H×W int64 labels, float32 soft maps.
    What cannot be read raises DataError or ImageError; with `skipped` it is listed there instead, and
    another picture drawn.
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
        self.skipped: Skipped | None = None

    def __getitem__(self, k: int) -> tuple[Tensor, ...]:
        pixels, *truths = self._draw(k)
        return torch.from_numpy(normalize(pixels, self.spec)), *tensors(tuple(truths))

    @property
    def count(self) -> int:
        """How many photos there are to draw from; 0 where each picture is composed of several."""
        return len(getattr(self.source, "examples", ()))

    def _draw(self, k: int) -> Layers:
        batch = np.random.default_rng((self.seed, 1, k // self.batch_size))
        width, height = self.sizes[batch.integers(len(self.sizes))]
        for attempt in range(ATTEMPTS):
            again = (attempt,) if attempt else ()
            try:
                rng = np.random.default_rng((self.seed, 0, k, *again))
                return self.source(rng, width, height)
            except (DataError, ImageError) as error:
                if self.skipped is None:
                    raise
                self.skipped.add(error)
        raise DataError(f"{ATTEMPTS} pictures in a row cannot be read; {self.skipped} lists them")

    def files(self, k: int) -> list[Path]:
        """The photos that sample k is made of."""
        with contextlib.suppress(DataError, ImageError):
            self._draw(k)
        return [example.image for example in self.source.drawn]


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


def share(
    step: int, part: int, batch_size: int, parts: int = 1, processes: int = 1, rank: int = 0
) -> range:
    """The sample numbers that one of `processes` learns from at once.

    Step s learns from batch_size samples from s · batch_size on, in `parts` parts one after the other
    (gradient accumulation), each shared out evenly among the processes: whatever the division, the same.
    """
    size = batch_size // (parts * processes)
    first = step * batch_size + (part * processes + rank) * size
    return range(first, first + size)


class Onward(Sampler[int]):
    """One process's sample numbers of the next `steps` steps from step start(), asked anew for each epoch.

    Lightning's own count of epochs is off by one after a resume; its count of steps is not.
    For the other arguments see `share`.
    """

    def __init__(
        self,
        steps: int,
        start: Callable[[], int],
        batch_size: int,
        parts: int = 1,
        processes: int = 1,
        rank: int = 0,
    ) -> None:
        self.steps = steps
        self.start = start
        self.batch_size = batch_size
        self.division = parts, processes, rank

    def __iter__(self) -> Iterator[int]:
        first = self.start()
        for step in range(first, first + self.steps):
            for part in range(self.division[0]):
                yield from share(step, part, self.batch_size, *self.division)

    def __len__(self) -> int:
        return self.steps * self.batch_size // self.division[1]

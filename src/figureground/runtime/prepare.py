"""From a photo to a network's input, by what the card says. Shared by use, validation and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import CardError
from figureground.imaging.size import reduced

ROWS = 64  # of a picture at a time
CHOICES = {
    "resize": ("stretch", "fit", "pad"),
    "channels": ("rgb", "bgr"),
    "divisor": ("255", "max"),
}


@dataclass(frozen=True)
class Input:
    """What a network wants to see.

    resize "stretch": to exactly width×height, whatever the photo's shape.
    resize "fit": the photo's shape is kept; width·height pixels in all, sides rounded to multiples
    of `multiple`.
    resize "pad": the photo's shape is kept within width×height; zeros fill the right or the bottom.
    Values are RGB (or BGR), (x / divisor − mean) / std per channel in that order; divisor "max" is the
    largest value in the photo.
    """

    width: int
    height: int
    resize: Literal["stretch", "fit", "pad"] = "stretch"
    multiple: int = 32
    channels: Literal["rgb", "bgr"] = "rgb"
    divisor: Literal["255", "max"] = "255"
    mean: Sequence[float] = (0.5, 0.5, 0.5)
    std: Sequence[float] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if (given := getattr(self, name)) not in allowed:
                raise CardError(f"input has {name} {given!r}; expected {' or '.join(allowed)}")
        for name in ("width", "height", "multiple"):
            if not isinstance(given := getattr(self, name), int):
                raise CardError(f"input has {name} {given!r}; expected a whole number")
        for name in ("mean", "std"):  # YAML gives lists, which are equal to no tuple
            object.__setattr__(self, name, tuple(getattr(self, name)))
        numbers = all(isinstance(value, int | float) for value in (*self.mean, *self.std))
        numbers = numbers and all(map(math.isfinite, (*self.mean, *self.std)))
        if not (numbers and len(self.mean) == len(self.std) == 3 and min(self.std) > 0):
            raise CardError(
                f"input has mean {list(self.mean)} and std {list(self.std)}; expected three numbers "
                "each, std above 0"
            )
        if min(self.width, self.height, self.multiple) < 1:
            raise CardError(f"input size {self.width}x{self.height} is not positive")

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Network width and height for a photo of that size."""
        return (
            self.content_for(width, height) if self.resize == "fit" else (self.width, self.height)
        )

    def content_for(self, width: int, height: int) -> tuple[int, int]:
        """The part of that which shows the photo; the rest, below and to the right, is padding."""
        if self.resize == "stretch":
            return self.width, self.height
        if self.resize == "pad":
            scale = min(self.width / width, self.height / height)
            return max(round(width * scale), 1), max(round(height * scale), 1)
        # the longest side is bounded, so that a 1×10000 strip does not become a 1-pixel network input
        scale = math.sqrt(self.width * self.height / (width * height))
        longest = 4 * max(self.width, self.height)

        def side(length: int) -> int:
            rounded = round(length * scale / self.multiple) * self.multiple
            return min(max(rounded, self.multiple), longest)

        return side(width), side(height)


def prepare(pixels: NDArray[np.uint8], spec: Input) -> NDArray[np.float32]:
    """H×W×3 uint8 RGB to 1×3×h×w float32. Shrinking is antialiased (bilinear over the covered area)."""
    height, width = pixels.shape[:2]
    content = spec.content_for(width, height)
    image = reduced(pixels, content, Image.Resampling.BILINEAR)
    normal = normalize(np.asarray(image), spec)[None]
    right, below = (full - part for full, part in zip(spec.size_for(width, height), content))
    if right or below:
        normal = np.pad(normal, ((0, 0), (0, 0), (0, below), (0, right)))
    return normal


def normalize(pixels: NDArray[np.uint8], spec: Input) -> NDArray[np.float32]:
    """h×w×3 uint8 RGB to 3×h×w float32: channels, divisor, mean and std as the spec says."""
    values = pixels[:, :, ::-1] if spec.channels == "bgr" else pixels
    divisor = 255 if spec.divisor == "255" else max(int(pixels.max()), 1)
    mean, std = (np.array(three, np.float32)[:, None, None] for three in (spec.mean, spec.std))
    # in the order of the answer: plane by plane is ten times as fast as three by three
    planes = np.multiply(values.transpose(2, 0, 1), 1 / (divisor * std), order="C")
    planes -= mean / std
    return planes


def enlarge(
    answer: NDArray[np.float32],
    spec: Input,
    width: int,
    height: int,
    size: tuple[int, int] | None = None,
    then: Callable[[NDArray[np.float32]], object] = lambda strip: None,
) -> NDArray[np.float32]:
    """A network's h×w map at the size of the photo it was asked about, or at another (width, height):
    padding cut off, bilinear.

    The map may be smaller than the network's input (a quarter, say), but of its shape. then: what is done
    in place to each strip of the result, which is cheap while the processor's cache has it.
    """
    full, content = spec.size_for(width, height), spec.content_for(width, height)
    across, down = (part / whole for part, whole in zip(content, full))
    image = Image.fromarray(np.ascontiguousarray(answer, np.float32))
    width, height = size or (width, height)
    result = np.empty((height, width), np.float32)
    per_row = down * answer.shape[0] / height
    for top in range(0, height, ROWS):
        strip = result[top : top + ROWS]
        box = (0, top * per_row, across * answer.shape[1], (top + len(strip)) * per_row)
        strip[:] = np.asarray(image.resize((width, len(strip)), Image.Resampling.BILINEAR, box=box))
        then(strip)
    return result

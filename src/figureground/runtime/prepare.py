"""From a photo to a network's input, by what the card says. Shared by use, validation and benchmarks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import CardError


@dataclass(frozen=True)
class Input:
    """What a network wants to see.

    resize "stretch": to exactly width×height, whatever the photo's shape (the published way).
    resize "fit": the photo's shape is kept; width·height pixels in all, sides rounded to multiples
    of `multiple`.
    Values are RGB (or BGR), (x / 255 − mean) / std per channel in that order.
    """

    width: int
    height: int
    resize: Literal["stretch", "fit"] = "stretch"
    multiple: int = 32
    channels: Literal["rgb", "bgr"] = "rgb"
    mean: Sequence[float] = (0.5, 0.5, 0.5)
    std: Sequence[float] = (0.5, 0.5, 0.5)

    def __post_init__(self) -> None:
        if self.resize not in ("stretch", "fit") or self.channels not in ("rgb", "bgr"):
            raise CardError(
                f"input has resize {self.resize!r} and channels {self.channels!r}; "
                "expected stretch or fit, and rgb or bgr"
            )
        if not len(self.mean) == len(self.std) == 3 or min(self.std) <= 0:
            raise CardError(
                f"input has mean {list(self.mean)} and std {list(self.std)}; expected three numbers "
                "each, std above 0"
            )
        if min(self.width, self.height, self.multiple) < 1:
            raise CardError(f"input size {self.width}x{self.height} is not positive")

    def size_for(self, width: int, height: int) -> tuple[int, int]:
        """Network width and height for a photo of that size."""
        if self.resize == "stretch":
            return self.width, self.height
        # the longest side is bounded, so that a 1×10000 strip does not become a 1-pixel network input
        scale = math.sqrt(self.width * self.height / (width * height))
        longest = 4 * max(self.width, self.height)

        def side(length: int) -> int:
            rounded = round(length * scale / self.multiple) * self.multiple
            return min(max(rounded, self.multiple), longest)

        return side(width), side(height)


def prepare(pixels: NDArray[np.uint8], spec: Input) -> NDArray[np.float32]:
    """H×W×3 uint8 RGB to 1×3×h×w float32. Shrinking is antialiased (bilinear over the covered area)."""
    size = spec.size_for(pixels.shape[1], pixels.shape[0])
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    small = np.asarray(image, np.float32)
    if spec.channels == "bgr":
        small = small[:, :, ::-1]
    mean, std = np.asarray(spec.mean, np.float32), np.asarray(spec.std, np.float32)
    normal = (small / np.float32(255) - mean) / std
    return np.ascontiguousarray(normal.transpose(2, 0, 1)[None])

"""Joint transforms of a photo (H×W×3 uint8 RGB) and its label map (H×W uint8, 255 = ignored).

Every random function takes the generator first and draws all it needs from it, so a sample is a
function of its seed. `published` is PP-HumanSegV2's training pipeline: the same steps, ranges and
probabilities; hue is turned about the grey axis rather than in HSV.
"""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from figureground.data import IGNORE, Labels, Pixels
from figureground.errors import DataError

cv2.setNumThreads(0)  # the loader's processes are the parallelism


def read_photo(path: Path) -> Pixels:
    """A photo as RGB; DataError when it cannot be decoded."""
    return cv2.cvtColor(_decode(path, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def read_grey(path: Path) -> NDArray[np.uint8]:
    """A photo's brightness, or an alpha file; DataError when it cannot be decoded."""
    return _decode(path, cv2.IMREAD_GRAYSCALE)


def _decode(path: Path, flags: int) -> NDArray[np.uint8]:
    try:  # not imread, which knows no names beyond ASCII on Windows
        values = cv2.imdecode(np.fromfile(path, np.uint8), flags)
    except (OSError, cv2.error):
        values = None
    if values is None:
        raise DataError(f"cannot decode the photo {path}")
    return values


def resize(pixels: Pixels, labels: Labels, width: int, height: int) -> tuple[Pixels, Labels]:
    """To an exact size: bilinear for the photo (as PaddleSeg trains), nearest for labels."""
    return (
        cv2.resize(pixels, (width, height), interpolation=cv2.INTER_LINEAR),
        cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST),
    )


def normalize(pixels: Pixels, mean: list[float], std: list[float]) -> NDArray[np.float32]:
    """(x / 255 − mean) / std per channel; H×W×3 uint8 to 3×H×W float32."""
    deviation = np.asarray(std, np.float32)
    scale = 1 / (255 * deviation)
    shift = np.asarray(mean, np.float32) / deviation
    return np.ascontiguousarray((pixels * scale - shift).transpose(2, 0, 1), np.float32)


def flip(rng: Generator, pixels: Pixels, labels: Labels, p: float = 0.5) -> tuple[Pixels, Labels]:
    """Mirrors left and right with probability p."""
    if rng.random() < p:
        return np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(labels[:, ::-1])
    return pixels, labels


def scale(
    rng: Generator, pixels: Pixels, labels: Labels, low: float = 0.75, high: float = 1.25
) -> tuple[Pixels, Labels]:
    """Resizes both sides by one factor, uniform in [low, high]."""
    factor = rng.uniform(low, high)
    height, width = labels.shape
    return resize(pixels, labels, round(width * factor), round(height * factor))


def rotate(
    rng: Generator, pixels: Pixels, labels: Labels, degrees: float = 15, fill: float = 127.5
) -> tuple[Pixels, Labels]:
    """Turns about the centre by up to ±degrees on a canvas that keeps the corners."""
    height, width = labels.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-degrees, degrees), 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(height * sin + width * cos), int(height * cos + width * sin)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return (
        cv2.warpAffine(pixels, matrix, size, borderValue=(fill,) * 3),
        cv2.warpAffine(labels, matrix, size, flags=cv2.INTER_NEAREST, borderValue=IGNORE),
    )


def crop(
    rng: Generator,
    pixels: Pixels,
    labels: Labels,
    width: int,
    height: int,
    fill: float = 127.5,
) -> tuple[Pixels, Labels]:
    """A random window of exactly width×height; smaller photos are padded right and below."""
    right, below = max(width - labels.shape[1], 0), max(height - labels.shape[0], 0)
    pixels = cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(fill,) * 3)
    labels = cv2.copyMakeBorder(labels, 0, below, 0, right, cv2.BORDER_CONSTANT, value=IGNORE)
    y = rng.integers(labels.shape[0] - height + 1)
    x = rng.integers(labels.shape[1] - width + 1)
    return pixels[y : y + height, x : x + width], labels[y : y + height, x : x + width]


def distort(rng: Generator, pixels: Pixels, strength: float = 0.5, hue: float = 18) -> Pixels:
    """Brightness, contrast, saturation (factors 1 ± strength) and hue (± degrees of 360), each with
    probability one half, in random order."""
    x = pixels.astype(np.float32)
    for step in rng.permutation(4):
        if rng.random() >= 0.5:
            continue
        factor = rng.uniform(1 - strength, 1 + strength)
        if step == 0:
            x *= factor
        elif step == 1:
            grey = x.mean()
            x = (x - grey) * factor + grey
        elif step == 2:
            grey = x @ np.array([0.299, 0.587, 0.114], np.float32)
            x = (x - grey[..., None]) * factor + grey[..., None]
        else:
            x = _turn_hue(x, rng.uniform(-hue, hue))
        np.clip(x, 0, 255, out=x)
    return x.astype(np.uint8)


def _turn_hue(x: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """Rotates colours about the grey axis."""
    angle = np.deg2rad(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    k = 1 / np.sqrt(3)
    cross = np.array([[0, -k, k], [k, 0, -k], [-k, k, 0]])
    matrix = cos * np.eye(3) + sin * cross + (1 - cos) / 3
    return x @ matrix.T.astype(np.float32)


def blur(rng: Generator, pixels: Pixels, p: float = 1 / 3, largest: int = 9) -> Pixels:
    """Gaussian with an odd kernel from 3 to `largest`, with probability p."""
    if rng.random() >= p:
        return pixels
    kernel = int(rng.integers(1, largest // 2 + 1)) * 2 + 1
    return cv2.GaussianBlur(pixels, (kernel, kernel), 0)


def published(
    rng: Generator, pixels: Pixels, labels: Labels, width: int, height: int
) -> tuple[Pixels, Labels]:
    """PP-HumanSegV2's training pipeline (PaddleSeg's human and portrait configurations)."""
    pixels, labels = resize(pixels, labels, width, height)
    pixels, labels = scale(rng, pixels, labels)
    pixels, labels = rotate(rng, pixels, labels)
    pixels, labels = crop(rng, pixels, labels, width, height)
    pixels, labels = flip(rng, pixels, labels)
    return blur(rng, distort(rng, pixels)), labels


Transform = Callable[[Generator, Pixels, Labels, int, int], tuple[Pixels, Labels]]

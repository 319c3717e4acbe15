"""Random transforms of layers: a photo and what is true of it, which move together.

Layers are told apart by their kind: H×W×3 uint8 is a photo (RGB), H×W uint8 are labels (255 = ignored),
H×W float32 is a soft map in [0, 1]. Every random function takes the generator first and draws all it
needs from it, so a sample is a function of its seed. Which steps make up a training picture is said in
`pictures`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from figureground.data import IGNORE, Pixels
from figureground.errors import DataError

Layer = NDArray[Any]
Layers = tuple[Layer, ...]

cv2.setNumThreads(0)  # the loader's processes are the parallelism


def read_photo(path: Path) -> Pixels:
    """A photo as RGB; DataError when it cannot be decoded."""
    return cv2.cvtColor(_decode(path), cv2.COLOR_BGR2RGB)


def _decode(path: Path) -> NDArray[np.uint8]:
    try:  # not imread, which knows no names beyond ASCII on Windows
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        values = None
    if values is None:
        raise DataError(f"cannot decode the photo {path}")
    return values


def _labels(layer: Layer) -> bool:
    return layer.ndim == 2 and layer.dtype == np.uint8


def resize(layers: Layers, width: int, height: int, filter: int = cv2.INTER_LINEAR) -> Layers:
    """To an exact size: photos and soft maps by `filter`, one of OpenCV's; labels to the nearest."""

    def resized(layer: Layer) -> Layer:
        used = cv2.INTER_NEAREST if _labels(layer) else filter
        made = cv2.resize(layer, (width, height), interpolation=used)
        return made.clip(0, 1) if layer.dtype == np.float32 else made  # cubic overshoots

    return tuple(resized(layer) for layer in layers)


def flip(rng: Generator, layers: Layers, p: float = 0.5, axis: int = 1) -> Layers:
    """Mirrors with probability p: left and right (axis 1), or top and bottom (axis 0)."""
    if rng.random() < p:
        return tuple(np.ascontiguousarray(np.flip(layer, axis)) for layer in layers)
    return layers


def quarter_turns(rng: Generator, layers: Layers) -> Layers:
    """Turns by 0, 90, 180 or 270 degrees, each as likely."""
    turns = int(rng.integers(4))
    return tuple(np.ascontiguousarray(np.rot90(layer, turns)) for layer in layers)


def scale(
    rng: Generator,
    layers: Layers,
    low: float = 0.75,
    high: float = 1.25,
    filter: int = cv2.INTER_LINEAR,
) -> Layers:
    """Resizes both sides by one factor, uniform in [low, high]."""
    factor = rng.uniform(low, high)
    height, width = layers[0].shape[:2]
    return resize(layers, max(round(width * factor), 1), max(round(height * factor), 1), filter)


def _beyond(layer: Layer, fill: Sequence[float]) -> Sequence[float]:
    """What is beyond the border: a colour, no label, nothing."""
    return fill if layer.ndim == 3 else (IGNORE if _labels(layer) else 0,)


GREY = (127.5, 127.5, 127.5)


def rotate(
    rng: Generator, layers: Layers, degrees: float = 15, fill: Sequence[float] = GREY
) -> Layers:
    """Turns about the centre by up to ±degrees on a canvas that keeps the corners."""
    height, width = layers[0].shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-degrees, degrees), 1)
    cos, sin = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = int(height * sin + width * cos), int(height * cos + width * sin)
    matrix[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    return tuple(
        cv2.warpAffine(
            layer,
            matrix,
            size,
            flags=cv2.INTER_NEAREST if _labels(layer) else cv2.INTER_LINEAR,
            borderValue=_beyond(layer, fill),
        )
        for layer in layers
    )


def crop(
    rng: Generator, layers: Layers, width: int, height: int, fill: Sequence[float] = GREY
) -> Layers:
    """A random window of exactly width×height; smaller photos are padded right and below."""
    tall, wide = layers[0].shape[:2]
    right, below = max(width - wide, 0), max(height - tall, 0)
    y = rng.integers(tall + below - height + 1)
    x = rng.integers(wide + right - width + 1)
    padded = (
        cv2.copyMakeBorder(
            layer, 0, below, 0, right, cv2.BORDER_CONSTANT, value=_beyond(layer, fill)
        )
        for layer in layers
    )
    return tuple(np.ascontiguousarray(layer[y : y + height, x : x + width]) for layer in padded)


def window(rng: Generator, layers: Layers, width: int, height: int, least: float = 0.6) -> Layers:
    """A random part, of each side at least that share, resized to width×height without aliasing."""
    tall, wide = layers[0].shape[:2]
    w, h = (max(round(side * rng.uniform(least, 1)), 1) for side in (wide, tall))
    x, y = rng.integers(wide - w + 1), rng.integers(tall - h + 1)
    part = tuple(np.ascontiguousarray(layer[y : y + h, x : x + w]) for layer in layers)
    shrinks = width < w and height < h
    return resize(part, width, height, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


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


def camera(rng: Generator, pixels: Pixels) -> Pixels:
    """Light, lens, sensor and JPEG of some stranger's camera."""
    height, width = pixels.shape[:2]
    if rng.random() < 0.5:
        pixels = distort(rng, pixels, strength=0.35, hue=14)
    if rng.random() < 0.15:  # light from one side
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        light = 1 + rng.uniform(0.2, 0.6) * (np.cos(angle) * x + np.sin(angle) * y)
        pixels = np.clip(pixels * light[..., None], 0, 255).astype(np.uint8)
    if rng.random() < 0.06:
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        pixels = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    if rng.random() < 0.15:  # a small picture, enlarged
        share = rng.uniform(0.25, 0.7)
        small = cv2.resize(pixels, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
        pixels = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    pixels = blur(rng, pixels, p=0.15, largest=5)
    if rng.random() < 0.25:
        noise = rng.standard_normal(pixels.shape, np.float32) * np.float32(rng.uniform(2, 14))
        pixels = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        stored = cv2.imencode(".jpg", pixels, quality)[1]
        return np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)
    return pixels

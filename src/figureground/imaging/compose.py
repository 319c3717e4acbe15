"""A person and another background: cut-outs, composites and the backgrounds to put behind."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageColor, ImageFilter, ImageOps

from figureground.errors import ImageError
from figureground.imaging.read import Photo, Source, read, srgb
from figureground.imaging.size import within

ROWS = 64  # of a picture at a time

Pixels = NDArray[np.uint8]


def to_uint8(alpha: NDArray[Any]) -> Pixels:
    """Float32 in [0, 1] to 0 … 255, rounded; uint8 as it is."""
    if alpha.dtype == np.uint8:
        return alpha
    result = np.empty(alpha.shape, np.uint8)
    for top in range(0, len(alpha), ROWS):
        strip = alpha[top : top + ROWS] * np.float32(255)
        strip += np.float32(0.5)
        result[top : top + ROWS] = strip
    return result


def to_float(alpha: NDArray[Any]) -> NDArray[np.float32]:
    """Uint8 to float32 in [0, 1]; float32 as it is."""
    return alpha if alpha.dtype == np.float32 else alpha * np.float32(1 / 255)


def cutout(pixels: Pixels, alpha: NDArray[Any]) -> Pixels:
    """H×W×3 RGB and H×W alpha (float 0 … 1 or uint8) to H×W×4 straight RGBA.

    Colours are not multiplied by alpha, so no dark rim shows on a new background; where alpha is 0
    they are set to 0, which keeps files small and the old background out of them.
    """
    alpha = to_uint8(alpha)
    rgba = np.zeros((*alpha.shape, 4), np.uint8)
    whole = rgba.view(np.uint32)[:, :, 0]
    for top in range(0, len(alpha), ROWS):  # few rows at a time, which stay in the cache
        rows = slice(top, top + ROWS)
        shown = alpha[rows] > 0
        if shown.any():
            for channel in range(3):  # one by one: NumPy is slow where the last axis is short
                rgba[rows, :, channel] = pixels[rows, :, channel]
            rgba[rows, :, 3] = alpha[rows]
            whole[rows] *= shown
    return rgba


def replace(pixels: Pixels, alpha: NDArray[Any], background: Pixels) -> Pixels:
    """alpha · pixels + (1 − alpha) · background; all H×W(×3)."""
    alpha = to_uint8(alpha)
    front, back = Image.fromarray(pixels), Image.fromarray(background)
    return np.array(Image.composite(front, back, Image.fromarray(alpha)))


Background = Callable[[Pixels, Pixels], Pixels | None]
Fit = Literal["fill", "fit"]
POSITIONS = {
    "centre": (0.5, 0.5),
    "left": (0.0, 0.5),
    "right": (1.0, 0.5),
    "top": (0.5, 0.0),
    "bottom": (0.5, 1.0),
    "top-left": (0.0, 0.0),
    "top-right": (1.0, 0.0),
    "bottom-left": (0.0, 1.0),
    "bottom-right": (1.0, 1.0),
}


def background(spec: Source, fit: Fit = "fill", position: str = "centre") -> Background:
    """What to put behind: a function (H×W×3 pixels, H×W uint8 alpha) -> H×W×3, or None: transparent.

    spec: "transparent", "blur", a colour (name, #rrggbb, rgb(r,g,b)) or an image, by its path or as
    imaging.read takes it; fit and position are picture()'s. Raises ImageError for anything else.
    """
    where(position)
    spec = os.fspath(spec) if isinstance(spec, os.PathLike) else spec
    if isinstance(spec, str) and (known := plain(spec)) is not None:
        return known
    try:
        photo = read(spec)
    except ImageError as error:
        given = repr(spec) if isinstance(spec, str) else f"of type {type(spec).__name__}"
        raise ImageError(
            f"the background {given} is none of: transparent, blur, a colour such as white, "
            f"#00ff00 or rgb(0,255,0), an image file ({error})"
        ) from None
    return picture(photo, fit, position)


def transparent(pixels: Pixels, alpha: Pixels) -> None:
    """Nothing behind."""


def plain(spec: str) -> Background | None:
    """What needs no picture: "transparent", "blur" or a colour. None for anything else."""
    if spec == "transparent":
        return transparent
    if spec == "blur":
        return blurred
    try:
        colour = ImageColor.getrgb(spec)
    except ValueError:
        return None
    if max(colour) > 255 or len(colour) > 3:
        raise ImageError(f"the background {spec!r} has a part above 255, or transparency")
    return lambda pixels, alpha: np.full(pixels.shape, colour, np.uint8)


def where(position: str) -> tuple[float, float]:
    """A name of POSITIONS, or "x,y", as shares from the left and the top in [0, 1]; or ImageError."""
    if position in POSITIONS:
        return POSITIONS[position]
    try:
        x, y = map(float, position.split(","))
    except ValueError:
        x = y = -1
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ImageError(
            f"background_position is {position[:40]!r}; expected {', '.join(POSITIONS)}, or x,y, each from "
            "0 to 1"
        )
    return x, y


def picture(photo: Photo, fit: Fit = "fill", position: str = "centre") -> Background:
    """A picture in its own shape. fit "fill": as large as the photo needs, the rest cut off; "fit": all of
    it, out of focus where it does not reach. position: which part stays, or where it is, see where()."""
    image, centre = Image.fromarray(srgb(photo).pixels), where(position)

    def fitted(pixels: Pixels, alpha: Pixels) -> Pixels:
        size = pixels.shape[1], pixels.shape[0]
        full = ImageOps.fit(image, size, Image.Resampling.BILINEAR, centering=centre)
        if fit == "fill":
            return np.asarray(full)
        whole = ImageOps.contain(image, size, Image.Resampling.BILINEAR)
        result = Image.fromarray(blurred(np.asarray(full), np.zeros_like(alpha)))
        place = [
            round((most - side) * share) for most, side, share in zip(size, whole.size, centre)
        ]
        result.paste(whole, (place[0], place[1]))
        return np.asarray(result)

    return fitted


def shadow(alpha: Pixels, strength: float) -> Pixels:
    """H×W uint8: how dark it is behind an H×W uint8 alpha that light falls on from the upper left.

    strength: of the darkest place, in [0, 1]. The shadow lies 1 % of the longer side to the right and 2 %
    down, and is as soft as 2 %; it is computed on a picture of at most 512 pixels.
    """
    height, width = alpha.shape
    size = within(width, height, 512)
    small = Image.fromarray(alpha).resize(size, Image.Resampling.BOX)
    share = max(size) / 100
    border = round(8 * share)
    wide = Image.fromarray(np.pad(np.asarray(small), border))
    moved = ImageChops.offset(wide, round(share), round(2 * share))
    soft = ImageOps.crop(moved.filter(ImageFilter.GaussianBlur(2 * share)), border)
    soft = soft.point([round(value * strength) for value in range(256)])
    return np.asarray(soft.resize((width, height), Image.Resampling.BILINEAR))


def shaded(pixels: Pixels, alpha: NDArray[Any], dark: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
    """Straight colours and alpha, H×W float32, of a cut-out with its shadow, a black behind it."""
    front = to_float(alpha)
    both = front + (1 - front) * dark * np.float32(1 / 255)
    ratio = np.divide(front, both, out=np.zeros_like(front), where=both > 0)
    return (pixels * ratio[:, :, None] + np.float32(0.5)).astype(np.uint8), both


def blurred(pixels: Pixels, alpha: Pixels, share: float = 0.03) -> Pixels:
    """The photo's own background out of focus, with a radius of `share` of the longer side.

    The person does not bleed into it: colours are averaged with weight 1 − alpha. It is computed on
    a picture of at most 512 pixels, where a blur that large loses nothing.
    """
    height, width = pixels.shape[:2]
    size = within(width, height, 512)
    small = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
    visible = Image.fromarray(255 - alpha).resize(size, Image.Resampling.BOX)
    radius = ImageFilter.GaussianBlur(share * max(size))
    black = Image.new("RGB", size)
    colour = np.asarray(Image.composite(small, black, visible).filter(radius), np.float32)
    weight = np.asarray(visible.filter(radius), np.float32)[:, :, None]
    whole = np.asarray(small.filter(radius), np.float32)  # where only the person is near
    certain = np.clip(weight / 32, 0, 1)
    mixed = certain * colour * 255 / np.maximum(weight, 1) + (1 - certain) * whole
    result = Image.fromarray(mixed.clip(0, 255).astype(np.uint8))
    return np.asarray(result.resize((width, height), Image.Resampling.BICUBIC))


def checkerboard(height: int, width: int, cell: int = 16) -> Pixels:
    """Grey and white squares, H×W×3: how transparency is shown."""
    y, x = np.ogrid[:height, :width]
    grey = np.where((y // cell + x // cell) % 2, 255, 204).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def overlay(pixels: NDArray[np.uint8], labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """H×W×3 with a colour of its own for each class number of H×W but 0, mixed half and half."""
    mixed = pixels // 2 + palette()[labels] // 2
    return np.where((labels == 0)[:, :, None], pixels, mixed)


def palette() -> NDArray[np.uint8]:
    """A colour for each class number, 256×3: hues a golden angle apart, so that neighbours differ."""
    hues = np.arange(256) * 0.618 % 1
    wheel = np.abs((hues[:, None] + np.array([0, 2 / 3, 1 / 3])) % 1 * 6 - 3) - 1
    return (wheel.clip(0, 1) * 255).astype(np.uint8)

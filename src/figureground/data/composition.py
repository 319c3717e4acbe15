"""figureground's own training pictures, composed from cut-outs: what makes few photos go far.

A street photographer's 800 full-body photos do not show portraits, groups, odd poses, indoor light
or things that look like people and are not. These pictures do: a person photo cropped to full body,
half body or portrait, or one to four people pasted onto a photo that shows nobody, with salient
things pasted behind and before them, and the light, lens, sensor and JPEG of a stranger's camera.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from figureground.data import Example, Pixels, read_alpha, read_mask
from figureground.data.outlines import Outlines
from figureground.data.transforms import Layers, camera, read_photo
from figureground.errors import DataError

Matrix = NDArray[np.float64]
Grey = NDArray[np.uint8]  # H×W alpha, 255 is the person


@cache
def _pyramid(path: Path | Outlines, kind: str) -> list[NDArray[np.uint8]]:
    """The picture at 1, 1/2, 1/4 … of its size. Kept: a set of 1,000 small photos takes 2 GB."""
    level: Pixels
    if kind == "mask" or isinstance(path, Outlines):
        level = read_mask(path) * np.uint8(255)
    elif kind == "photo":
        level = read_photo(path)
    else:
        level = (read_alpha(path) * 255).round().astype(np.uint8)
    levels = [level]
    while min(level.shape[:2]) > 64:
        level = cv2.resize(level, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        levels.append(level)
    return levels


def _mask(example: Example) -> tuple[Path | Outlines, str]:
    """The file that outlines the person, and its kind."""
    path = example.mask or example.alpha
    assert path is not None
    return path, "mask" if example.mask else "alpha"


def _alpha(example: Example) -> tuple[Path | Outlines, str]:
    """The same, the soft one if there is one."""
    return (example.alpha, "alpha") if example.alpha else _mask(example)


@cache
def _box(path: Path | Outlines, kind: str) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the person."""
    x, y, width, height = cv2.boundingRect((_pyramid(path, kind)[0] > 127).astype(np.uint8))
    return x, y, x + max(width, 1), y + max(height, 1)


def _warp(levels: list[NDArray[np.uint8]], m: Matrix, size: tuple[int, int], border: int) -> Pixels:
    """Warps with the pyramid level that fits, so that shrinking does not alias."""
    shrink = 1 / np.sqrt(abs(np.linalg.det(m[:, :2])))
    level = int(np.clip(np.log2(max(shrink, 1e-6)) + 0.5, 0, len(levels) - 1))
    picture = levels[level]
    scale = np.diag([levels[0].shape[1] / picture.shape[1], levels[0].shape[0] / picture.shape[0]])
    matrix = np.hstack([m[:, :2] @ scale, m[:, 2:]])
    return cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)


def _placement(
    rng: Generator, anchor: tuple[float, float], scale: float, target: tuple[float, float]
) -> Matrix:
    """Source point `anchor` to canvas point `target`, with scale, a turn, a stretch and a flip."""
    degrees = rng.normal(0, 8) if rng.random() < 0.85 else rng.uniform(-70, 70)
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    stretch = np.exp(rng.normal(0, 0.08))
    mirror = -1 if rng.random() < 0.5 else 1
    linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag(
        [scale * stretch * mirror, scale / stretch]
    )
    shift = np.array(target) - linear @ np.array(anchor)
    return np.hstack([linear, shift[:, None]])


def _pose(
    rng: Generator, box: tuple[int, int, int, int], width: int, height: int, crowd: int
) -> Matrix:
    """Where a person goes: full body, half body or portrait; smaller and apart in a crowd."""
    left, top, right, bottom = box
    body = bottom - top
    x = width * rng.uniform(0.2, 0.8)
    shot = rng.random()
    if shot < 0.4:  # full body, sometimes far away
        share = rng.uniform(0.5, 1.05) if rng.random() < 0.8 else rng.uniform(0.2, 0.5)
        anchor = ((left + right) / 2, (top + bottom) / 2)
        return _placement(rng, anchor, share * height / body, (x, height * rng.uniform(0.4, 0.6)))
    visible = body * (rng.uniform(0.35, 0.7) if shot < 0.72 else rng.uniform(0.16, 0.35))
    share = rng.uniform(0.5, 1.0) / (1 + 0.15 * (crowd - 1))
    anchor = ((left + right) / 2, float(top))
    return _placement(rng, anchor, share * height / visible, (x, height * (1 - share)))


def _cover(m: Matrix, wide: int, tall: int, width: int, height: int) -> Matrix:
    """Shifts a placement so that the photo covers the canvas along each axis where it is large enough."""
    corners = m[:, :2] @ np.array([[0, wide, 0, wide], [0, 0, tall, tall]]) + m[:, 2:]
    low, high = corners.min(1), corners.max(1)
    size = np.array([width, height])
    shift = np.where(low > 0, -low, np.where(high < size, size - high, 0))
    m[:, 2] += np.where(high - low >= size, shift, 0)
    return m


def _tone(rng: Generator, pixels: Pixels) -> Pixels:
    """Exposure, gamma and white balance of one layer, as one lookup."""
    ramp = np.linspace(0, 1, 256)[:, None]
    gamma = np.exp(rng.normal(0, 0.25))
    gain = np.exp(rng.normal(0, 0.15) + rng.normal(0, 0.06, 3))
    table = (np.clip(ramp**gamma * gain, 0, 1) * 255).astype(np.uint8)
    return cv2.LUT(pixels, table[None])


def _outlines(mask: Path | Outlines) -> bool:
    """Whether the mask shows anything at half; graded ones need not."""
    try:
        return bool(read_mask(mask).any())
    except DataError:
        return False


class Compositions:
    """Draws (pixels height×width×3 uint8 RGB, labels height×width of 0 and 1), or, soft, an alpha float32
    height×width in [0, 1] instead of the labels.

    people: one whole person in each photo, fit to be cut out. scenes: photos of people of any kind,
    used as they are. nobody: photos of no person; those with a mask also lend the thing it outlines, as
    do those of things, by their alphas where they have some.
    photo_share: how many of the pictures keep the surroundings they were taken in (scenes included);
    in the others people are pasted onto another background. empty_share: how many of those others
    show nobody.
    """

    def __init__(
        self,
        people: list[Example],
        nobody: list[Example],
        scenes: list[Example],
        photo_share: float = 0.42,
        empty_share: float = 0.13,
        soft: bool = False,
        things: Sequence[Example] = (),
    ) -> None:
        self.people = people
        self.drawn: list[Example] = []
        self.scenes = scenes
        self.nobody = nobody
        self.soft = soft
        self.photo_share = photo_share
        self.crowds = np.array(
            [empty_share, *(1 - empty_share) * np.array([0.63, 0.21, 0.115, 0.045])]
        )
        self.things = [e for e in nobody if e.mask is not None and _outlines(e.mask)]
        self.things += things

    def __call__(self, rng: Generator, width: int, height: int) -> Layers:
        self.drawn = []
        kind = rng.random()
        if self.scenes and kind < 0.1:
            example = self._pick(rng, self.scenes)
            pixels, alpha = self._whole(
                rng, example.image, self._truth(example), width, height, 1.7
            )
            crowd = int(rng.random() < 0.1)
        elif not self.nobody or kind < self.photo_share:
            if rng.random() < 0.4:
                example = self._pick(rng, self.people)
                pixels, alpha = self._whole(
                    rng, example.image, self._truth(example), width, height, 1.5
                )
            else:
                pixels, alpha = self._photo(rng, width, height)
            crowd = int(rng.random() < 0.2)
        else:
            pixels, alpha = self._background(rng, width, height)
            crowd = int(rng.choice(5, p=self.crowds))
        if self.things and rng.random() < 0.3:
            self._paste_thing(rng, pixels, alpha, rng.uniform(0.2, 0.9))
        for _ in range(crowd):
            self._paste_person(rng, pixels, alpha, crowd)
        if self.things and rng.random() < 0.08:
            self._paste_thing(rng, pixels, alpha, rng.uniform(0.15, 0.4))
        truth = alpha.astype(np.float32) / 255 if self.soft else (alpha > 127).astype(np.uint8)
        return camera(rng, pixels), truth

    def _truth(self, example: Example) -> tuple[Path | Outlines, str]:
        return _alpha(example) if self.soft else _mask(example)

    def _pick(self, rng: Generator, examples: list[Example]) -> Example:
        self.drawn.append(examples[rng.integers(len(examples))])
        return self.drawn[-1]

    def _photo(self, rng: Generator, width: int, height: int) -> tuple[Pixels, Grey]:
        """A person in the surroundings of the photo; its borders mirrored where it ends."""
        example = self._pick(rng, self.people)
        photo = _pyramid(example.image, "photo")
        m = _pose(rng, _box(*_mask(example)), width, height, 1)
        m = _cover(m, photo[0].shape[1], photo[0].shape[0], width, height)
        border = cv2.BORDER_REFLECT_101
        pixels = _warp(photo, m, (width, height), border)
        alpha = _warp(_pyramid(*self._truth(example)), m, (width, height), border)
        return _tone(rng, pixels), alpha

    def _background(self, rng: Generator, width: int, height: int) -> tuple[Pixels, Grey]:
        """A photo of nobody, or the empty side of a person photo."""
        nothing = np.zeros((height, width), np.uint8)
        if rng.random() < 0.3:
            example = self._pick(rng, self.people)
            photo = _pyramid(example.image, "photo")[0]
            left, _, right, _ = _box(*_mask(example))
            start, end = max(
                (0, left - 4), (right + 4, photo.shape[1]), key=lambda side: side[1] - side[0]
            )
            if end - start >= 80:
                tall = min(int((end - start) * height / width * rng.uniform(0.8, 1.6)), len(photo))
                top = int(rng.integers(len(photo) - tall + 1))
                side = np.ascontiguousarray(photo[top : top + tall, start:end])
                side = cv2.resize(side, (width, height), interpolation=cv2.INTER_AREA)
                return _tone(rng, side), nothing
        return self._whole(rng, self._pick(rng, self.nobody).image, None, width, height, 2.2)

    def _whole(
        self,
        rng: Generator,
        image: Path,
        truth: tuple[Path | Outlines, str] | None,
        width: int,
        height: int,
        zoom: float,
    ) -> tuple[Pixels, Grey]:
        """A photo that covers the canvas, enlarged up to `zoom` times."""
        photo = _pyramid(image, "photo")
        tall, wide = photo[0].shape[:2]
        scale = max(width / wide, height / tall) * rng.uniform(1, zoom)
        slack_x, slack_y = wide * scale - width, tall * scale - height
        target = (
            width / 2 + rng.uniform(-0.5, 0.5) * slack_x,
            height / 2 + rng.uniform(-0.5, 0.5) * slack_y,
        )
        m = _placement(rng, (wide / 2, tall / 2), scale, target)
        border = cv2.BORDER_REFLECT_101
        pixels = _tone(rng, _warp(photo, m, (width, height), border))
        if truth is None:
            return pixels, np.zeros((height, width), np.uint8)
        return pixels, _warp(_pyramid(*truth), m, (width, height), border)

    def _paste_person(self, rng: Generator, pixels: Pixels, truth: Grey, crowd: int) -> None:
        example = self._pick(rng, self.people)
        m = _pose(rng, _box(*_mask(example)), truth.shape[1], truth.shape[0], crowd)
        self._paste(rng, pixels, example.image, _alpha(example), m, truth, 255)

    def _paste_thing(self, rng: Generator, pixels: Pixels, truth: Grey, share: float) -> None:
        example = self._pick(rng, self.things)
        height, width = truth.shape
        left, top, right, bottom = _box(*_mask(example))
        scale = share * min(height, width) / max(bottom - top, right - left)
        centre = (left + right) / 2, (top + bottom) / 2
        target = width * rng.uniform(0, 1), height * rng.uniform(0.1, 1)
        m = _placement(rng, centre, scale, target)
        self._paste(rng, pixels, example.image, _alpha(example), m, truth, 0)

    def _paste(
        self,
        rng: Generator,
        pixels: Pixels,
        image: Path,
        cut: tuple[Path | Outlines, str],
        m: Matrix,
        truth: Grey,
        value: int,
    ) -> None:
        """Blends the cut-out into pixels, and its value, 255 for a person, into the truth, in place."""
        size = truth.shape[1], truth.shape[0]
        alpha = _warp(_pyramid(*cut), m, size, cv2.BORDER_CONSTANT)
        layer = _tone(rng, _warp(_pyramid(image, "photo"), m, size, cv2.BORDER_REPLICATE))
        if rng.random() < 0.3:
            alpha = cv2.blur(alpha, (3, 3))
        weight = (alpha * np.float32(1 / 255))[..., None]
        np.copyto(pixels, (layer * weight + pixels * (1 - weight) + 0.5).astype(np.uint8))
        np.copyto(
            truth, (value * weight[..., 0] + truth * (1 - weight[..., 0]) + 0.5).astype(np.uint8)
        )

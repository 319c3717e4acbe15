"""The pixels of one example, reduced to the few numbers that checks ask for: about 2 KB a photo.

Truths are read by the readers that training uses, so what is measured is what would be learnt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground import data
from figureground.errors import FiguregroundError, ImageError
from figureground.imaging.read import read

ORIENTATION = 0x0112  # the EXIF tag: 1 upright, 2 … 4 mirrored or upside down, 5 … 8 on its side
READ: dict[str, Callable[[Path], NDArray[Any]]] = {  # fields of Example and their readers
    "mask": data.read_mask,
    "alpha": data.read_alpha,
    "labels": data.read_labels,
    "trimap": data.read_alpha,
}


@dataclass(frozen=True)
class Photo:
    """size: (width, height), upright. digest: SHA-256 of the pixels. fingerprint: see below, b"" for a
    picture without structure. error: why it cannot be read; then nothing else is known."""

    path: Path
    split: str
    error: str = ""
    size: tuple[int, int] = (0, 0)
    orientation: int = 1
    transparent: bool = False
    digest: bytes = b""
    fingerprint: bytes = b""


@dataclass(frozen=True)
class Truth:
    """A mask, alpha, label map or trimap beside its photo.

    error: why the file cannot be decoded; then nothing else is known. refusal: why its reader will not
    have it; then size and histogram are those of the file.
    histogram: pixels of each value 0 … 255, as the reader sees them before it interprets them.
    foreground, rim: share of the foreground (mask 1, alpha from one half) in all pixels, and in those of
    the outermost rows and columns. coloured: red, green and blue differ where they should not.
    negative: a palette shows the foreground darker than the rest. transparent: in a way that is not read.
    """

    path: Path
    kind: str
    photo: Photo
    error: str = ""
    refusal: str = ""
    size: tuple[int, int] = (0, 0)
    mode: str = ""
    format: str = ""
    histogram: NDArray[np.uint32] = field(default_factory=lambda: np.zeros(256, np.uint32))
    foreground: float = 0.0
    rim: float = 0.0
    coloured: bool = False
    negative: bool = False
    transparent: bool = False

    def share(self, first: int, last: int) -> float:
        """Share of the pixels with values first … last."""
        return float(self.histogram[first : last + 1].sum() / max(1, self.histogram.sum()))


def photo(path: Path, split: str) -> Photo:
    try:
        picture = read(path)
        with Image.open(path) as file:
            orientation = int(file.getexif().get(ORIENTATION, 1))
    except ImageError as error:
        return Photo(path, split, str(error))
    except Exception:  # damaged EXIF, which the reader passes over as well
        orientation = 1
    height, width = picture.pixels.shape[:2]
    return Photo(
        path,
        split,
        size=(width, height),
        orientation=orientation,
        transparent=picture.opacity is not None,
        digest=hashlib.sha256(b"%d %d " % (width, height) + picture.pixels.tobytes()).digest(),
        fingerprint=fingerprint(picture.pixels),
    )


def fingerprint(pixels: NDArray[np.uint8]) -> bytes:
    """256 bits, few of which change with size, compression or brightness.

    As Facebook's PDQ (2019): the 16×16 lowest frequencies, the constant ones left out, of the discrete
    cosine transform of the picture at 64×64; each is above their median or not. b"" for a picture whose
    grey values deviate by less than 4: its frequencies are noise.
    """
    small = Image.fromarray(pixels).convert("L").resize((64, 64), Image.Resampling.BOX)
    grey = np.asarray(small, np.float32)
    if grey.std() < 4:
        return b""
    frequencies = _cosines() @ grey @ _cosines().T
    return np.packbits(frequencies > np.median(frequencies)).tobytes()


@cache
def _cosines() -> NDArray[np.float32]:
    k, n = np.ogrid[1:17, :64]
    return np.cos(np.pi / 64 * (n + 0.5) * k).astype(np.float32)


def truth(path: Path, kind: str, photo: Photo) -> Truth:
    try:
        with Image.open(path) as file:
            file.load()
        stored = Truth(
            path,
            kind,
            photo,
            size=file.size,
            mode=file.mode,
            format=file.format or "",
            histogram=_count(
                np.asarray(file if file.mode in ("L", "P", "1") else file.convert("L"))
            ),
            coloured=_coloured(file, kind),
            transparent=kind != "alpha" and _opacity(file).min() < 255,
        )
    except Exception as error:  # each decoder has its own
        return Truth(path, kind, photo, str(error) or type(error).__name__)
    try:
        values = READ[kind](path)
    except FiguregroundError as refusal:
        return replace(stored, refusal=str(refusal))
    soft = values.dtype == np.float32
    shown = values >= 0.5 if soft else values == 1
    rim = np.concatenate([shown[0], shown[-1], shown[:, 0], shown[:, -1]])
    return replace(
        stored,
        size=(values.shape[1], values.shape[0]),  # an alpha may have an orientation tag of its own
        histogram=_count(np.rint(values * 255)) if soft else stored.histogram,
        foreground=float(shown.mean()),
        rim=float(rim.mean()),
        negative=kind == "mask" and file.mode == "P" and _negative(file, shown),
    )


def _count(values: NDArray[np.generic]) -> NDArray[np.uint32]:
    return np.bincount(values.astype(np.uint8).ravel(), minlength=256).astype(np.uint32)


def _opacity(file: Image.Image) -> NDArray[np.uint8]:
    if file.mode not in ("RGBA", "LA", "PA"):
        return np.full((1, 1), 255, np.uint8)
    return np.asarray(file.getchannel("A"))


def _coloured(file: Image.Image, kind: str) -> bool:
    """Colours that are read as if they were grey; palettes of masks and labels are numbers, not colours."""
    if file.mode in ("1", "L", "LA", "F", "I") or file.mode.startswith("I;"):
        return False
    if file.mode == "P" and kind in ("mask", "labels"):
        return False
    if kind == "alpha" and (_opacity(file).min() < 255 or "transparency" in file.info):
        return False
    rgb = np.asarray(file.convert("RGB"), np.int16)
    return bool((rgb.max(axis=2) - rgb.min(axis=2)).max() > 8)  # JPEG is not exact


def _negative(file: Image.Image, shown: NDArray[np.bool_]) -> bool:
    if shown.all() or not shown.any():
        return False
    grey = np.asarray(file.convert("L"))
    return float(grey[shown].mean()) < float(grey[~shown].mean())

"""Any image a person may have, as H×W×3 uint8 RGB in the orientation it is meant to be seen."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from figureground.errors import ImageError

MAX_PIXELS = 200_000_000  # 14000×14000; beyond, a small file that unpacks to gigabytes is likelier

Source = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[Any]


@dataclass(frozen=True)
class Photo:
    """pixels: H×W×3 uint8 RGB. opacity: H×W uint8 where the file has transparency, else None.
    icc: the colour profile that the pixels are in, None for sRGB or unknown."""

    pixels: NDArray[np.uint8]
    opacity: NDArray[np.uint8] | None = None
    icc: bytes | None = None


def read(source: Source, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads a path, bytes, a binary file, a PIL image or an array.

    Orientation tags are applied. Palette, grey, 16-bit, CMYK and transparent images become 8-bit RGB
    (16-bit is scaled, not cut; CMYK goes through its profile where it has one). Arrays are H×W,
    H×W×1, H×W×3 (RGB) or H×W×4 (RGBA) of uint8, uint16 (0 … 65535) or floats (0 … 1).

    Raises ImageError when it cannot be read as an image, or has more than max_pixels pixels.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _from_pil(source, "the PIL image", max_pixels)
    name, file = _open(source)
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # max_pixels decides
        warnings.simplefilter("ignore", UserWarning)  # damaged EXIF and the like
        try:
            image = Image.open(file)
        except UnidentifiedImageError:
            raise ImageError(f"{name} is not an image, or in a format that is not known") from None
        except Image.DecompressionBombError:
            raise ImageError(_too_large(name, None, max_pixels)) from None
        except Exception as error:  # a decoder's own complaint about the header
            raise ImageError(f"{name} cannot be read as an image ({error})") from None
        return _from_pil(image, name, max_pixels)


def _open(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[str, BinaryIO]:
    """A name for messages, and a seekable file."""
    if not isinstance(source, (str, os.PathLike)):
        content = source if isinstance(source, bytes) else source.read()
        if not content:
            raise ImageError("the input is empty (0 bytes); expected an image file")
        return "the input", io.BytesIO(content)
    path = Path(source)
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise ImageError(f"{path} is a folder; expected an image file")
        if size == 0:
            raise ImageError(f"{path} is empty (0 bytes); expected an image file")
        return str(path), path.open("rb")
    except FileNotFoundError:
        raise ImageError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot open {str(path)!r} ({reason})") from None


def _too_large(name: str, size: tuple[int, int] | None, max_pixels: int) -> str:
    said = f"{size[0]}x{size[1]} pixels" if size else "too many pixels"
    return (
        f"{name} has {said}, more than the limit of {max_pixels:,}; make it smaller, or raise the "
        "limit (--max-pixels, max_pixels=) if you trust the file"
    )


def _from_pil(image: Image.Image, name: str, max_pixels: int) -> Photo:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(_too_large(name, image.size, max_pixels))
    if not width or not height:
        raise ImageError(f"{name} is {width}x{height} pixels; expected at least 1x1")
    icc = image.info.get("icc_profile") or None
    try:
        image.load()
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("CMYK"):
            image, icc = _from_cmyk(image, icc), None
        pixels, opacity = _to_rgb(image)
    except MemoryError:
        raise ImageError(f"{name} ({width}x{height}) does not fit into memory") from None
    except Exception as error:  # truncated or damaged data; each decoder has its own errors
        raise ImageError(f"{name} is damaged or cut short ({error})") from None
    return Photo(pixels, opacity, icc)


def _from_cmyk(image: Image.Image, icc: bytes | None) -> Image.Image:
    if icc:
        from PIL import ImageCms

        try:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
            converted = ImageCms.profileToProfile(
                image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except ImageCms.PyCMSError:
            pass  # an unusable profile is as good as none
    return image.convert("RGB")


def _to_rgb(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _grey(np.asarray(image)), None
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"))
        opacity = np.ascontiguousarray(rgba[:, :, 3])
        pixels = np.ascontiguousarray(rgba[:, :, :3])
        return pixels, None if opacity.min() == 255 else opacity
    return np.asarray(image.convert("RGB")), None


def _grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """One channel to three equal 8-bit ones: 16-bit integers, or floats up to 1 or up to 255."""
    floats = values.dtype.kind == "f"
    largest = 65535 if not floats else 1 if values.max(initial=0) <= 1 else 255
    grey = (np.nan_to_num(values) * (255 / largest) + 0.5).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _from_array(array: NDArray[Any]) -> Photo:
    shape = array.shape
    good_shape = array.ndim == 2 or (array.ndim == 3 and shape[2] in (1, 3, 4))
    if not good_shape or 0 in shape:
        raise ImageError(f"the array is {shape}; expected HxW, HxWx1, HxWx3 (RGB) or HxWx4 (RGBA)")
    if array.dtype == np.uint16:
        array = ((array.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
    elif array.dtype.kind == "f":
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise ImageError("the array of floats has values outside 0 … 1; scale it first")
        array = (array * 255 + 0.5).astype(np.uint8)
    elif array.dtype == np.bool_:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        raise ImageError(
            f"the array is of {array.dtype}; expected uint8, uint16 or floats in 0 … 1"
        )
    if array.ndim == 2:
        array = array[:, :, None]
    if array.shape[2] == 1:
        array = np.repeat(array, 3, axis=2)
    opacity = np.ascontiguousarray(array[:, :, 3]) if array.shape[2] == 4 else None
    return Photo(np.ascontiguousarray(array[:, :, :3]), opacity)

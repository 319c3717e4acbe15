"""Any image a person may have, as H×W×3 uint8 RGB in the orientation it is meant to be seen."""

from __future__ import annotations

import importlib
import io
import os
import threading
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from figureground.errors import ImageError
from figureground.imaging import metadata

MAX_PIXELS = 200_000_000  # 14000×14000; beyond, a small file that unpacks to gigabytes is likelier
FORMATS = (
    "JPEG",
    "MPO",
    "PNG",
    "WEBP",
    "TIFF",
    "AVIF",
    "BMP",
    "DIB",
    "GIF",
    "PPM",
    "TGA",
    "ICO",
    "JPEG2000",
    "HEIF",  # where pi-heif or pillow-heif is installed
)
# of files that are taken for photos in folders; a file that is given by its name may have any
SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .tif .tiff .avif .bmp .dib .gif "  # noqa: SIM905
    ".heic .heif .ppm .pgm .pbm .jp2 .j2k .tga .ico".split()
)
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")
MAX_FRAMES = 1000
ROWS = 64  # of a picture at a time
_pillow_limit = threading.Lock()

Source = str | os.PathLike[str] | bytes | BinaryIO | Image.Image | NDArray[Any]


@dataclass(frozen=True)
class Photo:
    """pixels: H×W×3 uint8 RGB. opacity: H×W uint8 where the file has transparency, else None.
    icc: the colour profile that the pixels are in, None for sRGB or unknown. exif, dpi: what
    metadata.kept gives."""

    pixels: NDArray[np.uint8]
    opacity: NDArray[np.uint8] | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    dpi: tuple[float, float] | None = None


@dataclass(frozen=True)
class Frames:
    """photos: one, or those of an animation, all of a size. milliseconds: how long each is shown. loop:
    how often all are, 0 for ever, None once. pages: of a TIFF, of which photos has the first; else 1."""

    photos: list[Photo]
    milliseconds: list[int]
    loop: int | None = None
    pages: int = 1


def read(source: Source, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Reads a path, bytes, a binary file, a PIL image or an array; of an animation, the first frame.

    Orientation tags are applied. Palette, grey, 16-bit, CMYK and transparent images become 8-bit RGB
    (16-bit is scaled, not cut; CMYK goes through its profile where it has one). Arrays are H×W,
    H×W×1, H×W×3 (RGB) or H×W×4 (RGBA) of uint8, uint16 (0 … 65535) or floats (0 … 1).

    Raises ImageError when it cannot be read as an image, or has more than max_pixels pixels.
    """
    return read_frames(source, max_pixels=max_pixels, most=1).photos[0]


def read_frames(source: Source, *, max_pixels: int = MAX_PIXELS, most: int = MAX_FRAMES) -> Frames:
    """The same with all frames of an animated GIF, WebP, PNG or AVIF, where `most` is above 1.

    Raises ImageError also when there are more than `most`, or they have more than max_pixels pixels in all.
    """
    if isinstance(source, np.ndarray):
        return Frames([_from_array(source)], [0])
    if isinstance(source, Image.Image):
        return Frames([_from_pil(source, "the PIL image", max_pixels)], [0])
    name, file = _open(source)
    with file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # damaged EXIF, sizes that we have limits of our own for
        image = _opened(name, file)
        if image.format not in FORMATS:  # EPS, for one, would be given to another program
            raise ImageError(f"{name} is {image.format}; expected one of {', '.join(FORMATS)}")
        if most > 1 and image.format in ANIMATED:
            return _animation(image, name, max_pixels, most)
        pages = _count(image, name) if most > 1 and image.format == "TIFF" else 1
        return Frames([_from_pil(image, name, max_pixels)], [0], None, pages)


def _opened(name: str, file: BinaryIO) -> Image.Image:
    """The image by its header; pixels are not decoded yet."""
    _register_heic(name, file)
    try:
        with _pillow_limit:  # Pillow's own limit is global, and lower than ours may be
            limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
            try:
                return Image.open(file)
            finally:
                Image.MAX_IMAGE_PIXELS = limit
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not an image, or in a format that is not known") from None
    except Exception as error:  # a decoder's own complaint about the header
        raise ImageError(f"{name} cannot be read as an image ({_reason(error)})") from None


def srgb(photo: Photo) -> Photo:
    """The same photo in sRGB, for mixing it with other colours; as it is where no profile is known."""
    if photo.icc is None:
        return photo
    from PIL import ImageCms

    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(photo.icc))
        converted = ImageCms.profileToProfile(
            Image.fromarray(photo.pixels), profile, ImageCms.createProfile("sRGB")
        )
    except (ImageCms.PyCMSError, OSError):  # an unusable profile is as good as none
        return replace(photo, icc=None)
    return replace(photo, pixels=np.asarray(converted), icc=None)


HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def _register_heic(name: str, file: BinaryIO) -> None:
    """HEIC is read by a library that has to be asked for; ImageError where it is not installed."""
    head = file.read(32)
    file.seek(0)
    # AVIF begins likewise, and lists what it is compatible with
    if head[4:8] != b"ftyp" or head[8:12] not in HEIC or b"avi" in head[8:]:
        return
    for library in ("pi_heif", "pillow_heif"):
        try:
            importlib.import_module(library).register_heif_opener()
            return
        except ImportError:
            pass
    raise ImageError(
        f"{name} is a HEIC photo; to read it, pip install 'figureground[heic]', or save or share it as JPEG"
    )


def _count(image: Image.Image, name: str) -> int:
    """Frames or pages, by going through the file."""
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception as error:
        raise _damaged(name, error) from None


def _animation(image: Image.Image, name: str, max_pixels: int, most: int) -> Frames:
    if image.width * image.height > max_pixels:  # before its frames are counted
        raise ImageError(_too_large(name, image.size, max_pixels))
    count = _count(image, name)
    first = 1 if image.info.get("default_image") and count > 1 else 0  # shown by who knows no APNG
    pixels = image.width * image.height * (count - first)
    if count - first > most or (pixels > max_pixels and count - first > 1):
        raise ImageError(
            f"{name} has {count - first:,} frames of {image.width}x{image.height}, more than the limit of "
            f"{most:,} frames and {max_pixels:,} pixels in all; `figureground video` has none for GIF"
        )
    photos, milliseconds = [], []
    for number in range(first, count):
        try:
            image.seek(number)
        except Exception as error:
            raise _damaged(name, error) from None
        photos.append(_from_pil(image, name, max_pixels))
        milliseconds.append(_milliseconds(image.info.get("duration")))
    loop = image.info.get("loop")
    return Frames(photos, milliseconds, loop if isinstance(loop, int) and loop >= 0 else None)


def _milliseconds(duration: Any) -> int:
    """As stated, a tenth of a second where that is no sensible number."""
    try:
        return min(max(round(float(duration)), 0), 60_000) if duration is not None else 100
    except (TypeError, ValueError, OverflowError):
        return 100


def _damaged(name: str, error: Exception) -> ImageError:
    return ImageError(f"{name} is damaged or cut short ({_reason(error)})")


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _open(source: str | os.PathLike[str] | bytes | BinaryIO) -> tuple[str, BinaryIO]:
    """A name for messages, and a seekable file."""
    if not isinstance(source, (str, os.PathLike)):
        if not isinstance(source, (bytes, bytearray, memoryview)) and not hasattr(source, "read"):
            raise ImageError(
                f"the input is of type {type(source).__name__}; expected a path, bytes, a binary file, "
                "a PIL image or an array"
            )
        try:
            content = source.read() if hasattr(source, "read") else source
        except (OSError, ValueError) as error:  # such as a closed file
            raise ImageError(f"cannot read the input ({error})") from None
        if isinstance(content, str):
            raise ImageError("the input is a file of text; open it with 'rb'")
        if not content:
            raise ImageError("the input is empty (0 bytes); expected an image file")
        return "the input", io.BytesIO(content)
    if str(source).startswith(("http://", "https://")):
        raise ImageError(f"{source} is an address; download the photo and give the file")
    path = Path(source)
    try:
        if not str(source) or path.is_dir():
            raise ImageError(f"{str(source)!r} is a folder; expected an image file")
        content = None if path.is_file() else path.read_bytes()  # a pipe is read to its end
        if not (path.stat().st_size if content is None else content):
            raise ImageError(f"{path} is empty (0 bytes); expected an image file")
        return str(path), path.open("rb") if content is None else io.BytesIO(content)
    except FileNotFoundError:
        raise ImageError(f"there is no file {path}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"cannot open {str(path)!r} ({reason})") from None


def _too_large(name: str, size: tuple[int, int], max_pixels: int) -> str:
    return (
        f"{name} has {size[0]}x{size[1]} pixels, more than the limit of {max_pixels:,}; make it "
        "smaller, or raise the limit (--max-pixels, max_pixels=) if you trust the file"
    )


def _from_pil(image: Image.Image, name: str, max_pixels: int) -> Photo:
    width, height = image.size
    if width * height > max_pixels:
        raise ImageError(_too_large(name, image.size, max_pixels))
    if not width or not height:
        raise ImageError(f"{name} is {width}x{height} pixels; expected at least 1x1")
    icc = image.info.get("icc_profile") or None
    if icc and image.mode[:4] != "CMYK" and icc[16:20] != b"RGB ":
        icc = None  # it describes grey or Lab values, not the RGB that we give
    try:
        image.load()
        exif, dpi = metadata.kept(image)
        if image.getexif().get(ExifTags.Base.Orientation, 1) != 1:  # else it is copied for nothing
            image = ImageOps.exif_transpose(image)
        if image.mode.startswith("CMYK"):
            image, icc = _from_cmyk(image, icc), None
        pixels, opacity = _to_rgb(image)
    except MemoryError:
        raise ImageError(f"{name} ({width}x{height}) does not fit into memory") from None
    except Exception as error:  # truncated or damaged data; each decoder has its own errors
        raise _damaged(name, error) from None
    return Photo(pixels, opacity, icc, exif, dpi)


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
        except (ImageCms.PyCMSError, OSError):
            pass  # an unusable profile is as good as none
    return image.convert("RGB")


def _to_rgb(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return _grey(np.asarray(image)), None
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        pixels, opacity = _strips(image, "RGBA")
        return pixels, None if opacity.min() == 255 else opacity
    return _strips(image, "RGB")[0], None


def _strips(image: Image.Image, mode: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colours and what comes after them, strip by strip: Pillow's own way needs the memory three times."""
    if image.mode == "La":  # which Pillow turns into LA alone
        image = image.convert("LA")
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    opacity = np.empty((image.height, image.width if mode == "RGBA" else 0), np.uint8)
    for top in range(0, image.height, ROWS):
        bottom = min(top + ROWS, image.height)
        strip = np.asarray(image.crop((0, top, image.width, bottom)).convert(mode))
        pixels[top:bottom] = strip[:, :, :3]
        if mode == "RGBA":
            opacity[top:bottom] = strip[:, :, 3]
    return pixels, opacity


def _grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    """One channel to three equal 8-bit ones: 16-bit integers, or floats up to 1 or up to 255.

    Floats a little above 1 are highlights, not another scale.
    """
    floats = values.dtype.kind == "f"
    largest = 65535 if not floats else 1 if values.max(initial=0) < 2 else 255
    grey = (np.nan_to_num(values) * (255 / largest) + 0.5).clip(0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _from_array(array: NDArray[Any]) -> Photo:
    shape = array.shape
    good_shape = array.ndim == 2 or (array.ndim == 3 and shape[2] in (1, 3, 4))
    if not good_shape or 0 in shape:
        raise ImageError(f"the array is {shape}; expected HxW, HxWx1, HxWx3 (RGB) or HxWx4 (RGBA)")
    if array.dtype.kind == "u" and array.dtype.itemsize == 2:
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

"""Images to files and bytes; the suffix decides the format; a file appears whole or not at all."""

from __future__ import annotations

import io
import os
import struct
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import ImageError
from figureground.imaging import metadata, png
from figureground.imaging.compose import cutout

UMASK = os.umask(0)  # can only be read by setting it; once, before there are threads
os.umask(UMASK)

PREFIX = ".figureground-"  # of files that are being written
# suffix -> (Pillow's name, can it hold transparency)
FORMATS = {
    ".png": ("PNG", True),
    ".webp": ("WEBP", True),
    ".tif": ("TIFF", True),
    ".tiff": ("TIFF", True),
    ".avif": ("AVIF", True),
    ".jpg": ("JPEG", False),
    ".jpeg": ("JPEG", False),
    ".bmp": ("BMP", False),
    ".gif": ("GIF", True),  # each pixel wholly or not at all
}


def same(one: str | os.PathLike[str], other: str | os.PathLike[str]) -> bool:
    """Whether two names are of one file or folder that is there."""
    return os.path.exists(one) and os.path.exists(other) and os.path.samefile(one, other)


def format_of(path: str | os.PathLike[str]) -> tuple[str, bool]:
    """(format, whether it holds transparency) by suffix; ImageError for a suffix that is not known."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise ImageError(
            f"the output {str(path)!r} has the suffix {suffix!r}; expected one of {' '.join(FORMATS)}"
        )
    return FORMATS[suffix]


def encode(
    pixels: NDArray[np.uint8] | NDArray[np.uint16],
    format: str = "PNG",
    icc: bytes | None = None,
    quality: int = 92,
    *,
    alpha: NDArray[np.uint8] | None = None,
    exif: bytes | None = None,
    dpi: tuple[float, float] | None = None,
) -> bytes:
    """H×W (grey), H×W×3 (RGB) or H×W×4 (RGBA, straight) uint8 to the bytes of an image file; uint16 too, as
    PNG, or grey as TIFF.

    quality: 1 … 100 for JPEG, WebP and AVIF. alpha: H×W, of which and H×W×3 uint8 the file is the cut-out.
    icc, exif, dpi: go where the format has a place for them (see metadata.kept).
    Raises ImageError when the format cannot hold the image.
    """
    if format == "PNG":
        return png.encode(pixels, icc, alpha=alpha, exif=exif, dpi=dpi)
    if alpha is not None:
        pixels = cutout(pixels.astype(np.uint8, copy=False), alpha)
    options = _options(format, icc, quality, exif)
    if dpi and format in ("JPEG", "TIFF", "BMP"):
        options["dpi"] = dpi
    return _saved([_image(pixels, format)], format, options)


def encode_frames(
    frames: Sequence[NDArray[np.uint8]],
    milliseconds: Sequence[int],
    format: str,
    icc: bytes | None = None,
    quality: int = 92,
    *,
    loop: int | None = 0,
    exif: bytes | None = None,
) -> bytes:
    """Frames as encode() takes them, each with the time for which it is shown, to an animated GIF, WebP,
    PNG or AVIF. loop: how often all are shown, 0 for ever, None once."""
    options = _options(format, icc, quality, exif) | {"save_all": True}
    options["duration"] = list(milliseconds)
    if format == "GIF":
        options |= {"disposal": 2, **({} if loop is None else {"loop": loop})}
    else:
        options["loop"] = 1 if loop is None else loop
    if format == "PNG":
        options["compress_level"] = 1
    images = [_image(pixels, format) for pixels in frames]
    return _saved(images, format, options)


def _options(format: str, icc: bytes | None, quality: int, exif: bytes | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if format in ("JPEG", "WEBP", "AVIF"):
        options["quality"] = quality
    if format == "TIFF":
        options["compression"] = "tiff_lzw"
    if icc and format not in ("BMP", "GIF"):
        options["icc_profile"] = icc
    if exif and format == "TIFF":
        options["tiffinfo"] = metadata.main(exif)
    elif exif and format in ("JPEG", "WEBP", "AVIF", "PNG"):
        options["exif"] = b"Exif\0\0" + exif
    return options


def _image(pixels: NDArray[np.uint8] | NDArray[np.uint16], format: str) -> Image.Image:
    if format == "GIF" and pixels.ndim == 3 and pixels.shape[2] == 4:
        pixels = pixels.copy()
        pixels[:, :, 3] = np.where(pixels[:, :, 3] < 128, 0, 255)
        pixels[pixels[:, :, 3] == 0] = 0
    return Image.fromarray(pixels)


def _saved(images: list[Image.Image], format: str, options: dict[str, Any]) -> bytes:
    buffer, first = io.BytesIO(), images[0]
    if len(images) > 1:
        options["append_images"] = images[1:]
    try:
        first.save(buffer, format, **options)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, struct.error) as error:
        raise ImageError(
            f"cannot store {first.width}x{first.height} pixels as {format} ({error})"
        ) from None
    return buffer.getvalue()


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes to a temporary file in the same folder and renames it; makes missing folders.

    Raises ImageError when the folder cannot be made or written to, or the disk is full.
    """
    if os.path.isdir(path):
        raise ImageError(f"the output {path} is a folder; expected a file name")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ImageError(f"the output {path} is a device or a pipe; expected a file name, or -")
    target = Path(os.path.realpath(path))  # what a link points to is replaced, not the link
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not _nameless(target, content):
            _beside(target, content)
    except OSError as error:
        raise ImageError(f"cannot write {path} ({error.strerror or error})") from None


def _nameless(target: Path, content: bytes) -> bool:
    """Through a file without a name, of which nothing is left if this process is killed; where it can."""
    if not hasattr(os, "O_TMPFILE"):
        return False
    folder = os.open(target.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        try:
            file = os.open(target.parent, os.O_TMPFILE | os.O_WRONLY, 0o666)
        except OSError:  # a file system, or a system, that knows none
            return False
        with open(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            try:
                _link(file, target.name, folder)
            except FileExistsError:
                name = f"{PREFIX}{os.getpid()}-{threading.get_ident()}"
                _link(file, name, folder)
                os.replace(name, target.name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:  # no /proc, no links, or what the other way fails at too, and says
                return False
        return True
    finally:
        os.close(folder)


def _link(file: int, name: str, folder: int) -> None:
    # with a folder given, Python asks for linkat, which follows the link in /proc; link does not
    os.link(f"/proc/self/fd/{file}", name, src_dir_fd=folder, dst_dir_fd=folder)


def _beside(target: Path, content: bytes) -> None:
    """Through a file with a name of its own."""
    part = None
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=PREFIX, delete=False) as file:
            part = file.name
            file.write(content)
        os.chmod(part, 0o666 & ~UMASK)  # temporary files are private, results are not
        os.replace(part, target)
    except BaseException:
        if part is not None:
            Path(part).unlink(missing_ok=True)
        raise

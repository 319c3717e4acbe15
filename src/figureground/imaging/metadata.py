"""What a file says about a photo, as far as it is still true of a picture made of it."""

from __future__ import annotations

import math
from typing import Any

from PIL import ExifTags, Image

Dpi = tuple[float, float]

# of the main part: what was taken, when, with what, by whom. All else describes the file it was in.
KEPT = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Rating,
    ExifTags.Base.Copyright,
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.XPKeywords,
    ExifTags.Base.XPSubject,
)
# of the camera's part: what no longer fits the pixels, or may hold the whole photo, small
LEFT_OUT = (
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    ExifTags.Base.MakerNote,
    ExifTags.IFD.Interop,
)
MOST_BYTES = 60_000  # a JPEG holds no more than 65 533


def kept(image: Image.Image) -> tuple[bytes | None, Dpi | None]:
    """EXIF to write with a picture made of an image, as a TIFF header and what follows, and its dots per
    inch across and down; None for what it does not have or what cannot be read.

    Date, camera, exposure, place, author and the like are kept. Orientation is left out, for pixels are
    upright by then; so are thumbnails and the maker's notes, which may show what was cut away.
    """
    try:
        found = image.getexif()
        dots = _dpi(image.info, found)
        made = Image.Exif()
        for tag in KEPT:
            if tag in found:
                made[tag] = found[tag]
        for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            entries = {t: value for t, value in found.get_ifd(part).items() if t not in LEFT_OUT}
            if entries:
                made.get_ifd(part).update(entries)
                made[part] = made.get_ifd(part)
        if dots:  # where WebP and AVIF have it
            made[ExifTags.Base.XResolution], made[ExifTags.Base.YResolution] = dots
            made[ExifTags.Base.ResolutionUnit] = 2
        content = made.tobytes().removeprefix(b"Exif\0\0") if len(made) else None
    except Exception:  # damaged in one of many ways; the pixels are not
        return None, None
    return content if content and len(content) <= MOST_BYTES else None, dots


def main(exif: bytes) -> dict[int, Any]:
    """The main part, for TIFF: into a compressed one Pillow writes no others."""
    read = Image.Exif()
    read.load(b"Exif\0\0" + exif)
    return {tag: read[tag] for tag in KEPT if tag in read}


def _dpi(info: dict[Any, Any], exif: Image.Exif) -> Dpi | None:
    found = info.get("dpi")
    if found is None and exif.get(ExifTags.Base.ResolutionUnit) in (2, 3):  # inches, centimetres
        unit = 1 if exif[ExifTags.Base.ResolutionUnit] == 2 else 2.54
        stated = (exif.get(ExifTags.Base.XResolution), exif.get(ExifTags.Base.YResolution))
        found = [unit * float(value) for value in stated if value is not None]
    try:
        across, down = map(float, found or ())
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    good = all(math.isfinite(dots) and 1 < dots <= 100_000 for dots in (across, down))
    return (round(across, 4), round(down, 4)) if good else None

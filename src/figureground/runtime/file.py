"""One photo file, cut out, as the bytes of another: what a command line, a folder or a cluster repeats."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from figureground.errors import ImageError
from figureground.imaging import compose, place
from figureground.imaging.read import ANIMATED, MAX_PIXELS, Photo, Source, read_frames, srgb
from figureground.imaging.write import encode, encode_frames, format_of
from figureground.runtime.alpha import AlphaPredictor, Edges
from figureground.runtime.cutout import PLAIN, Layers, find, flat, layers, nobody
from figureground.runtime.options import Options
from figureground.runtime.predictor import load_alpha


def cut_file(
    source: Source,
    format: str,
    predictor: AlphaPredictor,
    behind: compose.Background = compose.transparent,
    options: Options = PLAIN,
    *,
    max_pixels: int = MAX_PIXELS,
) -> tuple[bytes, dict[str, Any]]:
    """The content of the file to write, in a format of imaging.write.FORMATS; and what is to be said of it.

    That is: width and height of the result; people, the mean alpha; confidence; persons, each with box,
    confidence and share (imaging.regions.Person), of an animation those of the frame with the surest;
    frames, where there are several; left_out, the frames or pages that are not in it.
    An animation is one where the format can be; it is cropped to what all of its frames show.

    Raises ImageError for a photo that cannot be read or stored, or shows nobody where somebody is required.
    """
    options.check(behind, format)
    read = read_frames(source, max_pixels=max_pixels)
    photos = read.photos if format in ANIMATED else read.photos[:1]
    if options.opaque(behind) or options.metadata == "strip":
        photos = [srgb(photo) for photo in photos]
    box = None
    if options.crop and len(photos) > 1:
        box = _union(
            [place.subject(find(p, predictor, options).alpha, options.margin) for p in photos]
        )
    spend = not isinstance(source, np.ndarray)  # which may be the caller's own pixels
    shown, share, persons, sure = [], 0.0, [], -1.0
    for photo in photos:
        found = find(photo, predictor, options)
        share += found.share / len(photos)
        if found.confidence > sure:
            persons, sure = found.people, found.confidence
        one = layers(photo, found.alpha, behind, options, box, spend=spend)
        # only a PNG is written from layers: beside its picture they would need the memory twice
        shown.append(one if format == "PNG" and len(photos) == 1 else (flat(one), None))
    if options.require_person and not persons:
        named = isinstance(source, (str, os.PathLike))
        raise nobody(str(source) if named else "the input", sure)
    report: dict[str, Any] = {
        "width": shown[0][0].shape[1],
        "height": shown[0][0].shape[0],
        "people": round(share, 5),
        "confidence": sure,
        "persons": [asdict(person) for person in persons],
    }
    if len(photos) > 1:
        report["frames"] = len(photos)
    if left := len(read.photos) - len(photos):
        report["left_out"] = f"{left} of {len(read.photos)} frames: {format} holds one"
    elif read.pages > 1:
        report["left_out"] = f"{read.pages - 1} of {read.pages} pages: only the first is read"
    times, loop = read.milliseconds, read.loop
    notes = replace(photos[0], pixels=np.empty((0, 0, 3), np.uint8), opacity=None)
    del read, photos, photo, found, one  # their pixels, before the result is packed
    return encode_as(shown, notes, format, options, times, loop), report


def cutout_bytes(
    image: Source,
    suffix: str = ".png",
    *,
    model: str = "refinenet-people",
    background: Source = "transparent",
    edges: Edges = "fine",
    flip: bool = False,
    max_pixels: int = MAX_PIXELS,
    device: str = "auto",
    **options: Any,
) -> bytes:
    """A photo without, or with another, background, as the content of a file: what `figureground cutout`
    writes, with the photo's colour profile (on a background it is in sRGB), EXIF and resolution, an
    animation as such.

    image: a path, bytes, a binary file, a PIL image or an array of RGB (see imaging.read). suffix: of the
    file, see imaging.write.FORMATS; what cannot hold transparency needs a background or a mask. Others, and
    options and their ranges: as of cutout, and quality and metadata, see runtime.options.Options.

    Raises ImageError for what cannot be read, used or stored, CardError for the model, TypeError for an
    option that there is not.
    """
    chosen = Options(**options)
    behind = compose.background(background, chosen.background_fit, chosen.background_position)
    format, transparent = format_of(f"result.{suffix.removeprefix('.')}")
    if not transparent and not chosen.opaque(behind):
        raise ImageError(f"{format} holds no transparency; give a background, mask=True, or '.png'")
    predictor = load_alpha(model, edges=edges, flip=flip, device=device)
    return cut_file(image, format, predictor, behind, chosen, max_pixels=max_pixels)[0]


def encode_as(
    shown: Sequence[Layers],
    photo: Photo,
    format: str,
    options: Options,
    milliseconds: Sequence[int] = (),
    loop: int | None = None,
) -> bytes:
    """What runtime.cutout.layers gave of a photo, or of the frames of an animation, as a file's content,
    with as much of the photo's metadata as options.metadata says; a mask or trimap has none."""
    plain = options.mask or options.trimap > 0 or options.metadata == "strip"
    icc, exif, dpi = (None, None, None) if plain else (photo.icc, photo.exif, photo.dpi)
    if len(shown) > 1:
        if options.depth == 16:
            raise ImageError("an animation has 8 bits a colour; leave the depth of 16 out")
        frames = [flat(one) for one in shown]
        return encode_frames(
            frames, milliseconds, format, icc, options.quality, loop=loop, exif=exif
        )
    picture, alpha = shown[0]
    return encode(picture, format, icc, options.quality, alpha=alpha, exif=exif, dpi=dpi)


def _union(boxes: list[place.Box | None]) -> place.Box | None:
    """What holds all the boxes that are some."""
    some = [box for box in boxes if box is not None]
    if not some:
        return None
    lefts, tops, rights, bottoms = zip(*some)
    return min(lefts), min(tops), max(rights), max(bottoms)

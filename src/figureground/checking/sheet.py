"""Samples with their truths over them, on one picture: what numbers do not tell, eyes do."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from figureground.checking.measure import READ, Photo, Truth
from figureground.checking.survey import Survey
from figureground.data import IGNORE
from figureground.errors import DataError
from figureground.imaging import compose
from figureground.imaging.read import read

CELL = 240  # pixels, of the longer side of a sample
CAPTION = 18
OPACITY = 0.6
RED = (255, 0, 60)


def sheet(survey: Survey, samples: int = 12, seed: int = 0) -> NDArray[np.uint8]:
    """H×W×3: so many photos that can be read, drawn at random, with mask, alpha or labels in colour.

    A truth of another size is stretched over its photo, so that a turned one is seen.
    Raises DataError when no photo can be read.
    """
    readable = [photo for photo in survey.photos if not photo.error]
    if not readable:
        raise DataError("there is no photo to draw on the sheet")
    count = min(samples, len(readable))
    chosen = np.random.default_rng(seed).choice(len(readable), count, replace=False)
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    page = Image.new("RGB", (columns * CELL, rows * (CELL + CAPTION)), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(11)
    truth_of = {t.photo.path: t for t in survey.truths if t.kind != "trimap" and not t.refusal}
    for number, index in enumerate(sorted(chosen.tolist())):
        photo = readable[index]
        row, column = divmod(number, columns)
        x, y = column * CELL, row * (CELL + CAPTION)
        page.paste(_drawn(photo, truth_of.get(photo.path)), (x, y))
        name = f"{photo.split} {survey.name(photo.path)}"
        while font.getlength(name) > CELL - 4:
            name = f"…{name[2:]}"
        draw.text((x + 2, y + CELL + 2), name, "black", font)
    return np.asarray(page)


def _drawn(photo: Photo, truth: Truth | None) -> Image.Image:
    image = Image.fromarray(read(photo.path).pixels)
    image.thumbnail((CELL - 4, CELL - 4))
    if truth is None or truth.error:
        return image
    stored = Image.fromarray(READ[truth.kind](truth.path))  # floats, or class numbers
    values = np.asarray(stored.resize(image.size, Image.Resampling.NEAREST))
    if truth.kind == "labels":
        colours, shown = compose.palette()[values], (values != 0) & (values != IGNORE)
    else:
        shown = np.where(values == IGNORE, 0, values)
        colours = np.full((*values.shape, 3), RED, np.uint8)
    share = np.multiply(shown, OPACITY, dtype=np.float32)
    return Image.fromarray(compose.replace(colours, share, np.asarray(image)))

"""The main job: a person without, or with another, background."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from figureground.imaging import compose
from figureground.imaging.read import Photo, Source, read, srgb
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.predictor import load_alpha


def person_alpha(photo: Photo, predictor: AlphaPredictor) -> NDArray[np.uint8]:
    """H×W uint8 alpha of what the model looks for."""
    return compose.to_uint8(predictor.of(photo))


def apply(
    photo: Photo, alpha: NDArray[np.uint8], background: compose.Background
) -> NDArray[np.uint8]:
    """H×W×4 straight RGBA where the background is transparent, else H×W×3."""
    behind = background(photo.pixels, alpha)
    if behind is None:
        return compose.cutout(photo.pixels, alpha)
    return compose.replace(photo.pixels, alpha, behind)


def cutout(
    image: Source,
    *,
    model: str = "pp-humanseg-lite",
    background: str | os.PathLike[str] = "transparent",
    device: str = "auto",
) -> NDArray[np.uint8]:
    """Cuts the people out of a photo.

    image: a path, bytes, a binary file, a PIL image or an array of RGB (see imaging.read).
    Gives H×W×4 uint8 RGBA with straight (not premultiplied) colour, or H×W×3 on the given background:
    "blur", a colour, or the path of an image. The model is loaded once per process.

    Raises ImageError for an image or background that cannot be used, CardError for the model.
    """
    behind = compose.background(background)
    photo = read(image)
    if background != "transparent":
        photo = srgb(photo)
    return apply(photo, person_alpha(photo, load_alpha(model, device=device)), behind)

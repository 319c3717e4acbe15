"""The main job: a person without, or with another, background."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from figureground.imaging import compose
from figureground.imaging.foreground import estimate
from figureground.imaging.read import Photo, Source, read, srgb
from figureground.imaging.regions import Keep, kept
from figureground.runtime.alpha import AlphaPredictor, Edges
from figureground.runtime.predictor import load_alpha


def person_alpha(photo: Photo, predictor: AlphaPredictor, keep: Keep = "all") -> NDArray[np.uint8]:
    """H×W uint8 alpha of what the model looks for, or of one region of it."""
    return compose.to_uint8(kept(predictor.of(photo), keep))


def apply(
    photo: Photo,
    alpha: NDArray[np.uint8],
    background: compose.Background,
    *,
    foreground: bool = True,
) -> NDArray[np.uint8]:
    """H×W×4 straight RGBA where the background is transparent, else H×W×3.

    foreground: soft edges get the foreground's own colours, else they keep the photo's, in which the
    old background shows.
    """
    behind = background(photo.pixels, alpha)
    pixels = estimate(photo.pixels, alpha) if foreground else photo.pixels
    if behind is None:
        return compose.cutout(pixels, alpha)
    return compose.replace(pixels, alpha, behind)


def cutout(
    image: Source,
    *,
    model: str = "pp-humanseg-lite",
    background: str | os.PathLike[str] = "transparent",
    edges: Edges = "fine",
    keep: Keep = "all",
    foreground: bool = True,
    device: str = "auto",
) -> NDArray[np.uint8]:
    """Cuts the people out of a photo.

    image: a path, bytes, a binary file, a PIL image or an array of RGB (see imaging.read).
    Gives H×W×4 uint8 RGBA with straight (not premultiplied) colour, or H×W×3 on the given background:
    "blur", a colour, or the path of an image. edges: "fine" draws the alpha along the photo's own edges,
    "fast" enlarges what the network sees. Soft edges get the foreground's own colours, without the old
    background's (foreground=False keeps the photo's). keep: all that is found, the "largest" of what hangs
    together, or what is nearest to the "centre". The model is loaded once per process.

    Raises ImageError for an image or background that cannot be used, CardError for the model.
    """
    behind = compose.background(background)
    photo = read(image)
    if background != "transparent":
        photo = srgb(photo)
    alpha = person_alpha(photo, load_alpha(model, edges=edges, device=device), keep)
    return apply(photo, alpha, behind, foreground=foreground)

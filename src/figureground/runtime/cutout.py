"""The main job: a person without, or with another, background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from figureground.errors import ImageError
from figureground.imaging import compose, morphology, place
from figureground.imaging.foreground import estimate
from figureground.imaging.read import Photo, Source, read, srgb
from figureground.imaging.regions import Keep, Person, confidence, kept, people
from figureground.runtime.alpha import AlphaPredictor, Edges
from figureground.runtime.options import Options
from figureground.runtime.predictor import load_alpha

PLAIN = Options()
Layers = tuple[NDArray[Any], NDArray[np.uint8] | None]


@dataclass(frozen=True)
class Found:
    """alpha: H×W, the photo's size, uint8, or float32 in [0, 1] where 8 bits would not do. share: its mean,
    in [0, 1]. people: whom it shows, the largest first. confidence: how sure it is that somebody is there,
    in [0, 1]; at most one half where people is empty."""

    alpha: NDArray[Any]
    share: float
    people: list[Person]
    confidence: float


def find(photo: Photo, predictor: AlphaPredictor, options: Options = PLAIN) -> Found:
    """What the model looks for in a photo, as much of it as the options say, with the edge they say."""
    alpha = kept(predictor.of(photo), options.keep, options.drop_specks)
    found = people(alpha)
    sure = confidence(alpha, found)
    shaped = morphology.shaped(
        alpha,
        threshold=options.threshold,
        fill_holes=options.fill_holes,
        grow=options.grow,
        shrink=options.shrink,
        feather=options.feather,
    )
    share = float(shaped.mean())
    coarse = options.depth == 8 and not options.trimap  # needs a quarter of the memory
    return Found(compose.to_uint8(shaped) if coarse else shaped, share, found, sure)


def nobody(name: str, sure: float) -> ImageError:
    """The error that options.require_person makes of it."""
    return ImageError(f"{name} shows nobody (confidence {sure:.2f}), and a person is required")


def layers(
    photo: Photo,
    alpha: NDArray[Any],
    behind: compose.Background = compose.transparent,
    options: Options = PLAIN,
    box: place.Box | None = None,
    *,
    spend: bool = False,
) -> Layers:
    """The picture the options ask for: H×W of a mask or a trimap, H×W×3 on a background, else, straight,
    H×W×4 of uint16 where options.depth is 16, or of uint8 as colours H×W×3 and alpha H×W, which
    imaging.write.encode puts together strip by strip. With 16 bits colours keep the photo's 8.

    alpha: H×W uint8, or float32 in [0, 1]. box: what options.crop leaves, if not to be found in the alpha.
    spend: the photo's pixels are of no more use, and may be drawn on.
    """
    pixels = photo.pixels
    if options.crop:
        left, top, right, bottom = box or place.subject(alpha, options.margin) or (0, 0, None, None)
        pixels, alpha = pixels[top:bottom, left:right], alpha[top:bottom, left:right]
    pixels, alpha = place.sized(
        np.ascontiguousarray(pixels), np.ascontiguousarray(alpha), options.size
    )
    if options.trimap:
        return morphology.trimap(compose.to_float(alpha), options.trimap), None
    if options.mask:
        return _deep(alpha) if options.depth == 16 else compose.to_uint8(alpha), None
    return _composed(pixels, alpha, behind, options, spend and pixels.flags.writeable)


def flat(shown: Layers) -> NDArray[Any]:
    """Layers as one picture: a cut-out as H×W×4 straight RGBA."""
    picture, alpha = shown
    return picture if alpha is None else compose.cutout(picture, alpha)


def _composed(
    pixels: NDArray[np.uint8],
    alpha: NDArray[Any],
    behind: compose.Background,
    options: Options,
    spend: bool,
) -> Layers:
    opacity = compose.to_uint8(alpha)
    back = behind(pixels, opacity)
    if options.foreground:
        pixels = estimate(pixels, opacity, out=pixels if spend else None)
    dark = compose.shadow(opacity, options.shadow) if options.shadow else None
    if back is not None:
        if dark is not None:
            back = compose.replace(np.zeros_like(back), dark, back)
        return compose.replace(pixels, opacity, back), None
    share: NDArray[Any] = opacity if options.depth == 8 else alpha
    if dark is not None:
        pixels, share = compose.shaded(pixels, share, dark)
    if options.depth == 8:
        return pixels, compose.to_uint8(share)
    deep = _deep(share)
    return np.dstack([pixels * (deep > 0)[:, :, None] * np.uint16(257), deep]), None


def _deep(alpha: NDArray[Any]) -> NDArray[np.uint16]:
    """Of uint8 or of float32 in [0, 1] to 0 … 65535, rounded."""
    return (compose.to_float(alpha) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)


def cutout(
    image: Source,
    *,
    model: str = "refinenet-people",
    background: Source = "transparent",
    edges: Edges = "fine",
    flip: bool = False,
    keep: Keep = "all",
    drop_specks: float = 0.0,
    require_person: bool = False,
    threshold: float = 0.0,
    fill_holes: float = 0.0,
    grow: int = 0,
    shrink: int = 0,
    feather: float = 0.0,
    crop: bool = False,
    margin: float = 0.0,
    size: str = "",
    mask: bool = False,
    trimap: int = 0,
    foreground: bool = True,
    background_fit: compose.Fit = "fill",
    background_position: str = "centre",
    shadow: float = 0.0,
    depth: int = 8,
    device: str = "auto",
) -> NDArray[Any]:
    """Cuts the people out of a photo.

    image: a path, bytes, a binary file, a PIL image or an array of RGB (see imaging.read).
    Gives H×W×4 uint8 RGBA with straight (not premultiplied) colour, or H×W×3 on the given background:
    "blur", a colour, or an image as `image` is one; H×W with mask or trimap; uint16 with depth=16.
    edges: "fine" draws the alpha along the photo's own edges, "fast" enlarges what the network sees, "hair"
    solves for it where the network is unsure. flip: the network sees the mirror image too: a little
    better, in twice its time. The other options and their ranges: runtime.options.Options.
    The model is loaded once per process.

    Raises ImageError for an image, background or option that cannot be used, or for a photo of nobody where
    require_person is set; CardError for the model.
    """
    given = dict(locals())
    options = Options.chosen(given)
    behind = compose.background(background, background_fit, background_position)
    options.check(behind)
    photo = read(image)
    if options.opaque(behind):
        photo = srgb(photo)
    found = find(photo, load_alpha(model, edges=edges, flip=flip, device=device), options)
    if require_person and not found.people:
        raise nobody("the photo", found.confidence)
    spend = not isinstance(image, np.ndarray)
    return flat(layers(photo, found.alpha, behind, options, spend=spend))

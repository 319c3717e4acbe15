"""How training pictures are made of a photo and its truths: one function per published training, and ours.

Each takes (generator, layers, width, height) and gives the layers at exactly that size; see transforms.
"""

from collections.abc import Callable, Sequence

import cv2
from numpy.random import Generator

from figureground.data.transforms import (
    Layers,
    blur,
    camera,
    crop,
    distort,
    flip,
    quarter_turns,
    resize,
    rotate,
    scale,
    window,
)

Pipeline = Callable[[Generator, Layers, int, int], Layers]


def pp_humanseg(rng: Generator, layers: Layers, width: int, height: int) -> Layers:
    """PaddleSeg's human and portrait configurations: the same steps, ranges and probabilities; hue is
    turned about the grey axis rather than in HSV."""
    layers = resize(layers, width, height)
    layers = scale(rng, layers)
    layers = rotate(rng, layers)
    layers = crop(rng, layers, width, height)
    photo, *truths = flip(rng, layers)
    return blur(rng, distort(rng, photo)), *truths


def u2net(rng: Generator, layers: Layers, width: int, height: int, turns: bool = False) -> Layers:
    """U²-Net's: resized to 10/9 of the size (320 for 288) whatever the photo's shape, mirrored top and
    bottom half of the time, cropped. turns: by quarters too, as the model zoo does. The truth is resized
    bilinearly, as a soft map; the originals take the nearest pixel, and divide by the largest."""
    layers = resize(layers, round(width * 10 / 9), round(height * 10 / 9))
    layers = flip(rng, layers, axis=0)
    if turns:
        layers = quarter_turns(rng, layers)
    return crop(rng, layers, width, height)


def shm(rng: Generator, layers: Layers, width: int, height: int) -> Layers:
    """Semantic Human Matting's: half of the time scaled by 0.75 … 1.25; a crop, or else the whole resized;
    mirrored either way half of the time."""
    if rng.random() < 0.5:
        layers = scale(rng, layers, filter=cv2.INTER_CUBIC)
    if rng.random() < 0.5:
        layers = crop(rng, layers, width, height, fill=(0, 0, 0))
    else:
        layers = resize(layers, width, height, cv2.INTER_CUBIC)
    return flip(rng, flip(rng, layers, axis=0))


def refinenet(
    rng: Generator,
    layers: Layers,
    width: int,
    height: int,
    scales: tuple[float, float] = (0.5, 3.0),
    fill: Sequence[float] = (124, 116, 104),
) -> Layers:
    """RefineNet's, as the model zoo trains it: scaled, padded with `fill` (the mean colour, so about 0 once
    normalised) and no label, cropped, mirrored half of the time."""
    layers = scale(rng, layers, *scales, filter=cv2.INTER_CUBIC)
    return flip(rng, crop(rng, layers, width, height, fill))


def varied(rng: Generator, layers: Layers, width: int, height: int, least: float = 0.6) -> Layers:
    """figureground's own: a part of the photo, of each side the share `least` or more, mirrored half of the
    time, through a stranger's camera."""
    photo, *truths = flip(rng, window(rng, layers, width, height, least))
    return camera(rng, photo), *truths

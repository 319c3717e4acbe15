"""Frames with the alphas of the people in them: found small, averaged along the motion, drawn large."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from figureground.errors import VideoError
from figureground.runtime.alpha import CONTRAST, AlphaPredictor
from figureground.runtime.predictor import load_alpha
from figureground.video.ahead import ahead
from figureground.video.canvas import Canvas, Pixels, Shrinker
from figureground.video.edges import guided
from figureground.video.read import Frame, Packet, Reader
from figureground.video.steady import Steady

Edges = Literal["fine", "fast"]  # of those of photos
Steadiness = Literal["motion", "none"]
LOOK = 2  # frames to come that a frame is averaged with, where they can be waited for
WARM = 8  # frames before the first wanted one that are averaged with it


@dataclass(frozen=True)
class Found:
    """A frame, h×w×3 RGB of it as the network sees it, and its alpha (h×w in [0, 1]), once it is known."""

    frame: Frame
    shown: Pixels
    alpha: NDArray[np.float32]


def found(
    items: Iterable[Frame | Packet],
    canvas: Canvas,
    predictor: AlphaPredictor,
    *,
    steady: Steadiness = "motion",
    look: int = LOOK,
    skip: int = 0,
    live: bool = False,
) -> Generator[Found | Frame | Packet, None, None]:
    """What the network finds in each frame; the first `skip` frames, and packets, as they are. Threads of
    their own for reading, the network and the average; none if live, as no frame may wait there. look: see
    Steady."""
    through: Callable[[Any], Any] = iter if live else ahead
    size = predictor.input.content_for(canvas.width, canvas.height)
    shown = through(_shown(items, Shrinker(canvas), size, skip - WARM))
    small = _small(shown, predictor.for_size(*size))
    with closing(through(_steadied(through(small), look) if steady == "motion" else small)) as seen:
        for item in seen:
            yield item.frame if isinstance(item, Found) and item.frame.number < skip else item


def _shown(
    items: Iterable[Frame | Packet], shrink: Shrinker, size: tuple[int, int], skip: int
) -> Generator[tuple[Frame, Pixels] | Frame | Packet, None, None]:
    for item in items:
        if isinstance(item, Frame) and item.number >= skip:
            yield item, np.ascontiguousarray(shrink(item.picture, item.turns, *size))
        else:
            yield item


def _small(
    items: Generator[tuple[Frame, Pixels] | Frame | Packet, None, None], predictor: AlphaPredictor
) -> Generator[Found | Frame | Packet, None, None]:
    with closing(items):
        for item in items:
            yield Found(*item, predictor.small(item[1])) if isinstance(item, tuple) else item


def _steadied(
    items: Generator[Found | Frame | Packet, None, None], look: int
) -> Generator[Found | Frame | Packet, None, None]:
    """Packets overtake the frames that wait."""
    steady, waiting = Steady(look), deque[Found]()
    with closing(items):
        for item in items:
            if not isinstance(item, Found):
                yield item
                continue
            waiting.append(item)
            for alpha in steady(item.shown, item.alpha):
                yield replace(waiting.popleft(), alpha=alpha)
    for alpha in steady.rest():
        yield replace(waiting.popleft(), alpha=alpha)


def large(item: Found, canvas: Canvas, predictor: AlphaPredictor) -> Pixels:
    """The alpha of a frame at its full size, H×W uint8: drawn along its edges, or enlarged, as the
    predictor says; what is transparent in the frame stays so."""
    if predictor.edges == "fast":
        size = canvas.width, canvas.height
        alpha = cv2.convertScaleAbs(cv2.resize(item.alpha, size), alpha=255)
    else:
        planes = canvas.of(item.frame.picture, item.frame.turns, "yuv420p")
        contrast = 1.0 if predictor.output == "alpha" else CONTRAST
        alpha = guided(planes, canvas.guide(item.shown), item.alpha, contrast)
    opacity = item.frame.opacity()
    return alpha if opacity is None else cv2.multiply(alpha, opacity, scale=1 / 255)


def finder(model: str, edges: Edges, steady: Steadiness, device: str) -> AlphaPredictor:
    """The model, on one thread, since stages share the cores.

    Raises CardError, and VideoError for edges or a steadiness that videos do not have.
    """
    if steady not in get_args(Steadiness):
        raise VideoError(f"steady is {steady!r}; expected {' or '.join(get_args(Steadiness))}")
    if edges not in get_args(Edges):
        raise VideoError(f"edges is {edges!r}; of a video expected {' or '.join(get_args(Edges))}")
    return load_alpha(model, edges=edges, device=device, threads=1)


def alphas(
    path: str | os.PathLike[str],
    *,
    model: str = "pp-humanseg-lite",
    edges: Edges = "fine",
    steady: Steadiness = "motion",
    begin: float = 0.0,
    end: float | None = None,
    device: str = "auto",
) -> Iterator[tuple[Pixels, NDArray[np.float32], float]]:
    """(H×W×3 uint8 RGB, H×W float32 alpha in [0, 1], time in seconds from `begin`) of each frame, upright.

    The arguments are replace_background's. Raises VideoError when the video cannot be read, or breaks off;
    CardError for the model.
    """
    predictor = finder(model, edges, steady, device)
    with Reader(path, begin, end) as reader:
        canvas = reader.canvas("rgb24")
        with closing(found(reader, canvas, predictor, steady=steady)) as items:
            for item in items:
                if isinstance(item, Found):
                    pixels = canvas.of(item.frame.picture, item.frame.turns)[0]
                    alpha = large(item, canvas, predictor).astype(np.float32)
                    alpha *= np.float32(1 / 255)
                    yield np.ascontiguousarray(pixels), alpha, item.frame.time

"""The main job on video: people before another background, frame by frame, in four threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from figureground.imaging import compose
from figureground.imaging.foreground import estimate
from figureground.runtime.alpha import AlphaPredictor, Edges
from figureground.runtime.predictor import load_alpha
from figureground.video.ahead import ahead
from figureground.video.backdrop import Backdrop
from figureground.video.backdrop import background as parse_background
from figureground.video.read import Frame, Packet, Reader
from figureground.video.steady import Steady
from figureground.video.write import Writer

Pixels = NDArray[np.uint8]
Steadiness = Literal["motion", "none"]


@dataclass(frozen=True)
class Done:
    """frames written. seconds: time of the last frame's end after the first's begin. width, height: of the
    output. people: mean alpha in [0, 1]. copied, left_out: the other streams. device: the network's."""

    frames: int
    seconds: float
    width: int
    height: int
    people: float
    copied: list[str]
    left_out: list[str]
    device: str


def replace_background(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    background: str | os.PathLike[str] = "blur",
    mask: bool = False,
    model: str = "pp-humanseg-lite",
    edges: Edges = "fine",
    foreground: bool = True,
    steady: Steadiness = "motion",
    quality: int | None = None,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> Done:
    """Puts the people of a video or GIF before another background, with the same times and sound.

    background: "blur", a colour, the path of an image or of a video (looped), or "transparent", for which
    the target must be .webm, .mkv (VP9), .mov (ProRes 4444) or .gif; else it may be .mp4 too (H.264).
    mask: the alpha itself, white where people are. steady: "motion" averages the alpha along the motion,
    against flicker (video.steady); "none" takes each frame by itself. foreground: soft edges get the
    foreground's own colours. quality: CRF, lower is better; None: good, and not much larger than the
    source. progress is called with frames done and frames in all (0 where unknown).

    The target appears whole or not at all. Raises VideoError for a source that cannot be read to its
    end or a target that cannot be written, ImageError for the background, CardError for the model.
    """
    transparent = os.fspath(background) == "transparent" and not mask
    predictor = load_alpha(model, edges=edges, device=device, threads=1)  # stages share the cores
    with (
        Reader(source) as reader,
        Writer(target, reader, transparent=transparent, quality=quality) as writer,
    ):
        behind, backdrop = parse_background(background, reader.size) if not mask else (None, None)
        total = reader.stream.frames or round(
            reader.seconds * float(reader.stream.average_rate or 0)
        )
        begin, count, people, frame = reader.first.time, 0, 0.0, reader.first
        seen = _seen(ahead(reader), predictor, backdrop, begin, steady)
        with closing(ahead(_shown(ahead(seen), predictor, behind, foreground))) as shown:
            for item in shown:
                if isinstance(item, av.Packet):
                    writer.copy(item)
                    continue
                frame, pixels, share = item
                writer.write(pixels, frame)
                count, people = count + 1, people + share
                if progress is not None:
                    progress(count, max(total, count) if total else 0)
        writer.finish()
        seconds = frame.time - begin + float(frame.duration * frame.time_base)
        return Done(
            count,
            round(seconds, 3),
            *writer.size,
            round(people / count, 5),
            writer.copied,
            writer.left_out,
            predictor.session.device,
        )


def _seen(
    items: Generator[Frame | Packet, None, None],
    predictor: AlphaPredictor,
    backdrop: Backdrop | None,
    begin: float,
    steady: Steadiness,
) -> Generator[Packet | tuple[Frame, NDArray[np.float32], Pixels | None], None, None]:
    """Frames with their small alphas and what is behind them, if that moves; packets as they are."""
    filtered = Steady() if steady == "motion" else None
    with closing(items):
        for item in items:
            if isinstance(item, av.Packet):
                yield item
                continue
            small = predictor.small(item.photo.pixels)
            if filtered is not None:
                small = filtered(item.photo.pixels, small)
            yield item, small, backdrop.at(item.time - begin) if backdrop else None
    if backdrop:
        backdrop.close()


def _shown(
    items: Generator[Packet | tuple[Frame, NDArray[np.float32], Pixels | None], None, None],
    predictor: AlphaPredictor,
    behind: compose.Background | None,
    foreground: bool,
) -> Generator[Packet | tuple[Frame, Pixels, float], None, None]:
    """Frames with the pixels to write and their mean alpha; packets as they are."""
    with closing(items):
        for item in items:
            if isinstance(item, av.Packet):
                yield item
                continue
            frame, small, back = item
            photo = frame.photo
            alpha = predictor.large(photo.pixels, small)
            if photo.opacity is not None:
                alpha = alpha * (photo.opacity * np.float32(1 / 255))
            opacity = compose.to_uint8(alpha)
            share = float(opacity.mean()) / 255
            if behind is None:
                yield frame, opacity, share
                continue
            if back is None:
                back = behind(photo.pixels, opacity)
            pixels = estimate(photo.pixels, opacity) if foreground else photo.pixels
            if back is None:
                yield frame, compose.cutout(pixels, opacity), share
            else:
                yield frame, compose.replace(pixels, opacity, back), share

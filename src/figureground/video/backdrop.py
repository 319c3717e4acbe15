"""A video behind another: its frames by time, at its own rate, over and over."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from figureground.errors import ImageError, VideoError
from figureground.imaging import compose
from figureground.video.read import Frame, Reader


class Backdrop:
    """size: (width, height) to which each frame is cropped about its centre. Raises VideoError when
    the video cannot be read."""

    def __init__(self, path: str | os.PathLike[str], size: tuple[int, int]) -> None:
        self._path, self._size = path, size
        self._frames = self._loop()
        self._now = self._next = next(self._frames)

    def at(self, time: float) -> NDArray[np.uint8]:
        """H×W×3 uint8 RGB, what it shows `time` seconds after its start; times must not fall."""
        while self._next[0] <= time:
            self._now, self._next = self._next, next(self._frames)
        return self._now[1]

    def close(self) -> None:
        self._frames.close()

    def _loop(self) -> Generator[tuple[float, NDArray[np.uint8]], None, None]:
        begin = 0.0
        while True:
            with Reader(self._path) as reader:
                for frame in reader:
                    if isinstance(frame, Frame):
                        time = begin + frame.time - reader.first.time
                        image = Image.fromarray(frame.photo.pixels)
                        fitted = ImageOps.fit(image, self._size, Image.Resampling.BILINEAR)
                        yield time, np.asarray(fitted)
                        end = time + max(float(frame.duration * frame.time_base), 0.01)
            begin = end


def background(
    spec: str | os.PathLike[str], size: tuple[int, int]
) -> tuple[compose.Background, Backdrop | None]:
    """What compose.background gives, or, where spec is a video or a GIF, that and its frames by time.

    Raises ImageError for what is neither.
    """
    moving = Path(spec).suffix.lower() == ".gif" and os.path.isfile(spec)
    try:
        if not moving:
            return compose.background(spec), None
    except ImageError as error:
        if not os.path.isfile(spec):
            raise ImageError(
                str(error).replace("an image file", "an image or video file")
            ) from None
    try:
        return compose.background("transparent"), Backdrop(spec, size)
    except VideoError as error:
        raise ImageError(
            f"the background {os.fspath(spec)!r} is neither an image nor a video ({error})"
        ) from None

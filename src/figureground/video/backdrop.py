"""What is put behind the people of a video: planes for each frame."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from av.video.reformatter import Interpolation

from figureground.errors import ImageError, VideoError
from figureground.imaging import compose
from figureground.video.canvas import Canvas, Pixels, Planes
from figureground.video.people import Found
from figureground.video.read import Frame, Reader


class Backdrop(Protocol):
    def behind(self, item: Found, alpha: Pixels) -> Planes: ...

    def close(self) -> None: ...


class Plain:
    """The same for all frames: a colour, or a picture."""

    def __init__(self, planes: Planes) -> None:
        self._planes = planes

    def behind(self, item: Found, alpha: Pixels) -> Planes:
        return self._planes

    def close(self) -> None:
        pass


class Blur:
    """The frame's own background out of focus, with a radius of `share` of the longer side. The person does
    not bleed into it: colours count by 1 − alpha. It is computed on a quarter of what the network saw,
    where a blur that large loses nothing."""

    def __init__(self, canvas: Canvas, share: float = 0.03) -> None:
        self._canvas, self._share = canvas, share

    def behind(self, item: Found, alpha: Pixels) -> Planes:
        height, width = (max(side // 2, 1) for side in item.alpha.shape)
        small = cv2.resize(item.shown, (width, height), interpolation=cv2.INTER_AREA)
        weight = 1 - cv2.resize(item.alpha, (width, height), interpolation=cv2.INTER_AREA)
        weight = np.maximum(weight, np.float32(1e-3))  # where only the person is near, that
        sums = np.dstack([small * weight[:, :, None], weight])
        sums = cv2.GaussianBlur(sums, None, self._share * max(width, height))
        return self._canvas.paint(cv2.convertScaleAbs(sums[:, :, :3] / sums[:, :, 3:]))

    def close(self) -> None:
        pass


class Moving:
    """A video: its frames by time, at its own rate, cropped about their centre; over and over.

    Raises VideoError when it cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], canvas: Canvas, begin: float) -> None:
        self._path, self._canvas, self._begin = path, canvas, begin
        self._frames = self._loop()
        self._now = self._next = next(self._frames)

    def behind(self, item: Found, alpha: Pixels) -> Planes:
        """What it shows as long after its start as the frame is after `begin`; times must not fall."""
        while self._next[0] <= item.frame.time - self._begin:
            self._now, self._next = self._next, next(self._frames)
        return self._now[1]

    def close(self) -> None:
        self._frames.close()

    def _loop(self) -> Generator[tuple[float, Planes], None, None]:
        begin = 0.0
        while True:
            with Reader(self._path) as reader:
                own = reader.canvas("rgb24")
                for frame in reader:
                    if isinstance(frame, Frame):
                        time = begin + frame.time - reader.first.time
                        yield time, self._fitted(frame, own)
                        end = time + max(float(frame.duration * frame.time_base), 0.01)
            begin = end

    def _fitted(self, frame: Frame, own: Canvas) -> Planes:
        """Scaled so that it covers the canvas, by FFmpeg, then cropped."""
        canvas = self._canvas
        width, height = frame.size
        scale = max(canvas.width / width, canvas.height / height)
        sides = max(round(width * scale), canvas.width), max(round(height * scale), canvas.height)
        if frame.turns % 2:
            sides = sides[::-1]
        picture = frame.picture.reformat(
            *sides,
            canvas.kind,
            src_colorspace=own.matrix,
            dst_colorspace=canvas.matrix,
            dst_color_range=canvas.range if canvas.kind == "yuv420p" else None,
            interpolation=Interpolation.BILINEAR,
            threads=1,
        )
        planes = canvas.of(picture, frame.turns)
        left, top = (
            (long - short) // 4 * 2
            for long, short in zip(planes[0].shape[1::-1], (canvas.width, canvas.height))
        )
        cropped = []
        for plane in planes:
            half = 1 if plane.shape[:2] == planes[0].shape[:2] else 2
            rows, columns = -(-canvas.height // half), -(-canvas.width // half)
            y, x = top // half, left // half
            cropped.append(plane[y : y + rows, x : x + columns])
        return tuple(cropped)


def backdrop(spec: str | os.PathLike[str], canvas: Canvas, begin: float) -> Backdrop | None:
    """What `spec` puts behind, None where it is "transparent": "blur", a colour, the path of an image or
    of a video. begin: time in seconds of the first frame.

    Raises ImageError for anything else.
    """
    spec = os.fspath(spec)
    if spec == "transparent":
        return None
    if spec == "blur":
        return Blur(canvas)
    moving = Path(spec).suffix.lower() == ".gif" and os.path.isfile(spec)
    try:
        if not moving:
            empty = np.zeros((canvas.height, canvas.width, 3), np.uint8)
            pixels = compose.background(spec)(empty, empty[:, :, 0])
            assert pixels is not None
            return Plain(canvas.paint(pixels))
    except ImageError as error:
        if not os.path.isfile(spec):
            raise ImageError(
                str(error).replace("an image file", "an image or video file")
            ) from None
    try:
        return Moving(spec, canvas, begin)
    except VideoError as error:
        raise ImageError(
            f"the background {spec!r} is neither an image nor a video ({error})"
        ) from None

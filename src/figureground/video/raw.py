"""Frames without a container, as FFmpeg's rawvideo has them: through pipes, from a camera, to a screen."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np

from figureground.errors import VideoError
from figureground.video.canvas import Canvas, Kind, Pixels, Planes, parts, views
from figureground.video.read import Frame, Packet, matrix


class RawReader:
    """RGB frames of one size, 3 bytes a pixel, at an even rate, from a stream until it ends. Interface of
    read.Reader. Raises VideoError where it ends within a frame, or before the first."""

    path = "-"
    seconds = 0.0
    frames = 0
    bit_rate = 0
    aspect = Fraction(1)
    tags: dict[str, int] | None = None
    metadata: dict[str, str] = {}  # noqa: RUF012
    others: list[Any] = []  # noqa: RUF012

    def __init__(
        self, stream: BinaryIO, size: tuple[int, int], rate: Fraction = Fraction(30)
    ) -> None:
        self.size, self.rate, self._stream, self.good = size, rate, stream, 0
        first = self._next()
        if first is None:
            raise VideoError("standard input ended before the first frame")
        self.first = first

    def canvas(self, kind: Kind) -> Canvas:
        return Canvas(*self.size, kind, matrix(0, self.size[1]), False)

    def __iter__(self) -> Generator[Frame | Packet, None, None]:
        yield self.first
        yield from iter(self._next, None)

    def _next(self) -> Frame | None:
        width, height = self.size
        content = self._stream.read(3 * width * height)
        if not content:
            return None
        if len(content) < 3 * width * height:
            raise VideoError(
                f"standard input ends after {self.good} frames and {len(content)} bytes; expected "
                f"{3 * width * height} bytes for each of {width}x{height}, RGB"
            )
        pixels = np.frombuffer(content, np.uint8).reshape(height, width, 3)
        picture = av.VideoFrame.from_ndarray(pixels, "rgb24")
        self.good += 1
        return Frame(picture, 0, self.good - 1, self.good - 1, 1, 1 / self.rate)

    def close(self) -> None:
        pass

    def __enter__(self) -> RawReader:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class RawWriter:
    """RGB, or of a transparent video RGBA (straight), to a stream. Interface of write.Writer."""

    kind: Kind = "rgb24"
    codec = "rawvideo"
    path = "-"
    target = Path("-")

    def __init__(self, stream: BinaryIO, size: tuple[int, int], *, transparent: bool) -> None:
        self.size, self._stream = size, stream
        self._blank = "rgba" if transparent else "rgb24"
        self.copied: list[str] = []
        self.left_out: list[str] = []
        self.damaged = 0

    def blank(self) -> tuple[av.VideoFrame, Planes, Pixels | None]:
        picture = av.VideoFrame(*self.size, self._blank)
        return (picture, *parts(picture, *self.size))

    def write(self, picture: av.VideoFrame, frame: Frame) -> None:
        self._stream.write(np.ascontiguousarray(views(picture)[0]).data)
        self._stream.flush()  # what looks on does not wait for the next

    def copy(self, packet: Packet) -> None:
        """A stream of frames has no sound."""

    def finish(self, target: Path | None = None) -> None:
        self._stream.flush()

    def close(self) -> None:
        pass

    def __enter__(self) -> RawWriter:
        return self

    def __exit__(self, *error: object) -> None:
        pass

"""Any video or GIF as upright RGB frames with their own time stamps, and the packets beside them."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from typing import Any, TypeAlias

import av
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from figureground.errors import VideoError
from figureground.imaging.read import Photo

Packet: TypeAlias = "av.Packet[Any]"
SHORT = 0.5  # seconds by which a whole file may end before the time its header gives


@dataclass(frozen=True)
class Frame:
    """photo: H×W×3 uint8 RGB, upright, with the opacity that a GIF may have.
    pts, duration: in units of time_base, as in the file; duration is 0 where it is unknown."""

    photo: Photo
    pts: int
    duration: int
    time_base: Fraction

    @property
    def time(self) -> float:
        """Seconds."""
        return float(self.pts * self.time_base)


class Reader:
    """Frames and the packets of the other streams, in the file's order: `for item in reader`.

    every: seconds, to leave out all but the first frame of each span of that length; 0 for none.
    The first frame is read at once. size: upright (width, height). seconds: of the whole, 0 where unknown.
    bit_rate: bits per second of all streams, 0 where unknown.
    Raises VideoError when there is nothing to read; in the loop, when the file breaks off or its
    picture changes size, with the number of frames that were good.
    """

    def __init__(self, path: str | os.PathLike[str], every: float = 0) -> None:
        self.path = os.fspath(path)
        self.every = every
        if not os.path.isfile(self.path):
            raise VideoError(
                f"{self.path} is not there, or no file; expected a video file or a GIF"
            )
        if not os.path.getsize(self.path):
            raise VideoError(f"{self.path} is empty (0 bytes)")
        try:
            self.container = av.open(self.path)
        except (av.FFmpegError, ValueError) as error:
            raise VideoError(
                f"{self.path} cannot be read as a video ({_reason(error)}); it is none, or its end is "
                "missing"
            ) from None
        moving = [s for s in self.container.streams.video if not _is_cover(s)]
        if not moving:
            kinds = ", ".join(sorted({s.type for s in self.container.streams})) or "nothing"
            self.container.close()
            raise VideoError(f"{self.path} has no video stream; it has {kinds}")
        self.stream = moving[0]
        self.stream.thread_type = "AUTO"
        self.others = [s for s in self.container.streams if s.type in ("audio", "subtitle")]
        self.seconds = float((self.container.duration or 0) / av.time_base)
        self.bit_rate = self.container.bit_rate or 0
        self.good = 0
        self._turned = False
        self._items = self._read()
        self._early: list[Frame | Packet] = []
        for item in self._items:
            self._early.append(item)
            if isinstance(item, Frame):
                self.first = item
                break
        else:
            self.close()
            raise VideoError(f"{self.path} has a video stream without frames")
        height, width = self.first.photo.pixels.shape[:2]
        self.size = width, height
        ratio = self.stream.sample_aspect_ratio or Fraction(1)
        self.aspect = 1 / ratio if self._turned else ratio

    def __iter__(self) -> Generator[Frame | Packet, None, None]:
        yield from self._early
        self._early.clear()
        yield from self._items

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._items.close()
        self.container.close()

    def _read(self) -> Generator[Frame | Packet, None, None]:
        end, last, shape, due = 0.0, None, None, -inf
        try:
            for packet in self.container.demux([self.stream, *self.others]):
                if packet.pts is not None and packet.time_base:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream is not self.stream:
                    if packet.dts is not None:
                        yield packet
                    continue
                for picture in packet.decode():
                    assert isinstance(picture, av.VideoFrame)
                    if self.every and picture.time is not None:
                        if picture.time < due - 1e-6:
                            self.good += 1
                            continue
                        due = ((picture.time + 1e-6) // self.every + 1) * self.every
                    frame = self._frame(picture, last)
                    shape = shape or frame.photo.pixels.shape
                    if frame.photo.pixels.shape != shape:
                        raise VideoError(
                            f"{self.path} changes from {shape[1]}x{shape[0]} to "
                            f"{frame.photo.pixels.shape[1]}x{frame.photo.pixels.shape[0]} after "
                            f"{self.good} frames; expected one size, split it there"
                        )
                    self.good += 1
                    last = frame
                    yield frame
        except av.FFmpegError as error:
            raise self._broken(_reason(error)) from None
        begin = float((self.container.start_time or 0) / av.time_base)
        if self.seconds and end - begin < self.seconds - SHORT:
            raise self._broken(f"it ends at {end - begin:.1f} of {self.seconds:.1f} s")

    def _broken(self, reason: str) -> VideoError:
        return VideoError(
            f"{self.path} breaks off after {self.good} good frames ({reason}); get it whole, or keep "
            f"those with ffmpeg -i {self.path} -frames:v {self.good} good{Path(self.path).suffix}"
        )

    def _frame(self, picture: av.VideoFrame, last: Frame | None) -> Frame:
        alpha = any(part.is_alpha for part in picture.format.components) or (
            picture.format.name == "pal8"
        )
        pixels: NDArray[Any] = picture.to_ndarray(
            format="rgba" if alpha else "rgb24",
            src_colorspace=matrix(picture.colorspace, picture.height),
            threads=1,
        )
        turns = picture.rotation // 90 % 4
        self._turned = bool(turns % 2)
        if turns:
            pixels = np.rot90(pixels, turns)
        base = picture.time_base or self.stream.time_base or Fraction(1, 1000)
        duration = picture.duration or 0
        if not duration and (rate := self.stream.average_rate):
            duration = round(1 / rate / base)
        pts = picture.pts
        if last is not None and (pts is None or pts <= last.pts):
            pts = last.pts + (max(last.duration, 1) if pts is None else 1)
        opacity = np.ascontiguousarray(pixels[:, :, 3]) if alpha else None
        if opacity is not None and opacity.min() == 255:
            opacity = None
        photo = Photo(np.ascontiguousarray(pixels[:, :, :3]), opacity)
        return Frame(photo, pts or 0, duration, base)


def frames(
    path: str | os.PathLike[str], every: float = 0
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(time in seconds, H×W×3 uint8 RGB) of each frame of a video or GIF, upright; or of one `every` so
    many seconds.

    Raises VideoError when it cannot be read, or breaks off.
    """
    with Reader(path, every) as reader:
        for item in reader:
            if isinstance(item, Frame):
                yield item.time, item.photo.pixels


def matrix(colorspace: int, height: int) -> Colorspace:
    """What relates YUV to RGB; where the file does not say, what players take for its height."""
    known = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 9: Colorspace.BT2020}
    return known.get(colorspace, Colorspace.ITU709 if height > 576 else Colorspace.ITU601)


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(int(stream.disposition) & 0x400)  # an attached picture, such as an album's cover


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

"""Any video or GIF as upright frames with their own time stamps, and the packets beside them."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from pathlib import Path
from shlex import quote
from typing import Any, TypeAlias

import av
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from figureground.errors import VideoError
from figureground.video import gif
from figureground.video.canvas import Canvas, Kind, upright, views

Packet: TypeAlias = "av.Packet[Any]"
CLOCKS = ("mpegts", "mpeg")  # formats whose times begin anywhere
SHORT = 0.5  # seconds by which a whole file may end before the time its header gives


@dataclass(frozen=True)
class Frame:
    """picture: as decoded, to be turned by `turns`, see canvas.upright. number: from 0.
    pts, duration: in units of time_base; duration is 0 where it is unknown."""

    picture: av.VideoFrame
    turns: int
    number: int
    pts: int
    duration: int
    time_base: Fraction

    @property
    def time(self) -> float:
        """Seconds."""
        return float(self.pts * self.time_base)

    @property
    def size(self) -> tuple[int, int]:
        """Upright (width, height)."""
        sides = self.picture.width, self.picture.height
        return sides[::-1] if self.turns % 2 else sides

    def opacity(self) -> NDArray[np.uint8] | None:
        """H×W uint8 where something is transparent, as a GIF may be."""
        format = self.picture.format
        if not (format.name == "pal8" or any(part.is_alpha for part in format.components)):
            return None
        opacity = upright(views(self.picture.reformat(format="rgba"))[0][:, :, 3], self.turns)
        return None if opacity.min() == 255 else opacity


class Reader:
    """Frames and the packets of the other streams, in the file's order: `for item in reader`.

    begin, end: seconds from the file's start between which frames and packets are given; their times then
    count from `begin`. every: seconds, to leave out all but the first frame of each span of that length;
    0 for none. The first frame is read at once. size: upright (width, height). seconds: of all of
    it, 0 where unknown. frames: how many there should be, 0 where unknown. bit_rate: bits per second of all
    streams, 0 where unknown. tags: what the stream says of its colours, None of RGB.
    Raises VideoError when there is nothing to read; in the loop, when the file breaks off or its
    picture changes size, with the number of frames that were good.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        begin: float = 0.0,
        end: float | None = None,
        every: float = 0.0,
    ) -> None:
        self.path = os.fspath(path)
        self.every = every
        if not every >= 0:
            raise VideoError(f"every is {every:g} seconds; expected 0 or more")
        if not begin >= 0 or (end is not None and not end > begin):
            raise VideoError(f"asked for {begin} to {end} s; expected a time and a later one")
        if not os.path.isfile(self.path):
            raise VideoError(
                f"{self.path} is not there, or no file; expected a video file or a GIF"
            )
        if not os.path.getsize(self.path):
            raise VideoError(f"{self.path} is empty (0 bytes)")
        try:
            # as 12:30.mp4 it would be an address
            self.container = av.open(os.path.abspath(self.path))
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
        if self.stream.codec_context is None:
            self.container.close()
            raise VideoError(f"{self.path} has a codec that this FFmpeg does not know; convert it")
        self.stream.thread_type = "AUTO"
        self.others = [
            s
            for s in self.container.streams
            if s.type in ("audio", "subtitle") and s.codec_context is not None
        ]
        self.good = 0
        self._span(begin, end)
        self._items = self._read()
        self._early: list[Frame | Packet] = []
        for item in self._items:
            self._early.append(item)
            if isinstance(item, Frame):
                self.first = item
                break
        else:
            self.close()
            raise VideoError(
                f"{self.path} has a video stream without frames"
                + (f" from {begin} s on" if begin else "")
                + (f" to {end} s" if end is not None else "")
            )
        self.size = self.first.size
        self.metadata = self.container.metadata
        source = self.stream.codec_context
        self.tags = (
            {name: getattr(source, name) for name in ("colorspace", "color_primaries", "color_trc")}
            if "yuv" in (source.pix_fmt or "")
            else None
        )
        ratio = self.stream.sample_aspect_ratio or Fraction(1)
        self.aspect = 1 / ratio if self.first.turns % 2 else ratio

    def _span(self, begin: float, end: float | None) -> None:
        """Goes to where the frames begin, and notes where they end."""
        self.seconds = whole = float((self.container.duration or 0) / av.time_base)
        self.bit_rate = self.container.bit_rate or 0
        self.rate = (
            self.stream.average_rate or self.stream.guessed_rate or Fraction(25)
        )  # frames per second
        self.frames = self.stream.frames or round(self.seconds * float(self.rate))
        if begin and whole and begin >= whole:
            self.container.close()
            raise VideoError(f"{self.path} has {whole:.2f} s; asked to begin at {begin} s")
        start = float((self.container.start_time or 0) / av.time_base)
        # a broadcast's clock begins anywhere: its times count from the start
        clock = self.container.format.name in CLOCKS and start
        self._shift = Fraction(begin + start if begin or clock else 0).limit_denominator(1000)
        self._end = None if end is None else end - begin + (0 if self._shift else start)
        if begin or end is not None:
            self.seconds = max(min(end or whole, whole) - begin, 0)
            self.frames = round(self.seconds * float(self.rate))
        if begin:
            self.container.seek(int(self._shift * av.time_base))

    def canvas(self, kind: Kind) -> Canvas:
        """What its pictures are mixed on."""
        source, name = self.stream.codec_context, self.stream.codec_context.pix_fmt or ""
        full = name.startswith("yuvj") or ("yuv" in name and source.color_range == 2)
        return Canvas(*self.size, kind, matrix(source.colorspace, source.height), full)

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
        reached, last, size, due = 0.0, None, None, -inf
        going = {s.index for s in (self.stream, *self.others) if s.type != "subtitle"}
        try:
            for packet in self.container.demux([self.stream, *self.others]):
                if packet.pts is not None and packet.time_base:
                    reached = max(
                        reached, float((packet.pts + (packet.duration or 0)) * packet.time_base)
                    )
                if packet.stream is not self.stream:
                    if packet.dts is None or (self._move(packet) < 0 and self._shift):
                        continue
                    if self._end is not None and _time(packet) >= self._end:
                        going.discard(packet.stream.index)
                        continue
                    yield packet
                    continue
                if self.stream.index in going:
                    for picture in packet.decode():
                        assert isinstance(picture, av.VideoFrame)
                        if self.every and picture.time is not None:
                            if picture.time < due - 1e-6:
                                self.good += 1
                                continue
                            due = ((picture.time + 1e-6) // self.every + 1) * self.every
                        frame = self._frame(picture, last)
                        if frame is None:
                            continue
                        if self._end is not None and frame.time >= self._end - 1e-6:
                            going.discard(self.stream.index)
                            break
                        size = size or frame.size
                        if frame.size != size:
                            raise VideoError(
                                f"{self.path} changes from {size[0]}x{size[1]} to "
                                f"{frame.size[0]}x{frame.size[1]} after {self.good} frames; expected "
                                "one size, split it there"
                            )
                        self.good += 1
                        last = frame
                        yield frame
                if not going:
                    return
        except av.FFmpegError as error:
            raise self._broken(_reason(error)) from None
        begin = float((self.container.start_time or 0) / av.time_base)
        whole = self._length()
        if self.stream.index in going and whole and reached - begin < whole - SHORT:
            raise self._broken(f"it ends at {reached - begin:.1f} of {whole:.1f} s")
        if (
            self.stream.index in going
            and self.container.format.name == "gif"
            and not gif.ends(self.path)
        ):
            raise self._broken("its end is missing")

    def _length(self) -> float:
        """Seconds that the header promises of what is read; 0 where it does not say."""
        whole = float((self.container.duration or 0) / av.time_base)
        read = [self.stream, *self.others]
        known = [float(s.duration * s.time_base) for s in read if s.duration and s.time_base]
        if len(known) == len(read):
            return min(whole, max(known))
        alone = all(s.index == self.stream.index for s in self.container.streams.video)
        return whole if alone else 0.0  # which may be that of another

    def _move(self, packet: Packet) -> float:
        """Counts its times from where the frames begin. Gives that in seconds."""
        assert packet.time_base is not None
        if self._shift:
            shift = round(self._shift / packet.time_base)
            packet.dts = (packet.dts or 0) - shift
            if packet.pts is not None:
                packet.pts -= shift
        return _time(packet)

    def _broken(self, reason: str) -> VideoError:
        if not self.good:
            return VideoError(
                f"no frame of {self.path} can be read ({reason}); get it whole, or convert it, for example "
                "to .mp4"
            )
        path, good = quote(self.path), quote(f"good{Path(self.path).suffix}")
        return VideoError(
            f"{self.path} breaks off after {self.good} good frames ({reason}); get it whole, or keep "
            f"those with ffmpeg -i {path} -frames:v {self.good} {good}"
        )

    def _frame(self, picture: av.VideoFrame, last: Frame | None) -> Frame | None:
        """With a time after the last one's; None before the beginning."""
        base = picture.time_base or self.stream.time_base or Fraction(1, 1000)
        duration = picture.duration or 0
        if not duration and (rate := self.stream.average_rate):
            duration = round(1 / rate / base)
        pts = picture.pts
        if pts is not None and self._shift:
            pts -= round(self._shift / base)
            if pts < 0:
                return None
        if last is not None and (pts is None or pts <= last.pts):
            pts = last.pts + (max(last.duration, 1) if pts is None else 1)
        return Frame(picture, _turns(picture), self.good, pts or 0, duration, base)


def frames(
    path: str | os.PathLike[str], every: float = 0
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(time in seconds, H×W×3 uint8 RGB) of each frame of a video or GIF, upright; or of one `every` so
    many seconds.

    Raises VideoError when it cannot be read, or breaks off.
    """
    with Reader(path, every=every) as reader:
        canvas = reader.canvas("rgb24")
        for item in reader:
            if isinstance(item, Frame):
                yield item.time, np.ascontiguousarray(canvas.of(item.picture, item.turns)[0])


def matrix(colorspace: int, height: int) -> Colorspace:
    """What relates YUV to RGB; where the file does not say, what players take for its height."""
    known = {1: Colorspace.ITU709, 5: Colorspace.ITU601, 6: Colorspace.ITU601, 9: Colorspace.BT2020}
    return known.get(colorspace, Colorspace.ITU709 if height > 576 else Colorspace.ITU601)


def _turns(picture: av.VideoFrame) -> int:
    """What makes a frame upright, see canvas.upright, by the file's matrix (ISO 14496-12, 8.3.2)."""
    data: Any = picture.side_data.get("DISPLAYMATRIX")
    if data is not None:
        matrix = np.frombuffer(bytes(data), "<i4")
        a, b, c, d = (int(matrix[i]) for i in (0, 1, 3, 4))
        if a * d < b * c:  # mirrored
            return (4 if a < 0 else 6) if abs(a) > abs(b) else (5 if b < 0 else 7)
    return picture.rotation // 90 % 4


def _time(packet: Packet) -> float:
    """Seconds."""
    at = packet.pts if packet.pts is not None else packet.dts
    return float((at or 0) * (packet.time_base or 0))


def _is_cover(stream: av.VideoStream) -> bool:
    return bool(int(stream.disposition) & 0x400)  # an attached picture, such as an album's cover


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)

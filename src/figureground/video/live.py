"""Cameras, and virtual cameras that calls and recorders see: /dev/video0 and so on, Video4Linux2."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from threading import Condition, Thread
from typing import Any

import av
from av.video.reformatter import ColorRange

from figureground.errors import VideoError
from figureground.video.canvas import Canvas, Kind, Pixels, Planes, parts
from figureground.video.read import Frame, Packet, matrix


def is_device(path: str) -> bool:
    return path.startswith("/dev/video")


class Camera:
    """Frames as they come, without end; each time the newest, so that what comes while the last one is
    worked on is left out instead of lagging. Interface of read.Reader.

    size, rate: (width, height) and frames a second that it is asked for; it may give others.
    Raises VideoError when it cannot be opened, or is gone.
    """

    seconds = 0.0
    frames = 0
    bit_rate = 0
    aspect = Fraction(1)
    tags: dict[str, int] | None = None
    metadata: dict[str, str] = {}  # noqa: RUF012
    others: list[Any] = []  # noqa: RUF012

    def __init__(
        self, path: str, size: tuple[int, int] | None = None, rate: Fraction = Fraction(30)
    ) -> None:
        self.path, self.rate = path, rate
        options = {"framerate": f"{float(rate):g}"}
        if size is not None:
            options["video_size"] = f"{size[0]}x{size[1]}"
        try:
            self._container = av.open(path, format="v4l2", options=options)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise VideoError(
                f"{path} cannot be opened as a camera ({getattr(error, 'strerror', '') or error}); see "
                "ls /dev/video*, whether another program has it, and whether --raw-size is one of its"
            ) from None
        self._newest: Frame | None = None
        self._ended, self._closed, self._change = False, False, Condition()
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()
        first = self._next()
        if first is None:
            self.close()
            raise VideoError(f"{path} gives no frames")
        self.first, self.size = first, first.size

    def canvas(self, kind: Kind) -> Canvas:
        return Canvas(*self.size, kind, matrix(0, self.size[1]), False)

    def __iter__(self) -> Generator[Frame | Packet, None, None]:
        yield self.first
        yield from iter(self._next, None)

    def _next(self) -> Frame | None:
        with self._change:
            self._change.wait_for(lambda: self._newest is not None or self._ended)
            frame, self._newest = self._newest, None
        return frame

    def _read(self) -> None:
        begin, last = None, -1
        try:
            for number, picture in enumerate(self._container.decode(video=0)):
                if self._closed:
                    return
                base, pts = picture.time_base or 1 / self.rate, picture.pts or 0
                begin = pts if begin is None else begin
                last = max(pts - begin, last + 1)
                # cameras give YUYV, or JPEG, whose range is another
                planar = picture.reformat(
                    format="yuv420p", dst_color_range=ColorRange.MPEG, threads=1
                )
                frame = Frame(planar, 0, number, last, round(1 / self.rate / base), base)
                with self._change:
                    self._newest = frame
                    self._change.notify()
        except av.FFmpegError:
            pass  # it was unplugged: what came is what there is
        finally:
            with self._change:
                self._ended = True
                self._change.notify()

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        self._container.close()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


class VirtualCamera:
    """Frames to a device of v4l2loopback, as YUV 4:2:0. Interface of write.Writer.

    Raises VideoError when it cannot be opened, or takes no more, and for what is transparent.
    """

    kind: Kind = "yuv420p"
    codec = "rawvideo"

    def __init__(
        self, path: str, size: tuple[int, int], rate: Fraction, *, transparent: bool
    ) -> None:
        if transparent:
            raise VideoError(
                "a camera has no transparency; expected another background, such as green"
            )
        self.path, self.target, self.size = path, Path(path), size
        self.copied: list[str] = []
        self.left_out: list[str] = []
        self.damaged = 0
        try:
            self._container = av.open(path, "w", format="v4l2")
            stream = self._container.add_stream("rawvideo", rate=rate)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = size
            stream.pix_fmt, self._stream = self.kind, stream
            self._container.start_encoding()
        except (av.FFmpegError, OSError, ValueError) as error:
            raise self._failed(error) from None
        self._count = 0

    def blank(self) -> tuple[av.VideoFrame, Planes, Pixels | None]:
        picture = av.VideoFrame(*self.size, self.kind)
        return (picture, *parts(picture, *self.size))

    def write(self, picture: av.VideoFrame, frame: Frame) -> None:
        """At once: when it is seen is when it was made."""
        picture.pts, self._count = self._count, self._count + 1
        try:
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> VideoError:
        return VideoError(
            f"{self.path} cannot be written as a camera ({getattr(error, 'strerror', '') or error}); "
            "modprobe v4l2loopback makes one, and v4l2-ctl --list-devices shows which it is"
        )

    def copy(self, packet: Packet) -> None:
        """A camera has no sound."""

    def finish(self, target: Path | None = None) -> None:
        pass

    def close(self) -> None:
        self._container.close()

    def __enter__(self) -> VirtualCamera:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

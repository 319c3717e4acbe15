"""Frames to a video file or a GIF: the suffix decides, time stamps stay, sound is copied."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import VideoError
from figureground.imaging.write import UMASK
from figureground.video.read import Frame, Packet, Reader, matrix


@dataclass(frozen=True)
class Format:
    """container: FFmpeg's name. opaque, transparent: (codec, pixel format), where it has one."""

    container: str
    opaque: tuple[str, str]
    transparent: tuple[str, str] | None


VP9 = "libvpx-vp9"
FORMATS = {
    ".mp4": Format("mp4", ("libx264", "yuv420p"), None),
    ".mov": Format("mov", ("libx264", "yuv420p"), ("prores_ks", "yuva444p10le")),
    ".mkv": Format("matroska", ("libx264", "yuv420p"), (VP9, "yuva420p")),
    ".webm": Format("webm", (VP9, "yuv420p"), (VP9, "yuva420p")),
    ".gif": Format("gif", ("gif", "pal8"), ("gif", "pal8")),
}
OPTIONS = {
    "libx264": {"preset": "veryfast"},
    VP9: {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0"},
    "prores_ks": {"profile": "4444"},
    "gif": {},
}
CRF = {"libx264": 20, VP9: 30}
LARGER = 1.25  # than the input, at most, in bits per second, unless a quality is asked for


def format_of(path: str | os.PathLike[str], transparent: bool) -> tuple[Format, str, str]:
    """(format, codec, pixel format) by suffix; VideoError for one that is not known, or is opaque."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise VideoError(
            f"the output {os.fspath(path)!r} has the suffix {suffix!r}; expected one of {' '.join(FORMATS)}"
        )
    format = FORMATS[suffix]
    chosen = format.transparent if transparent else format.opaque
    if chosen is None:
        able = " ".join(name for name, other in FORMATS.items() if other.transparent)
        raise VideoError(
            f"{suffix} holds no transparency; expected {able}, or another background such as "
            "--background white"
        )
    return format, *chosen


class Writer:
    """A video like the reader's: its size, its times, its sound and subtitles where the container
    takes them. It grows in a temporary file, which `finish` puts in its place and leaving without
    removes: `with Writer(...) as writer: ...; writer.finish()`.

    quality: CRF of H.264 (0 … 51) or VP9 (0 … 63), lower is better; None for a good one, with no more bits
    per second than LARGER times the input's. copied, left_out: kinds and codecs of the other streams.
    Raises VideoError when the target cannot be written, or the suffix is not for it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        reader: Reader,
        *,
        transparent: bool = False,
        quality: int | None = None,
    ) -> None:
        format, self.codec, self.pixel_format = format_of(path, transparent)
        if quality is not None and not 0 <= quality <= (63 if self.codec == VP9 else 51):
            raise VideoError(
                f"the quality is {quality}; expected a CRF of 0 (best) to "
                f"{63 if self.codec == VP9 else 51} for {self.codec}"
            )
        self.path = os.fspath(path)
        self.target = Path(os.path.realpath(path))  # what a link points to is replaced
        if self.target.is_dir() or (self.target.exists() and not self.target.is_file()):
            raise VideoError(
                f"the output {self.path} is a folder or a device; expected a file name"
            )
        if self.target.exists() and os.path.samefile(self.target, reader.path):
            raise VideoError(f"the output {self.path} is the input; give it another name")
        self.part: Path | None = None
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".figureground-", dir=self.target.parent)
            os.close(handle)
        except OSError as error:
            raise VideoError(f"cannot write {self.path} ({error.strerror or error})") from None
        self.part = Path(name)
        try:
            self._open(format, reader, quality)
        except BaseException:
            self.close()
            raise

    def _open(self, format: Format, reader: Reader, quality: int | None) -> None:
        options = {"movflags": "faststart"} if format.container in ("mp4", "mov") else {}
        self.container = av.open(str(self.part), "w", format=format.container, options=options)
        source = reader.stream.codec_context
        width, height = reader.size
        if self.pixel_format == "yuv420p" and self.codec == "libx264":
            width, height = (
                width + width % 2,
                height + height % 2,
            )  # H.264 has no odd sizes in 4:2:0
        self.size = width, height
        rate = reader.stream.average_rate or reader.stream.guessed_rate or Fraction(25)
        self.base = Fraction(1, 100) if self.codec == "gif" else reader.first.time_base
        chosen = dict(OPTIONS[self.codec])
        if self.codec in CRF:
            chosen["crf"] = str(CRF[self.codec] if quality is None else quality)
        stream = self.container.add_stream(self.codec, rate=rate, options=chosen)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, self.pixel_format
        stream.time_base = stream.codec_context.time_base = self.base
        stream.codec_context.thread_count = 0
        stream.codec_context.sample_aspect_ratio = reader.aspect
        if self.codec in CRF:
            limit = int(reader.bit_rate * LARGER) if quality is None else 0
            if limit and self.codec == VP9:
                stream.bit_rate = limit
            elif limit:
                chosen |= {"maxrate": str(limit), "bufsize": str(limit)}
                stream.codec_context.options = chosen
        self.range = ColorRange.JPEG if source.color_range == 2 else ColorRange.MPEG
        self.matrix = matrix(source.colorspace, source.height)
        if self.codec != "gif" and source.pix_fmt and "yuv" in source.pix_fmt:
            stream.codec_context.color_range = self.range
            stream.codec_context.colorspace = source.colorspace
            stream.codec_context.color_primaries = source.color_primaries
            stream.codec_context.color_trc = source.color_trc
        self.stream = stream
        self.copied, self.left_out = [], []
        self._others: dict[int, av.stream.Stream] = {}
        for other in reader.others:
            name = f"{other.type} {other.codec_context.codec.canonical_name}"
            if other.codec_context.codec.canonical_name not in self.container.supported_codecs:
                self.left_out.append(name)
                continue
            copy = self.container.add_stream_from_template(other)
            copy.time_base = other.time_base
            if other.language:
                copy.metadata["language"] = other.language
            self._others[other.index] = copy
            self.copied.append(name)
        for key in ("title", "creation_time", "comment", "artist"):
            if key in reader.container.metadata:
                self.container.metadata[key] = reader.container.metadata[key]
        self._durations: dict[int, int] = {}
        self._last: int | None = None

    def write(self, pixels: NDArray[np.uint8], frame: Frame) -> None:
        """H×W (grey), H×W×3 or, of a transparent video, H×W×4 uint8, shown when `frame` was."""
        if pixels.ndim == 2:
            pixels = np.repeat(pixels[:, :, None], 3, axis=2)
        more = [(0, side - own) for side, own in zip(self.size[::-1], pixels.shape)]
        if any(end for _, end in more):
            pixels = np.pad(pixels, (*more, (0, 0)), "edge")
        picture = self._picture(pixels)
        pts = round(frame.pts * frame.time_base / self.base)
        if self._last is not None:
            pts = max(pts, self._last + 1)
        self._last = picture.pts = pts
        picture.time_base = self.base
        self._durations[pts] = round(frame.duration * frame.time_base / self.base)
        self._mux(self.stream.encode(picture))

    def _picture(self, pixels: NDArray[np.uint8]) -> av.VideoFrame:
        if self.codec == "gif":
            return _palette(pixels)
        picture = av.VideoFrame.from_ndarray(pixels, "rgba" if pixels.shape[2] == 4 else "rgb24")
        return picture.reformat(
            format=self.pixel_format,
            dst_colorspace=self.matrix,
            dst_color_range=self.range,
            threads=1,
        )

    def copy(self, packet: Packet) -> None:
        """A packet of another stream of the reader, as it is; of one left out, nothing."""
        if (copy := self._others.get(packet.stream.index)) is not None:
            packet.stream = copy
            self._mux([packet])

    def _mux(self, packets: Sequence[Packet]) -> None:
        for packet in packets:
            if packet.stream is self.stream and packet.time_base and packet.pts is not None:
                pts = round(packet.pts * packet.time_base / self.base)
                if duration := self._durations.pop(pts, 0):
                    packet.duration = round(duration * self.base / packet.time_base)
            try:
                self.container.mux_one(packet)
            except (av.FFmpegError, OSError) as error:
                raise self._failed(error) from None

    def finish(self) -> None:
        """Writes what is still in the encoder and puts the file in its place."""
        assert self.part is not None
        self._mux(self.stream.encode(None))
        try:
            self.container.close()
            os.chmod(self.part, 0o666 & ~UMASK)
            os.replace(self.part, self.target)
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from None
        self.part = None

    def _failed(self, error: Exception) -> VideoError:
        return VideoError(f"cannot write {self.path} ({getattr(error, 'strerror', '') or error})")

    def close(self) -> None:
        """Removes what is not finished."""
        if self.part is None:
            return
        try:
            if hasattr(self, "container"):
                self.container.close()
        except (av.FFmpegError, OSError):
            pass  # it goes anyway
        self.part.unlink(missing_ok=True)
        self.part = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _palette(pixels: NDArray[np.uint8]) -> av.VideoFrame:
    """The frame in 255 colours of its own, and one that is transparent (where alpha is below a half)."""
    image = Image.fromarray(pixels[:, :, :3]).quantize(255, dither=Image.Dither.FLOYDSTEINBERG)
    indices = np.array(image)
    colours = np.zeros((256, 4), np.uint8)
    table = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)
    colours[: len(table), 1:] = table  # ARGB
    colours[:255, 0] = 255
    colours[255] = 0
    if pixels.shape[2] == 4:
        indices[pixels[:, :, 3] < 128] = 255
    return av.VideoFrame.from_ndarray((indices, colours), "pal8")  # type: ignore[arg-type]

"""Frames to a video file, a GIF or a WebP: the suffix decides, time stamps stay, sound is copied."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import PictureType
from av.video.reformatter import ColorRange
from PIL import Image

from figureground.errors import VideoError
from figureground.imaging.write import UMASK, same
from figureground.video import webp
from figureground.video.canvas import Kind, Pixels, Planes, parts, views
from figureground.video.live import Camera
from figureground.video.raw import RawReader
from figureground.video.read import Frame, Packet, Reader

AnyReader = Reader | RawReader | Camera


@dataclass(frozen=True)
class Format:
    """container: FFmpeg's name. opaque, transparent: (codec, pixel format), where it has one. kind: of the
    planes that are mixed. base: of its times, None for the input's."""

    container: str
    opaque: tuple[str, str]
    transparent: tuple[str, str] | None
    kind: Kind = "yuv420p"
    base: Fraction | None = None


VP9 = "libvpx-vp9"
FORMATS = {
    ".mp4": Format("mp4", ("libx264", "yuv420p"), None),
    ".mov": Format("mov", ("libx264", "yuv420p"), ("prores_ks", "yuva444p10le")),
    ".mkv": Format("matroska", ("libx264", "yuv420p"), (VP9, "yuva420p")),
    ".webm": Format("webm", (VP9, "yuv420p"), (VP9, "yuva420p")),
    ".gif": Format("gif", ("gif", "pal8"), ("gif", "pal8"), "rgb24", Fraction(1, 100)),
    ".webp": Format(
        "webp", ("libwebp_anim", "bgra"), ("libwebp_anim", "bgra"), "rgb24", Fraction(1, 1000)
    ),
}
OPTIONS = {
    "libx264": {"preset": "veryfast"},
    VP9: {"deadline": "realtime", "cpu-used": "6", "row-mt": "1", "auto-alt-ref": "0"},
    "prores_ks": {"profile": "4444"},
    "gif": {},
    "libwebp_anim": {"compression_level": "2"},
}
MUXER = {"mp4": {"movflags": "faststart"}, "mov": {"movflags": "faststart"}, "webp": {"loop": "0"}}
REFUSED = {"mov": ("opus", "vorbis", "flac")}  # though the muxer says that it takes them
CRF = {"libx264": (20, 51), VP9: (30, 63)}  # the default, and the worst
LARGER = 1.25  # than the input, at most, in bits per second, unless a quality is asked for


def format_of(path: str | os.PathLike[str], transparent: bool) -> tuple[Format, str, str]:
    """(format, codec, pixel format) by suffix; VideoError for one that is not known, or is opaque."""
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise VideoError(
            f"the output {os.fspath(path)!r} has the suffix {suffix!r}; expected one of "
            f"{' '.join(FORMATS)}, pictures such as frames/%05d.png, or - for raw frames"
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

    crf: of H.264 (0 … 51) or VP9 (0 … 63), lower is better; None for a good one, with no more bits
    per second than LARGER times the input's. copied, left_out: kinds and codecs of the other streams.
    damaged: how many of their packets could not be copied.
    kind: of the planes of `blank`.
    Raises VideoError when the target cannot be written, or the suffix is not for it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        reader: AnyReader,
        *,
        transparent: bool = False,
        crf: int | None = None,
    ) -> None:
        self._format, self.codec, self._pixel_format = format_of(path, transparent)
        worst = CRF.get(self.codec, (0, 0))[1]
        if crf is not None and not (worst and 0 <= crf <= worst):
            raise VideoError(
                f"the CRF is {crf}; expected 0 (best) to {worst} for {self.codec}"
                if worst
                else f"{self.codec} has no CRF; leave it out, or take .mp4, .mkv or .webm"
            )
        self.path = os.fspath(path)
        self.kind = self._format.kind
        self.target = target_of(self.path, reader.path)
        self._part: Path | None = None
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=".figureground-", dir=self.target.parent)
            os.close(handle)
        except OSError as error:
            raise VideoError(f"cannot write {self.path} ({error.strerror or error})") from None
        self._part = Path(name)
        try:
            self._open(reader, transparent, crf)
        except BaseException:
            self.close()
            raise

    def _open(self, reader: AnyReader, transparent: bool, crf: int | None) -> None:
        container = self._format.container
        options = MUXER.get(container, {})
        self.container = av.open(str(self._part), "w", format=container, options=options)
        self._canvas = reader.canvas(self.kind)
        width, height = reader.size
        if self.codec == "libx264":  # it has no odd sizes in 4:2:0
            width, height = width + width % 2, height + height % 2
        self.size = width, height
        # what reads ProRes takes it for limited, whatever it says
        self._range = ColorRange.MPEG if self.codec == "prores_ks" else self._canvas.range
        alpha = {"yuv420p": "yuva420p", "rgb24": "rgba"}
        self._blank = alpha[self.kind] if transparent else self.kind
        self.base = self._format.base or reader.first.time_base
        chosen = dict(OPTIONS[self.codec])
        if self.codec in CRF:
            chosen["crf"] = str(CRF[self.codec][0] if crf is None else crf)
        stream = self.container.add_stream(self.codec, rate=reader.rate, options=chosen)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, self._pixel_format
        stream.time_base = stream.codec_context.time_base = self.base
        stream.codec_context.thread_count = 0
        stream.codec_context.sample_aspect_ratio = reader.aspect
        limit = int(reader.bit_rate * LARGER) if self.codec in CRF and crf is None else 0
        if limit and self.codec == VP9:
            stream.bit_rate = limit
        elif limit:
            chosen |= {"maxrate": str(limit), "bufsize": str(limit)}
            stream.codec_context.options = chosen
        if reader.tags is not None and self.kind == "yuv420p":
            stream.codec_context.color_range = self._range
            for name, value in reader.tags.items():
                setattr(stream.codec_context, name, value)
        self.stream = stream
        self.copied: list[str] = []
        self.left_out: list[str] = []
        self._others: dict[int, av.stream.Stream] = {}
        for other in reader.others:
            codec = other.codec_context.codec.canonical_name
            name = f"{other.type} {codec}"
            taken = self.container.supported_codecs - set(REFUSED.get(container, ()))
            if codec not in taken:
                self.left_out.append(name)
                continue
            copy = self.container.add_stream_from_template(other)
            copy.time_base = other.time_base
            for key in ("language", "title"):
                if key in other.metadata:
                    copy.metadata[key] = other.metadata[key]
            copy.disposition = other.disposition  # default, forced, for who hears badly …
            self._others[other.index] = copy
            self.copied.append(name)
        for key in ("title", "creation_time", "comment", "artist"):
            if key in reader.metadata:
                self.container.metadata[key] = reader.metadata[key]
        self._durations: dict[int, int] = {}
        self._first: int | None = None
        self._last: int | None = None
        self._lasts = 0
        self.damaged = 0

    def blank(self) -> tuple[av.VideoFrame, Planes, Pixels | None]:
        """A picture to fill: itself, its planes at the reader's size, and, of a transparent video, its
        H×W alpha."""
        picture = av.VideoFrame(*self.size, self._blank)
        return (picture, *parts(picture, self._canvas.width, self._canvas.height))

    def write(self, picture: av.VideoFrame, frame: Frame) -> None:
        """A picture of `blank`, shown when `frame` was."""
        _extend(picture, self._canvas.width, self._canvas.height)
        pts = round(frame.pts * frame.time_base / self.base)
        if self._last is not None:
            pts = max(pts, self._last + 1)
        picture = self._converted(picture)
        self._last = picture.pts = pts
        self._first = pts if self._first is None else self._first
        picture.time_base = self.base
        picture.pict_type = PictureType.NONE  # the encoder chooses
        self._lasts = self._durations[pts] = round(frame.duration * frame.time_base / self.base)
        try:
            self.mux(self.stream.encode(picture))
        except av.FFmpegError as error:
            raise self._failed(error) from None

    def _converted(self, picture: av.VideoFrame) -> av.VideoFrame:
        """As the encoder wants it."""
        if self.codec == "gif":
            return _palette(views(picture)[0])
        if picture.format.name == self._pixel_format:
            return picture
        colours = self._canvas.matrix, self._canvas.range
        return picture.reformat(
            format=self._pixel_format,
            src_colorspace=colours[0],
            dst_colorspace=colours[0],
            src_color_range=colours[1] if self.kind == "yuv420p" else ColorRange.JPEG,
            dst_color_range=self._range if self.kind == "yuv420p" else ColorRange.JPEG,
            threads=1,
        )

    def copy(self, packet: Packet) -> None:
        """A packet of another stream of the reader, as it is; of one left out, nothing."""
        if (copy := self._others.get(packet.stream.index)) is not None:
            packet.stream = copy
            self.mux([packet])

    def mux(self, packets: Sequence[Packet]) -> None:
        """Packets of this file's streams; what is damaged of those copied is left out."""
        for packet in packets:
            if packet.stream is self.stream and packet.time_base and packet.pts is not None:
                pts = round(packet.pts * packet.time_base / self.base)
                if duration := self._durations.pop(pts, 0):
                    packet.duration = round(duration * self.base / packet.time_base)
            try:
                self.container.mux_one(packet)
            except (av.FFmpegError, OSError) as error:
                if packet.stream is self.stream or not isinstance(error, av.InvalidDataError):
                    raise self._failed(error) from None
                self.damaged += 1

    def finish(self, target: Path | None = None) -> None:
        """Writes what is still in the encoder and puts the file in its place, or at `target`."""
        assert self._part is not None
        try:
            self.mux(self.stream.encode(None))
            self.container.close()
            if self.codec == "libwebp_anim" and self._first is not None and self._last is not None:
                webp.last(self._part, self._last + self._lasts - self._first)
            os.chmod(self._part, 0o666 & ~UMASK)
            os.replace(self._part, target or self.target)
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from None
        self._part = None

    def _failed(self, error: Exception) -> VideoError:
        return VideoError(f"cannot write {self.path} ({getattr(error, 'strerror', '') or error})")

    def close(self) -> None:
        """Removes what is not finished."""
        if self._part is None:
            return
        try:
            if hasattr(self, "container"):
                self.container.close()
        except (av.FFmpegError, OSError):
            pass  # it goes anyway
        self._part.unlink(missing_ok=True)
        self._part = None

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def target_of(path: str, source: str) -> Path:
    """Where a file at `path` is written: what a link points to. VideoError where none can be, or the
    source is."""
    target = Path(os.path.realpath(path))
    if target.is_dir() or (target.exists() and not target.is_file()):
        raise VideoError(f"the output {path} is a folder or a device; expected a file name")
    if same(target, source):
        raise VideoError(f"the output {path} is the input; give it another name")
    return target


def _extend(picture: av.VideoFrame, width: int, height: int) -> None:
    """Repeats the last column and row where the picture is larger by one. Chroma is rounded up anyway."""
    luma = views(picture)[0]
    luma[:, width:] = luma[:, width - 1 : width]
    luma[height:] = luma[height - 1 : height]


def _palette(pixels: Pixels) -> av.VideoFrame:
    """The frame in 255 colours of its own, and one that is transparent (where alpha is below a half)."""
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))
    image = image.quantize(255, dither=Image.Dither.FLOYDSTEINBERG)
    indices = np.array(image)
    colours = np.zeros((256, 4), np.uint8)
    table = np.asarray(image.getpalette(), np.uint8).reshape(-1, 3)
    colours[: len(table), 1:] = table  # ARGB
    colours[:255, 0] = 255
    colours[255] = 0
    if pixels.shape[2] == 4:
        indices[pixels[:, :, 3] < 128] = 255
    return av.VideoFrame.from_ndarray((indices, colours), "pal8")  # type: ignore[arg-type]

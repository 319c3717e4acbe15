"""The main job on video: people before another background, frame by frame, in threads side by side."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from figureground.errors import VideoError
from figureground.imaging.foreground import estimate
from figureground.imaging.write import same
from figureground.runtime.alpha import AlphaPredictor
from figureground.video import part
from figureground.video.ahead import ahead
from figureground.video.backdrop import Backdrop, Plain, backdrop
from figureground.video.canvas import Canvas, fill, keep, mix
from figureground.video.live import Camera, VirtualCamera, is_device
from figureground.video.people import LOOK, Edges, Found, Steadiness, finder, found, large
from figureground.video.raw import RawReader, RawWriter
from figureground.video.read import Frame, Packet, Reader
from figureground.video.sequence import Sequence, is_sequence
from figureground.video.write import AnyReader, Writer

AnyWriter = Writer | Sequence | RawWriter | VirtualCamera
RATES = Fraction(1, 100), 1000  # frames a second without a container


@dataclass(frozen=True)
class Done:
    """frames written. seconds: time of the last frame's end after the first's begin. width, height: of the
    output. people: mean alpha in [0, 1] of the frames of this run. copied, left_out: the other streams.
    device: the network's. output: where it is. finished: False if it was stopped before its end.
    damaged: packets of the streams copied that were left out, being damaged."""

    frames: int
    seconds: float
    width: int
    height: int
    people: float
    copied: list[str]
    left_out: list[str]
    device: str
    output: str
    finished: bool
    damaged: int = 0


def replace_background(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    *,
    background: str | os.PathLike[str] = "blur",
    mask: bool = False,
    model: str = "pp-humanseg-lite",
    edges: Edges = "fine",
    foreground: bool = False,
    steady: Steadiness = "motion",
    crf: int | None = None,
    begin: float = 0.0,
    end: float | None = None,
    raw_size: tuple[int, int] | None = None,
    raw_rate: Fraction = Fraction(30),
    resume: bool = False,
    device: str = "auto",
    progress: Callable[[int, int], None] | None = None,
    stopped: Callable[[], bool] | None = None,
) -> Done:
    """Puts the people of a video or GIF before another background, with the same times and sound.

    background: "blur", a colour, the path of an image or of a video (looped), or "transparent", for which
    the target must be .webm, .mkv (VP9), .mov (ProRes 4444), .webp, .gif or frames/%05d.png; else it may be
    .mp4 too (H.264). mask: the alpha itself, white where people are. steady: "motion" averages the alpha
    along the motion, against flicker (video.steady); "none" takes each frame by itself. foreground: soft
    edges get the foreground's own colours; slow. crf: of H.264 or VP9, lower is better; None: good, and not
    much larger than the source. begin, end: seconds of the source.

    source "-": RGB frames on standard input, `raw_size` (width, height) each, `raw_rate` a second.
    target "-": RGB frames on standard output, RGBA if transparent.
    source "/dev/video0": a camera, asked for `raw_size` and `raw_rate`; frames that come too late are left
    out. target "/dev/video9": a virtual camera (video.live).

    progress is called with frames done and frames in all (0 where unknown). stopped: asked at each frame;
    once True, what there is becomes a file that plays, `out.part.mp4`, from which resume=True goes on with
    the same arguments. Otherwise the target appears whole or not at all.

    Raises VideoError for a source that cannot be read to its end or a target that cannot be written,
    ImageError for the background, CardError for the model.
    """
    source, target = os.fspath(source), os.fspath(target)
    transparent = os.fspath(background) == "transparent" and not mask
    live = is_device(source)
    _check(source, target, os.fspath(background))
    predictor = finder(model, edges, steady, device)
    with (
        _reader(source, begin, end, raw_size, raw_rate) as reader,
        _writer(target, reader, transparent, crf) as writer,
    ):
        settings = {
            "background": os.fspath(background), "mask": mask, "model": model, "edges": edges,
            "foreground": foreground, "steady": steady, "crf": crf, "from": begin, "to": end,
            "input": part.identity(source),
        }  # fmt: skip
        before = None
        if resume:
            part.check(source, target)
            before = part.find(Path(target), settings)
        canvas = reader.canvas(writer.kind)
        behind = None if mask else backdrop(background, canvas, reader.first.time)
        people = found(
            reader,
            canvas,
            predictor,
            steady=steady,
            look=0 if live or source == "-" else LOOK,
            skip=before.frames if before else 0,
            live=live,
        )
        mixed = ahead(
            _mixed(people, canvas, predictor, writer, behind, mask, foreground), 1 if live else 4
        )
        count, shares, last, output = 0, list[float](), reader.first, target
        copies: Generator[Packet, None, None] | None = None
        with closing(mixed):
            for item in mixed:
                if isinstance(item, av.Packet):
                    writer.copy(item)
                    continue
                if isinstance(item, Frame):  # it is in the part
                    assert before is not None
                    assert isinstance(writer, Writer)
                    copies = copies or before.packets(writer.stream, reader.first.time)
                    writer.mux([next(copies)])
                    last = item
                else:
                    last, picture, share = item
                    writer.write(picture, last)
                    shares.append(share)
                count += 1
                if progress is not None:
                    progress(count, max(reader.frames, count) if reader.frames else 0)
                if stopped is not None and stopped():
                    output = _stop(writer, settings, count, bool(shares))
                    break
            else:
                writer.finish()
                if _is_file(target):
                    part.remove(Path(target))
    return Done(
        count,
        round(last.time - reader.first.time + float(last.duration * last.time_base), 3),
        *writer.size,
        round(float(np.mean(shares or [0])), 5),
        writer.copied,
        writer.left_out,
        predictor.session.device,
        output,
        output == target,
        writer.damaged,
    )


def _is_file(target: str) -> bool:
    """Or numbered ones; else a stream or a device."""
    return target != "-" and not is_device(target)


def _check(source: str, target: str, background: str) -> None:
    """VideoError where the output would take the place of what is read, or of somebody else's file."""
    if not _is_file(target):
        return
    if not Path(target).name:
        raise VideoError(f"the output is {target!r}; expected the name of a file, or -")
    part.make_sure(Path(target), source)
    if same(target, background):
        raise VideoError(f"the output {target} is the background; give it another name")


def _reader(
    source: str,
    begin: float,
    end: float | None,
    raw_size: tuple[int, int] | None,
    raw_rate: Fraction,
) -> AnyReader:
    if source != "-" and not is_device(source):
        return Reader(source, begin, end)
    if begin or end is not None:
        raise VideoError(f"{source} has no times to begin or end at; leave --from and --to out")
    if not RATES[0] <= raw_rate <= RATES[1]:
        raise VideoError(
            f"the rate is {float(raw_rate):g} frames a second; expected {RATES[0]} to {RATES[1]}"
        )
    if is_device(source):
        return Camera(source, raw_size, raw_rate)
    if raw_size is None:
        raise VideoError(
            "standard input has frames of no known size; give it, such as --raw-size 1280x720"
        )
    if sys.stdin is None:
        raise VideoError("standard input is closed; give a file, or frames by a pipe")
    return RawReader(sys.stdin.buffer, raw_size, raw_rate)


def _writer(target: str, reader: AnyReader, transparent: bool, crf: int | None) -> AnyWriter:
    if target == "-" and sys.stdout is None:
        raise VideoError("standard output is closed; name a file instead of -")
    if target == "-":
        return RawWriter(sys.stdout.buffer, reader.size, transparent=transparent)
    if is_device(target):
        return VirtualCamera(target, reader.size, reader.rate, transparent=transparent)
    if is_sequence(target):
        return Sequence(target, reader, transparent=transparent)
    return Writer(target, reader, transparent=transparent, crf=crf)


def _mixed(
    items: Generator[Found | Frame | Packet, None, None],
    canvas: Canvas,
    predictor: AlphaPredictor,
    writer: AnyWriter,
    behind: Backdrop | None,
    mask: bool,
    foreground: bool,
) -> Generator[tuple[Frame, av.VideoFrame, float] | Frame | Packet, None, None]:
    """Frames with the picture to write and their mean alpha; other items as they are."""
    nothing = canvas.nothing()
    with closing(items), closing(behind or Plain(nothing)):
        for item in items:
            if not isinstance(item, Found):
                yield item
                continue
            alpha = large(item, canvas, predictor)
            picture, planes, opacity = writer.blank()
            if mask:
                fill(planes, canvas.paint(cv2.cvtColor(alpha, cv2.COLOR_GRAY2RGB)))
            else:
                front = canvas.of(item.frame.picture, item.frame.turns)
                if foreground:
                    front = canvas.paint(estimate(np.ascontiguousarray(canvas.rgb(front)), alpha))
                if behind is None:
                    keep(front, alpha, nothing, planes)
                else:
                    mix(front, alpha, behind.behind(item, alpha), planes)
            if opacity is not None:
                opacity[:] = alpha
            yield item.frame, picture, float(item.alpha.mean())


def _stop(writer: AnyWriter, settings: dict[str, Any], count: int, grown: bool) -> str:
    """Leaves what there is as a file that plays, and says where."""
    if isinstance(writer, RawWriter | VirtualCamera):
        writer.finish()
        return ""
    target = Path(writer.path)
    place, _ = part.places(target)
    if grown:  # else the part from which it went on is as good
        header = ""
        if isinstance(writer, Writer) and place.suffix in part.SUFFIXES:
            header = part.header_of(writer.stream)
        if place.is_dir():
            part.remove(target)
        # the note first: without it a part is somebody else's file
        part.note(target, settings, count, header)
        writer.finish(place)
    return str(place)

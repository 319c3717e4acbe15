"""figureground video"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from json import dumps
from math import inf, isfinite
from pathlib import Path
from typing import Annotated, Literal

Edges = Literal["fine", "fast"]
Steadiness = Literal["motion", "none"]
ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def video(
    input: Annotated[
        str, "video or GIF; - for RGB frames on standard input; a camera: /dev/video0"
    ],
    *,
    output: Annotated[
        str,
        "file: .mp4 .mov .mkv .webm .gif .webp, frames/%%05d.png; - for raw frames; a virtual camera: "
        "/dev/video9",
        "-o",
    ],
    background: Annotated[
        str, "blur, a colour, an image, a video (looped), or transparent"
    ] = "blur",
    mask: Annotated[bool, "write the alpha itself, white where people are"] = False,
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "pp-humanseg-lite",
    edges: Annotated[Edges, "drawn along the picture's own, or just enlarged"] = "fine",
    foreground: Annotated[bool, "give soft edges the person's own colours; slow"] = False,
    steady: Annotated[Steadiness, "motion: less flicker; none: each frame by itself"] = "motion",
    crf: Annotated[
        int,
        "of H.264 (0 to 51) or VP9 (0 to 63), lower is better; -1: good, near the input's size",
    ] = -1,
    from_: Annotated[str, "begin there: seconds, or h:mm:ss.s"] = "0",
    to: Annotated[str, "end there"] = "",
    raw_size: Annotated[str, "WIDTHxHEIGHT of the frames on standard input, or of a camera"] = "",
    raw_rate: Annotated[float, "frames a second of standard input, or of a camera"] = 30.0,
    resume: Annotated[bool, "go on where Ctrl-C stopped; leave out what is done"] = False,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    json: Annotated[bool, "one line of JSON on standard output"] = False,
) -> int:
    """Put the people of a video before another background.

    Every frame keeps its time, sound and subtitles are copied as they are. --background transparent
    wants .webm or .mkv (VP9), .mov (ProRes 4444), .webp, .gif or frames/%05d.png. The result appears when
    it is whole. Ctrl-C leaves what there is as out.part.mp4, which plays, and --resume with the same flags
    goes on; SIGTERM and SIGHUP do as Ctrl-C; Ctrl-C again before that is done leaves nothing. Exit status
    0 if it was done, 1 if not, 130 after Ctrl-C, 128 and the signal's number after another.
    """
    from fractions import Fraction

    from figureground.progress import Progress
    from figureground.video import replace_background
    from figureground.video.part import places

    if resume and os.path.exists(output) and not places(Path(output))[0].exists():
        print(f"{output} is there already, left out", file=sys.stderr)
        return 0
    begun, progress = time.perf_counter(), Progress(unit="frames")
    try:
        with _stopped() as stopped:
            done = replace_background(
                input,
                output,
                background=background,
                mask=mask,
                model=model,
                edges=edges,
                foreground=foreground,
                steady=steady,
                crf=None if crf == -1 else crf,
                begin=_seconds(from_),
                end=_seconds(to) if to else None,
                raw_size=_size(raw_size) if raw_size else None,
                raw_rate=Fraction(raw_rate if isfinite(raw_rate) else 0).limit_denominator(1001),
                resume=resume,
                device=device,
                progress=progress,
                stopped=lambda: bool(stopped),
            )
    finally:
        progress.clear()
    seconds = time.perf_counter() - begun
    size = os.path.getsize(done.output) if os.path.isfile(done.output) else 0
    say = sys.stderr if output == "-" else sys.stdout
    if json:
        line = {"input": input, **asdict(done), "bytes": size}
        print(dumps({**line, "took": round(seconds, 3)}), file=say)
    elif done.finished:
        times = (
            f"{size / os.path.getsize(input):.2f} times the input's size, "
            if size and os.path.isfile(input)
            else ""
        )
        print(
            f"{input} -> {output} ({done.frames} frames, {done.seconds:.1f} s, {done.people:.0%} people, "
            f"{times}{done.frames / seconds:.1f} frames/s"
            + (f"; {', '.join(done.copied)} copied" if done.copied else "")
            + ")",
            file=say,
        )
    if not done.finished:
        print(f"figureground: stopped; {_left(done.output, done.frames)}", file=sys.stderr)
        return 128 + stopped[0]
    for name in done.left_out:
        print(
            f"figureground: {os.path.splitext(output)[1]} does not take {name}, which was left out; "
            ".mkv takes any",
            file=sys.stderr,
        )
    if done.damaged:
        print(
            f"figureground: damaged packets of {input}'s sound or subtitles, left out: {done.damaged}",
            file=sys.stderr,
        )
    return 0


@contextlib.contextmanager
def _stopped() -> Iterator[list[int]]:
    """What signals have come: Ctrl-C, of which the second interrupts as ever, or one to end."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield came
        return

    def stop(number: int, _: object) -> None:
        came.append(number)
        signal.signal(number, before[number])

    # what nohup has ignored stays so
    heard = [n for n in ENDING if n == signal.SIGINT or signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in heard}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _left(output: str, frames: int) -> str:
    """What there is after Ctrl-C."""
    if not output:
        return f"{frames} frames were written"
    if os.path.isdir(output):
        return f"{output} has the first {frames} frames"
    go = "; the same command with --resume goes on" if _resumable(output) else ""
    return f"{output} has the first {frames} frames, and plays{go}"


def _resumable(output: str) -> bool:
    from figureground.video.part import SUFFIXES

    return output.endswith(SUFFIXES)


def _seconds(text: str) -> float:
    """90, 1:30 or 0:01:30.5."""
    from figureground.errors import VideoError

    try:
        parts = [float(part) for part in text.split(":")]
        if len(parts) > 3 or not all(0 <= part < inf for part in parts):
            raise ValueError
    except ValueError:
        raise VideoError(f"the time is {text!r}; expected seconds, or h:mm:ss.s") from None
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))


def _size(text: str) -> tuple[int, int]:
    """1280x720."""
    from figureground.errors import VideoError

    width, _, height = text.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) and int(height)):
        raise VideoError(f"--raw-size is {text!r}; expected WIDTHxHEIGHT, such as 1280x720")
    return int(width), int(height)

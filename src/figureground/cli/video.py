"""figureground video"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import asdict
from json import dumps
from typing import Annotated, Literal

Edges = Literal["fine", "fast"]
Steadiness = Literal["motion", "none"]


def video(
    input: Annotated[str, "video or GIF"],
    *,
    output: Annotated[str, "file; .mp4 .mov .mkv .webm or .gif", "-o"],
    background: Annotated[
        str, "blur, a colour, an image, a video (looped), or transparent"
    ] = "blur",
    mask: Annotated[bool, "write the alpha itself, white where people are"] = False,
    model: Annotated[str, "name or path of a card, see `figureground models`"] = "pp-humanseg-lite",
    edges: Annotated[Edges, "drawn along the picture's own, or just enlarged"] = "fine",
    no_foreground: Annotated[bool, "leave the old background's colours in soft edges"] = False,
    steady: Annotated[Steadiness, "motion: less flicker; none: each frame by itself"] = "motion",
    quality: Annotated[
        int,
        "CRF of H.264 (0 to 51) or VP9 (0 to 63), lower is better; -1: good, near the input's size",
    ] = -1,
    device: Annotated[str, "auto, cpu or cuda; a device asked for is used or it fails"] = "auto",
    json: Annotated[bool, "one line of JSON on standard output"] = False,
) -> int:
    """Put the people of a video before another background.

    Every frame keeps its time, sound and subtitles are copied as they are. --background transparent
    wants .webm or .mkv (VP9), .mov (ProRes 4444) or .gif. The result appears whole or not at all; Ctrl-C
    leaves nothing. Exit status 0 if it was done, 1 if not, 130 after Ctrl-C.
    """
    from figureground.progress import Progress
    from figureground.video import replace_background

    begun, progress = time.perf_counter(), Progress(unit="frames")
    try:
        done = replace_background(
            input,
            output,
            background=background,
            mask=mask,
            model=model,
            edges=edges,
            foreground=not no_foreground,
            steady=steady,
            quality=None if quality == -1 else quality,
            device=device,
            progress=progress,
        )
    finally:
        progress.clear()
    seconds = time.perf_counter() - begun
    size = os.path.getsize(output)
    if json:
        line = {"input": input, "output": output, **asdict(done), "bytes": size}
        print(dumps({**line, "took": round(seconds, 3)}))
        return 0
    print(
        f"{input} -> {output} ({done.frames} frames, {done.seconds:.1f} s, {done.people:.0%} people, "
        f"{size / max(os.path.getsize(input), 1):.2f} times the input's size, "
        f"{done.frames / seconds:.1f} frames/s"
        + (f"; {', '.join(done.copied)} copied" if done.copied else "")
        + ")"
    )
    for name in done.left_out:
        print(
            f"figureground: {os.path.splitext(output)[1]} does not take {name}, which was left out; "
            ".mkv takes any",
            file=sys.stderr,
        )
    return 0

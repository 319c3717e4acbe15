"""One video of a server, in a process of its own: decoders of hostile files may crash or hang, it may not.

It reads the job (see `main`) as JSON from standard input and says how far it is in lines of JSON, of which
the last has `done` or `error`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from figureground.errors import FiguregroundError, VideoError
from figureground.imaging.read import read

# Of the containers that FFmpeg knows these name no other files or addresses, unlike playlists
# (HLS, DASH, concat), and hold none of those, unlike AVI's subtitles.
CONTAINERS = "MP4, MOV, Matroska, WebM or GIF"
MP4 = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
MEMORY = 4_000_000_000  # bytes


def main() -> int:
    """The job: file, background (a path or as on the command line), result: where; max_pixels: of a frame;
    max_bytes: of the result; and the options of replace_background."""
    job: dict[str, Any] = json.load(sys.stdin)
    try:
        _limit(job.pop("max_bytes"))
        done = _do(**job)
    except FiguregroundError as error:
        _say(error=_without(str(error), Path(job["file"]).parent))
        return 1
    except MemoryError:
        _say(error="not enough memory for this video; send a smaller one")
        return 1
    _say(done=done)
    return 0


def _do(
    file: str, result: str, background: str, max_pixels: int, **options: Any
) -> dict[str, float]:
    from figureground.video import replace_background

    _known(file, max_pixels)
    if os.path.isabs(background):
        try:
            read(background, max_pixels=max_pixels)
        except FiguregroundError:
            _known(background, max_pixels)
    said = time.monotonic()

    def progress(frames: int, total: int) -> None:
        nonlocal said
        if time.monotonic() > said + 0.3:
            said = time.monotonic()
            _say(frames=frames, of=total)

    done = replace_background(file, result, background=background, progress=progress, **options)
    return {"frames": done.frames, "seconds": done.seconds, "people": done.people}


def _known(path: str, max_pixels: int) -> None:
    """Raises VideoError for a file that is no video that may be opened here."""
    import av

    with open(path, "rb") as file:
        head = file.read(16)
    mp4, matroska = head[4:8] in MP4, head.startswith(b"\x1a\x45\xdf\xa3")
    if not (mp4 or matroska or head.startswith((b"GIF87a", b"GIF89a"))):
        raise VideoError(f"the file is no video of a kind that is taken here: {CONTAINERS}")
    try:
        with av.open(path) as container:
            sizes = [(stream.width, stream.height) for stream in container.streams.video]
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VideoError(f"the file cannot be read as a video ({reason})") from None
    for width, height in sizes:
        if width * height > max_pixels:
            raise VideoError(
                f"the video has {width}x{height} pixels, more than the limit of {max_pixels:,}; make it "
                "smaller"
            )


def _limit(max_bytes: int) -> None:
    """What a file can make of this process is limited by the system, where it can."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        os.nice(5)  # photos first
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
        if sys.platform == "linux":  # elsewhere it does not count what is mapped
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def _without(text: str, folder: Path) -> str:
    """The same without where the files lie."""
    return text.replace(f"{folder}{os.sep}", "").replace(str(folder), "")


def _say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):  # the server is gone
        sys.exit(main())

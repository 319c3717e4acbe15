"""A video that was stopped: `out.part.mp4`, which plays, and a note of how it was made, to go on from."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
from av.bitstream import BitStreamFilterContext

from figureground.errors import VideoError
from figureground.imaging.write import same, write
from figureground.video.sequence import is_sequence

if TYPE_CHECKING:
    from figureground.video.read import Packet

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm")  # whose packets can be copied


@dataclass(frozen=True)
class Part:
    """frames: how many there are. header: hash of the encoder's own, without which they mean nothing."""

    path: Path
    frames: int
    header: str

    def packets(self, stream: av.VideoStream, first: float) -> Generator[Packet, None, None]:
        """Its frames in the order of the file, as they are, for another one's stream.

        first: the time in seconds that the first frame should have: a container that has no times below 0
        has moved it. Raises VideoError where they would not fit.
        """
        if header_of(stream) != self.header:
            raise VideoError(
                f"{self.path} was written by another version of the encoder; delete it, and begin anew"
            )
        path = os.path.abspath(self.path)  # as 12:30.mp4 it would be an address
        with av.open(path) as container:
            marks = [(p.pts, p.dts) for p in container.demux(video=0) if p.pts is not None]
        if len(marks) != self.frames:
            raise VideoError(
                f"{self.path} has {len(marks)} frames, not the {self.frames} of its note; delete it, "
                "and begin anew"
            )
        begin = min(pts for pts, _ in marks)
        # Matroska does not tell when the first frames before B-frames are decoded: just before the next
        unknown = [dts for _, dts in marks].count(None)
        known = next((dts for _, dts in marks if dts is not None), begin)
        with av.open(path) as container:
            given = container.streams.video[0]
            # encoders write H.264 with start codes, which containers replace by lengths
            plain = (
                BitStreamFilterContext("h264_mp4toannexb", given)
                if given.codec_context.name == "h264"
                else None
            )
            for number, packet in enumerate(container.demux(given)):
                if packet.pts is None or packet.time_base is None:
                    continue  # the one that says that there are no more
                shift = round(first / packet.time_base) - begin
                packet.dts = (
                    known + number - unknown if packet.dts is None else packet.dts
                ) + shift
                packet.pts += shift
                for result in plain.filter(packet) if plain else [packet]:
                    result.stream = stream
                    yield result


def check(source: str, target: str) -> None:
    """VideoError where nothing can be gone on with."""
    if source == "-" or Path(target).suffix.lower() not in SUFFIXES:
        raise VideoError(
            f"cannot go on with {target}; expected a file as input, and as output one of "
            + " ".join(SUFFIXES)
        )


def header_of(stream: av.VideoStream) -> str:
    """Hash of what the encoder wrote before the first frame."""
    stream.container.start_encoding()  # type: ignore[attr-defined]
    return hashlib.sha256(stream.codec_context.extradata or b"").hexdigest()


def places(target: Path) -> tuple[Path, Path]:
    """Where the part of a target lies, of numbered pictures a folder beside theirs; and its note."""
    if is_sequence(target):
        folder = Path(os.path.abspath(target.parent))
        part = folder.with_name(f"{folder.name}.part")
        return part, folder.with_name(f"{folder.name}.part.json")
    part = target.with_name(f"{target.stem}.part{target.suffix}")
    return part, part.with_suffix(".json")


def make_sure(target: Path, source: str) -> None:
    """VideoError where Ctrl-C would have to leave the part is something else than an earlier part."""
    part, note = places(target)
    for path in (part, note):
        if same(path, source):
            raise VideoError(
                f"the input {source} is where Ctrl-C would leave what there is of {target}; give the "
                "output another name"
            )
        if os.path.lexists(path) and not _noted(note):
            raise VideoError(
                f"{path} is there, where Ctrl-C would leave what there is of {target}; move it, or give "
                "the output another name"
            )


def _noted(note: Path) -> bool:
    """Whether a note is one of ours."""
    try:
        return {"frames", "header", "settings"} <= json.loads(note.read_text()).keys()
    except (OSError, ValueError, AttributeError):
        return False


def find(target: Path, settings: dict[str, Any]) -> Part | None:
    """What was left of that target, if anything. VideoError where it was made with other settings."""
    path, note = places(target)
    if not path.is_file():
        return None
    try:
        found = json.loads(note.read_text())
        part = Part(path, int(found["frames"]), str(found["header"]))
        before = dict(found["settings"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VideoError(
            f"{note}, the note beside {path}, cannot be read ({error}); delete both, and begin anew"
        ) from None
    other = [name for name, value in settings.items() if before.get(name) != value]
    if other:
        raise VideoError(
            f"{path} was begun with another {', '.join(other)}; ask for the same ("
            + ", ".join(f"{name} {before.get(name)}" for name in other)
            + "), or delete it"
        )
    return part


def note(target: Path, settings: dict[str, Any], frames: int, header: str) -> None:
    """Writes the note of a part."""
    content = {"frames": frames, "header": header, "settings": settings}
    write(places(target)[1], json.dumps(content).encode())


def remove(target: Path) -> None:
    """Part and note, if there are, and they are ours."""
    part, note = places(target)
    if _noted(note):
        if part.is_dir():
            shutil.rmtree(part)
        part.unlink(missing_ok=True)
        note.unlink()


def identity(path: str) -> str:
    """What tells a file from another of the same name."""
    if not os.path.isfile(path):
        return path
    status = os.stat(path)
    return f"{os.path.basename(path)}, {status.st_size} bytes, {status.st_mtime_ns}"

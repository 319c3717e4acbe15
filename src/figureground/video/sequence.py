"""Frames to numbered PNG files, with a list of their times."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

import av
import numpy as np

from figureground.errors import VideoError
from figureground.imaging.write import UMASK, encode
from figureground.video.canvas import Kind, Pixels, Planes, parts, views
from figureground.video.read import Frame, Packet
from figureground.video.write import AnyReader

LIST = "frames.ffconcat"


def is_sequence(path: str | os.PathLike[str]) -> bool:
    """Whether it names numbered files, as frames/%05d.png does."""
    return re.search(r"%\d*d[^/]*\.png$", os.fspath(path)) is not None


class Sequence:
    """A folder of PNG files, 1, 2, …, and `frames.ffconcat`, which gives FFmpeg their times. Interface of
    write.Writer. The folder must be new, or empty, and appears when all are written."""

    kind: Kind = "rgb24"
    codec = "png"

    def __init__(
        self, path: str | os.PathLike[str], reader: AnyReader, *, transparent: bool = False
    ) -> None:
        self.path = os.fspath(path)
        self.target = Path(os.path.realpath(os.path.dirname(self.path) or "."))
        self._name = os.path.basename(self.path)
        self.size = reader.size
        self.copied: list[str] = []
        self.left_out = [f"{o.type} {o.codec_context.codec.canonical_name}" for o in reader.others]
        self.damaged = 0
        self._blank = "rgba" if transparent else "rgb24"
        try:
            _ = self._name % 1
        except (TypeError, ValueError):
            raise VideoError(
                f"the output {self.path} is to have one number, such as %05d, and %% for a percent sign"
            ) from None
        if self.target.exists() and (not self.target.is_dir() or any(self.target.iterdir())):
            raise VideoError(
                f"the output's folder {self.target} is there and not empty; give a new one, as in "
                "frames/%05d.png"
            )
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            folder = tempfile.mkdtemp(prefix=".figureground-", dir=self.target.parent)
        except OSError as error:
            raise VideoError(f"cannot write {self.path} ({error.strerror or error})") from None
        self._folder: Path | None = Path(folder)
        self._list = ["ffconcat version 1.0"]
        self._count, self._time, self._lasts = 0, 0.0, 0.0

    def blank(self) -> tuple[av.VideoFrame, Planes, Pixels | None]:
        picture = av.VideoFrame(*self.size, self._blank)
        return (picture, *parts(picture, *self.size))

    def write(self, picture: av.VideoFrame, frame: Frame) -> None:
        assert self._folder is not None
        self._count += 1
        name = self._name % self._count
        self._put(name, encode(np.ascontiguousarray(views(picture)[0])))
        if self._count > 1:
            self._list.append(f"duration {frame.time - self._time:.6f}")
        self._list.append(f"file '{name}'")
        self._time, self._lasts = frame.time, float(frame.duration * frame.time_base)

    def _put(self, name: str, content: bytes) -> None:
        assert self._folder is not None
        try:
            (self._folder / name).write_bytes(content)
        except OSError as error:
            raise VideoError(
                f"cannot write {name} of {self.path} ({error.strerror or error})"
            ) from None

    def copy(self, packet: Packet) -> None:
        """Pictures have no sound."""

    def finish(self, target: Path | None = None) -> None:
        assert self._folder is not None
        self._list.append(f"duration {self._lasts:.6f}")
        self._put(LIST, "\n".join([*self._list, ""]).encode())
        try:
            os.chmod(self._folder, 0o777 & ~UMASK)
            os.replace(self._folder, target or self.target)
        except OSError as error:
            raise VideoError(f"cannot write {self.path} ({error.strerror or error})") from None
        self._folder = None

    def close(self) -> None:
        """Removes what is not finished."""
        if self._folder is not None:
            for path in self._folder.iterdir():
                path.unlink()
            self._folder.rmdir()
            self._folder = None

    def __enter__(self) -> Sequence:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

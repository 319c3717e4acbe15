"""The last frame of an animated WebP, to which the encoder gives the mean duration of the others."""

from __future__ import annotations

import struct
from pathlib import Path


def last(path: Path, length: int) -> None:
    """Makes the last frame last as long as all are to, `length` milliseconds, less the others.

    Frames are RIFF chunks ANMF whose bytes 12 to 14 are the duration (WebP container specification).
    """
    with open(path, "r+b") as file:
        file.seek(12)  # RIFF, its size, WEBP
        durations, place = [], 0
        while len(head := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", head)
            begin = file.tell()
            if name == b"ANMF":
                place = begin + 12
                durations.append(int.from_bytes(file.read(16)[12:15], "little"))
            file.seek(begin + size + size % 2)
        if durations:
            file.seek(place)
            file.write(min(max(length - sum(durations[:-1]), 0), 2**24 - 1).to_bytes(3, "little"))

"""Whether a GIF is whole, which FFmpeg does not say."""

from __future__ import annotations

import os

EXTENSION, PICTURE, TRAILER = 0x21, 0x2C, 0x3B  # what blocks begin with (GIF89a specification)


def ends(path: str | os.PathLike[str]) -> bool:
    """Whether its blocks lead to the trailer."""
    with open(path, "rb") as file:
        header = file.read(13)
        if len(header) < 13:
            return False
        file.seek(_colours(header[10]), os.SEEK_CUR)
        while (kind := file.read(1)) and kind[0] in (EXTENSION, PICTURE):
            if kind[0] == PICTURE:
                place = file.read(9)
                file.seek(_colours(place[8]) if len(place) == 9 else 0, os.SEEK_CUR)
            file.seek(1, os.SEEK_CUR)  # which extension, or how many bits the first codes have
            while (length := file.read(1)) and length[0]:
                file.seek(length[0], os.SEEK_CUR)
        return kind == bytes([TRAILER])


def _colours(flags: int) -> int:
    """Bytes of the table of colours that follows, if one does."""
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0

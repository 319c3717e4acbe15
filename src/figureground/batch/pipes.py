"""Standard input as a photo, standard output as a result: what - stands for."""

from __future__ import annotations

import sys

from figureground.errors import ImageError
from figureground.imaging.read import Source
from figureground.imaging.write import format_of, write


def taken(source: str) -> Source:
    """What imaging.read takes; ImageError where standard input is closed."""
    if source != "-":
        return source
    if sys.stdin is None:
        raise ImageError("standard input is closed; give a file name")
    return sys.stdin.buffer


def format_to(target: str) -> str:
    """That of the suffix, or standard output's, PNG. Raises ImageError for a suffix that is not known, and
    where standard output is closed."""
    if target != "-":
        return format_of(target)[0]
    if sys.stdout is None:
        raise ImageError("standard output is closed; give a file name")
    return "PNG"


def put(target: str, content: bytes) -> None:
    """Writes a file, whole or not at all, or to standard output."""
    if target != "-":
        write(target, content)
        return
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()

"""Checksums: what a file is expected to be, and what it is."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from figureground.errors import CardError

if TYPE_CHECKING:
    from hashlib import _Hash

BLOCK = 1 << 20
DIGITS = {"sha256": 64, "md5": 32}


def expect(sha256: str = "", md5: str = "") -> dict[str, str]:
    """{kind: lower-case hexadecimal} of those given.

    Raises CardError when none is given or one is not hexadecimal of its length.
    """
    expected = {kind: value.lower() for kind, value in (("sha256", sha256), ("md5", md5)) if value}
    if not expected:
        raise CardError(
            "neither sha256 nor md5 is given; expected one at least, because a file that cannot be "
            "checked is not downloaded; add it to the card (`sha256sum FILE` prints it)"
        )
    for kind, value in expected.items():
        if not re.fullmatch(f"[0-9a-f]{{{DIGITS[kind]}}}", value):
            raise CardError(f"{kind} {value!r} is not {DIGITS[kind]} hexadecimal digits")
    return expected


def begin(kinds: Iterable[str]) -> dict[str, _Hash]:
    """{kind: hash of nothing yet}"""
    return {kind: hashlib.new(kind, usedforsecurity=False) for kind in kinds}


def read(path: Path, kinds: Iterable[str]) -> dict[str, _Hash]:
    """{kind: hash of the file}. Raises OSError."""
    found = begin(kinds)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            for one in found.values():
                one.update(block)
    return found


def sha256(path: Path) -> str:
    """Lower-case hexadecimal. Raises OSError."""
    return read(path, ["sha256"])["sha256"].hexdigest()


def mismatch(found: Mapping[str, _Hash], expected: Mapping[str, str]) -> str:
    """What differs, in words; empty when every hash is the expected one."""
    return ", ".join(
        f"{kind} {found[kind].hexdigest()}, expected {value}"
        for kind, value in expected.items()
        if found[kind].hexdigest() != value
    )

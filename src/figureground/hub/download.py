"""One address into one file: continues what is there, asks again, gives up with a reason."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from figureground.hub import digest
from figureground.hub.request import Cut, Failed, get, why

if TYPE_CHECKING:
    from http.client import HTTPResponse

Progress = Callable[[int, int | None], None]

BLOCK = 1 << 16
LIMIT = 4 << 30  # bytes: where a body without known size is stopped
PAUSES = (0.5, 2.0)  # seconds before the second and the third attempt
PATIENCE = 20.0  # seconds: the longest Retry-After that is waited for


class Stale(Failed):
    """What was there could not be continued, and has been removed."""


def download(
    address: str,
    part: Path,
    expected: Mapping[str, str],
    *,
    size: int | None = None,
    progress: Progress | None = None,
    timeout: float = 30.0,
) -> None:
    """Makes `part` the file with the expected hashes, {kind: hexadecimal}, from an http(s) address.

    What `part` already holds is continued; it stays when the connection is lost, and goes when its
    hash is wrong. size: of the whole file, in bytes. progress: called with bytes so far and in all.
    timeout: seconds of silence. Raises Failed with the reason, OSError when `part` cannot be written.
    """
    attempt = partial(_attempt, address, part, expected, size, progress, timeout)
    try:
        _persist(attempt)
    except Stale:
        _persist(attempt)  # from zero: the part may have been another file's


def _persist(attempt: Callable[[], None]) -> None:
    for pause in PAUSES:
        try:
            return attempt()
        except Cut as cut:
            time.sleep(max(pause, cut.after))
    attempt()


def _attempt(
    address: str,
    part: Path,
    expected: Mapping[str, str],
    size: int | None,
    progress: Progress | None,
    timeout: float,
) -> None:
    have = part.stat().st_size if part.exists() else 0
    found = digest.read(part, expected) if have else digest.begin(expected)
    if have and not digest.mismatch(found, expected):
        return
    bound = size or LIMIT
    with get(address, start=have, timeout=timeout, checked="sha256" in expected) as answer:
        if answer.status == 200:
            have, found = 0, digest.begin(expected)
        elif not (answer.status == 206 and _start(answer) == have):
            _refuse(answer, part)
        resumed = have
        # http.client stops at Content-Length; whether that was true is for the hash to say
        total = size or (None if answer.length is None else have + answer.length)
        with open(part, "ab" if resumed else "wb") as file:
            for block in _blocks(answer):
                block = block[: max(0, bound - have)]
                file.write(block)
                for one in found.values():
                    one.update(block)
                have += len(block)
                if progress:
                    progress(have, total)
                if have >= bound:
                    break
    wrong = digest.mismatch(found, expected)
    if not wrong:
        return
    if total is not None and have < total:
        raise Cut(f"the connection ended after {have} of {total} bytes")
    part.unlink()
    raise (Stale if resumed else Failed)(f"what it gives, {have} bytes, has {wrong}")


def _blocks(answer: HTTPResponse) -> Iterator[bytes]:
    """The body as it comes: read1 loses nothing when the connection breaks."""
    from http.client import HTTPException

    try:
        while block := answer.read1(BLOCK):
            yield block
    except (OSError, HTTPException) as error:
        raise Cut(f"the connection broke ({why(error)})") from None


def _start(answer: HTTPResponse) -> int | None:
    """The first byte of a partial answer."""
    stated = re.match(r"bytes (\d{1,18})-", answer.headers.get("Content-Range", ""))
    return int(stated[1]) if stated else None


def _refuse(answer: HTTPResponse, part: Path) -> None:
    """Raises the error that an answer without the file stands for."""
    from http.client import responses

    said = f"answered {answer.status} {responses.get(answer.status, '')}".rstrip()
    if answer.status in (206, 416):
        part.unlink(missing_ok=True)
        raise Stale(f"{said}, but not the bytes that were asked for")
    if answer.status == 429 or answer.status >= 500:
        after = _retry_after(answer.headers.get("Retry-After", ""))
        if after <= PATIENCE:
            raise Cut(said, after)
        said += f" and wants to be left alone for {after:.0f} seconds"
    raise Failed(said)


def _retry_after(value: str) -> float:
    """Seconds from a Retry-After header, which holds seconds or a date; 0 for what is neither."""
    from datetime import UTC, datetime
    from email.utils import parsedate_to_datetime

    if value.isdecimal():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0

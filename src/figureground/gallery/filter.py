"""Which people of a gallery are meant."""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

from figureground.errors import GalleryError

UNITS = {"h": 3600, "d": 86400, "w": 604800, "y": 31557600}


@dataclass(frozen=True)
class Filter:
    """All that is given must hold; of several values in one entry, any.

    not_camera: neither of these cameras; who was seen by an unknown one is in.
    since, until: when seen, Unix seconds, both included; who was seen at an unknown time is left out.
    before: seen before, Unix seconds; where that is unknown, indexed before.
    """

    camera: Sequence[str] = ()
    not_camera: Sequence[str] = ()
    person: Sequence[str] = ()
    tag: Sequence[str] = ()
    since: float | None = None
    until: float | None = None
    before: float | None = None

    def __post_init__(self) -> None:
        for name in ("camera", "not_camera", "person", "tag"):
            if isinstance(given := getattr(self, name), str):
                raise GalleryError(f"{name} is {given!r}; expected a list, such as [{given!r}]")

    def sql(self) -> tuple[str, list[str | float]]:
        """A condition on people and images joined, and its parameters; "" when nothing is asked."""
        terms, values = [], list[str | float]()
        for test, wanted in (
            ("camera IN", self.camera),
            ("coalesce(camera, '') NOT IN", self.not_camera),
            ("person IN", self.person),
            ("tag IN", self.tag),
        ):
            if wanted:
                terms.append(f"{test} ({', '.join('?' * len(wanted))})")
                values += wanted
        for term, limit in (
            ("time >= ?", self.since),
            ("time <= ?", self.until),
            ("coalesce(time, added) < ?", self.before),
        ):
            if limit is not None:
                terms.append(term)
                values.append(limit)
        return " AND ".join(terms), values


EVERYBODY = Filter()


def names(text: str) -> list[str]:
    """What is between the commas; a name that has one is put in quotes, as in CSV."""
    lines = csv.reader([text], skipinitialspace=True)
    return [name.strip() for line in lines for name in line if name.strip()]


def moment(text: str) -> float:
    """ISO 8601 (without a zone: UTC) or Unix seconds, to Unix seconds; 20251121 is a day. Raises
    GalleryError, for a year alone too."""
    if re.fullmatch(r"\d{4}", text):
        raise GalleryError(
            f"{text!r} is a year, or seconds; expected a day too, such as {text}-01-01"
        )
    if re.fullmatch(r"\d{8}", text):
        with suppress(ValueError):
            return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).timestamp()
    try:
        if isfinite(seconds := float(text)):
            return seconds
    except ValueError:
        pass
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise GalleryError(
            f"{text!r} is no time; expected one such as 2026-11-21T08:30 (UTC) or seconds since 1970"
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()


def ago(text: str) -> float:
    """An age such as 12h, 30d, 4w or 1y, to the Unix seconds when that began. Raises GalleryError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([hdwy])", text)
    if match is None:
        raise GalleryError(f"{text!r} is no age; expected one such as 12h, 30d, 4w or 1y")
    return time.time() - float(match[1]) * UNITS[match[2]]


def shown(seconds: float | None) -> str:
    """Unix seconds as ISO 8601 in UTC; "" for None."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):  # seconds of another clock
        return f"{seconds:g}"

"""What a check says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """severity "error": training would fail or learn something false. "warning": it may be meant.

    message: what is wrong, and what to do. names: the files, pairs of files, persons or classes at fault.
    """

    severity: str
    message: str
    names: list[str]
    check: str = ""


def error(message: str, names: Iterable[str]) -> Finding:
    return Finding("error", message, list(names))


def warning(message: str, names: Iterable[str]) -> Finding:
    return Finding("warning", message, list(names))

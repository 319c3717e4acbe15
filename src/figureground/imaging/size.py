"""Sizes of smaller copies of a picture."""

from __future__ import annotations


def within(width: int, height: int, longest: int) -> tuple[int, int]:
    """(width, height) in the same shape with no side above `longest`; never larger than it is."""
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))

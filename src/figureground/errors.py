"""Errors whose message is meant for the person at the keyboard; the command line prints no traceback."""

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any


class FiguregroundError(Exception):
    """Says what was given, what was expected, and what to do next."""


class ImageError(FiguregroundError):
    """An image that cannot be read, composed or written."""


class VideoError(FiguregroundError):
    """A video that cannot be read, composed or written."""


class CardError(FiguregroundError):
    """A model that is unknown, incomplete or not the one its card describes."""


class PullError(FiguregroundError):
    """A file that no source gives, or that cannot be kept."""


class CheckpointError(FiguregroundError):
    """A checkpoint that is damaged, of no known format, or that would run code."""


class DataError(FiguregroundError):
    """A data set that is missing, incomplete or not in its layout.

    files: those at fault, where there are several. partial: what could be read without them, examples or
    sightings, so that `figureground check` can go on.
    """

    def __init__(
        self, message: str, files: Sequence[Path] = (), partial: Sequence[Any] = ()
    ) -> None:
        super().__init__(message)
        self.files = list(files)
        self.partial = list(partial)


class SplitError(DataError):
    """A split that a data set does not have."""


class RecipeError(FiguregroundError):
    """A recipe with unknown keys or unusable values."""


class TrainingError(FiguregroundError):
    """A training that cannot go on: a process is gone, a disk or a memory full."""


class ExportError(FiguregroundError):
    """An exported file that does not answer as the network does."""


class GalleryError(FiguregroundError):
    """A gallery that is missing, damaged, busy, or made with another model."""


def in_range(name: str, value: float, least: float, most: float, unit: str = "") -> None:
    """ImageError where an option is not a number from least to most."""
    if not isinstance(value, Real):
        raise ImageError(f"{name} is {value!r}; expected a number from {least:,} to {most:,}")
    if not least <= value <= most:  # what is no number (NaN) is not either
        raise ImageError(
            f"{name} is {value:g}; expected {least:,} to {most:,}{' ' if unit else ''}{unit}"
        )

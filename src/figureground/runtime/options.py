"""What may be asked of a cut-out: names, ranges and defaults, the same wherever it is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Integral
from typing import Any, Literal

from figureground.errors import ImageError, in_range
from figureground.imaging.compose import Background, Fit, transparent, where
from figureground.imaging.place import sides
from figureground.imaging.regions import Keep, places

Metadata = Literal["keep", "strip"]


@dataclass(frozen=True)
class Options:
    """Shares are of the photo's area, lengths are in pixels of the photo; 0 leaves a step out. In the order
    in which they are done:

    Which of the alpha (imaging.regions). keep: "all", "largest", "centre", "box=x0,y0,x1,y1" or
    "point=x,y". drop_specks: share, 0 to 1. require_person: nobody found is an error.
    Its edge (imaging.morphology). threshold: 0 to 1. fill_holes: share, 0 to 1. grow, shrink: 0 to 100.
    feather: 0 to 100.
    The frame (imaging.place). crop: to what is shown, and margin, 0 to 10 of its longer side, about it.
    size: "WIDTHxHEIGHT", the longest side, or "".
    The picture (imaging.compose). mask: the alpha itself; trimap: it as 0, 128, 255, unsure that many
    pixels about the edge, 0 to 100. foreground: soft edges get the foreground's own colours.
    background_fit, background_position: of a picture behind. shadow: 0 to 1, how dark.
    The file. quality: of JPEG, WebP and AVIF, 1 to 100. depth: 8 or 16 bits. metadata: "keep" or "strip".

    Raises ImageError for what is not in these ranges.
    """

    keep: Keep = "all"
    drop_specks: float = 0.0
    require_person: bool = False
    threshold: float = 0.0
    fill_holes: float = 0.0
    grow: int = 0
    shrink: int = 0
    feather: float = 0.0
    crop: bool = False
    margin: float = 0.0
    size: str = ""
    mask: bool = False
    trimap: int = 0
    foreground: bool = True
    background_fit: Fit = "fill"
    background_position: str = "centre"
    shadow: float = 0.0
    quality: int = 92
    depth: int = 8
    metadata: Metadata = "keep"

    def __post_init__(self) -> None:
        for name in ("keep", "size", "background_position"):
            if not isinstance(given := getattr(self, name), str):
                raise ImageError(f"{name} is {given!r}; expected text, as on the command line")
        for name in ("grow", "shrink", "trimap"):
            if not isinstance(given := getattr(self, name), Integral):
                raise ImageError(f"{name} is {given!r}; expected a whole number of pixels")
        places(self.keep)
        sides(self.size)
        where(self.background_position)
        for name in ("drop_specks", "threshold", "fill_holes", "shadow"):
            in_range(name, getattr(self, name), 0, 1)
        for name in ("grow", "shrink", "feather", "trimap"):
            in_range(name, getattr(self, name), 0, 100, "pixels")
        in_range("margin", self.margin, 0, 10)
        in_range("quality", self.quality, 1, 100)
        for name, allowed in (
            ("depth", (8, 16)),
            ("metadata", ("keep", "strip")),
            ("background_fit", ("fill", "fit")),
        ):
            if (given := getattr(self, name)) not in allowed:
                raise ImageError(f"{name} is {given!r}; expected {allowed[0]} or {allowed[1]}")
        if self.mask and self.trimap:
            raise ImageError("a mask and a trimap were asked for; ask for one of them at a time")
        if self.margin and not self.crop:
            raise ImageError("a margin is what crop leaves about the subject; give crop too")

    @classmethod
    def chosen(cls, given: Mapping[str, Any]) -> Options:
        """The options among what was given to a command, a function or a request, by name."""
        return cls(
            **{field.name: given[field.name] for field in fields(cls) if field.name in given}
        )

    def opaque(self, behind: Background) -> bool:
        """Whether the result needs no transparency."""
        return self.mask or self.trimap > 0 or behind is not transparent

    def check(self, behind: Background, format: str = "PNG") -> None:
        """ImageError where 16 bits were asked of what has only 8."""
        if self.depth == 8 or (format == "PNG" and not self.trimap and behind is transparent):
            return
        if not (self.mask and format in ("PNG", "TIFF")):
            raise ImageError(
                "a depth of 16 bits is for transparent PNG and for masks as PNG or TIFF; leave it out, or "
                "name the output .png, without a background"
            )

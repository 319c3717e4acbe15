"""What a search gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from figureground.gallery.records import Box, Entry


@dataclass(frozen=True)
class Match:
    """Somebody of the gallery who looks like the query.

    score: cosine, in [−1, 1]. same: whether it reaches the threshold; probability: that it is the same
    person, see gallery.calibrate; None where the gallery is not calibrated and no threshold is given.
    """

    entry: Entry
    score: float
    same: bool | None = None
    probability: float | None = None


@dataclass(frozen=True)
class Found:
    """What a search gives: the nearest, best first, and the threshold that `same` stands for.

    asked: the people of each query picture; the first of them is the one who was searched for.
    """

    matches: list[Match]
    threshold: float | None = None
    asked: list[list[Box]] = field(default_factory=list)

    @property
    def nobody(self) -> bool:
        """Nobody in the gallery is near enough; False without a threshold, except where nobody is."""
        return not any(match.same is not False for match in self.matches)

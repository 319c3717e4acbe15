"""Figures of a search for persons who may not be there (open set), as Liao et al. 2014, arXiv
1408.0872, define them after Phillips, Grother and Micheals (Handbook of Face Recognition, 2011).

With G the queries whose person is in the gallery, N those whose person is not, s(q, g) scores, τ a
threshold, s⁺(q) the best score of a picture of q's person and s⁻(q) the best of a stranger:

- FAR(τ) = |{q ∈ N: s⁻(q) ≥ τ}| / |N|: the share of absent persons of whom somebody is said to be one;
- DIR(τ) = |{q ∈ G: s⁺(q) ≥ τ and s⁺(q) > s⁻(q)}| / |G|: the share of present ones who are found, first
  and above the threshold;
- DIR@FAR = DIR at the lowest τ whose FAR is not above the given one.

As in metrics.reid, a stranger at exactly the same score comes first, and pictures of the query's
person by its own camera are left out where cameras are given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class OpenSet:
    """Accumulates scores of queries against one gallery."""

    def __init__(self, far: Sequence[float] = (0.01, 0.1)) -> None:
        self.far = far
        self.present: list[tuple[float, float]] = []
        self.absent: list[float] = []

    def update(
        self,
        scores: Floats,
        persons: NDArray[np.generic],
        gallery_persons: NDArray[np.generic],
        cameras: NDArray[np.generic] | None = None,
        gallery_cameras: NDArray[np.generic] | None = None,
    ) -> None:
        """Q×G scores, more for who looks more alike, of Q queries and G gallery pictures."""
        for number, (row, person) in enumerate(zip(scores, persons, strict=True)):
            same = gallery_persons == person
            own = same
            if cameras is not None and gallery_cameras is not None:
                own = same & (gallery_cameras != cameras[number])
            stranger = float(row[~same].max(initial=-np.inf))
            if own.any():
                self.present.append((float(row[own].max()), stranger))
            else:
                self.absent.append(stranger)

    def compute(self) -> dict[str, float]:
        """dir@FAR for each far, in [0, 1]. Raises ValueError without queries of both kinds."""
        if not self.present or not self.absent:
            raise ValueError(
                f"{len(self.present)} queries are of persons in the gallery, {len(self.absent)} of "
                "others; expected some of each"
            )
        own, stranger = np.array(self.present).T
        found = {}
        for far in self.far:
            passed = own >= threshold_at(np.array(self.absent), far)
            found[f"dir@{far:g}"] = float((passed & (own > stranger)).mean())
        return found


def threshold_at(strangers: NDArray[np.floating], far: float) -> float:
    """The lowest threshold that at most the share `far` of the strangers' scores reach."""
    allowed = int(far * len(strangers) + 1e-9)
    ordered = np.sort(strangers)[::-1]
    if allowed >= len(ordered):
        return float(ordered[-1])
    return float(np.nextafter(ordered[allowed], np.array(np.inf, ordered.dtype)))

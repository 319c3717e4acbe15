"""When the nearest is near enough: a threshold for a wanted rate of false matches, and a probability.

A search among other cameras is answered wrongly when somebody who is not there gets a match. So the rate
is counted per search (FAR of open-set identification, metrics.open_set): that share of the best
scores of strangers reaches the threshold. The probability that the nearest is the same person is logistic
in its score, fitted by maximum likelihood with the targets of Platt (1999) to two searches for
everybody, one with their own pictures in the gallery and one without: it holds where half of those
who are searched for are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from figureground.errors import GalleryError
from figureground.gallery.records import Vectors
from figureground.metrics.open_set import threshold_at

PROBES = 5000  # pictures that are searched for, drawn from more
CELLS = 1 << 22  # scores held at once

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """A match is a score of `threshold` or more; its probability 1 / (1 + exp(−slope · score − offset)).

    same, different: how many scores of each kind it comes from. far: share of `different` that may
    reach the threshold; found: share of `same` that do, and are the nearest. per: "search" (among
    `people` of other cameras; among many more, a stranger's best score is higher) or "pair".
    """

    threshold: float
    far: float
    slope: float
    offset: float
    same: int
    different: int
    found: float
    per: str
    people: int

    def probability(self, score: float) -> float:
        """That a picture with this score shows the same person, in [0, 1]."""
        return float(0.5 + 0.5 * np.tanh((self.slope * score + self.offset) / 2))


def by_searches(own: Scores, stranger: Scores, far: float, people: int) -> Calibration:
    """From the best scores of N searches, with the person asked for and with a stranger.

    Raises GalleryError for a rate outside (0, 1), or scores that tell nobody apart.
    """
    remedy = "name the persons of the gallery, several, each seen by two cameras or more"
    _check(len(own), len(stranger), far, remedy)
    threshold = threshold_at(stranger, far)
    first = own > stranger
    scores = np.concatenate([np.maximum(own, stranger), stranger])
    slope, offset = _platt(scores, np.concatenate([first, np.zeros_like(first)]))
    found = float((first & (own >= threshold)).mean())
    n = len(own)
    return Calibration(threshold, far, slope, offset, n, n, found, "search", people)


def by_pairs(same: Scores, different: Scores, far: float, people: int) -> Calibration:
    """From scores of pairs of one person and of two, which weigh alike. Raises GalleryError likewise."""
    _check(len(same), len(different), far, "give pairs with same 1, and with same 0")
    threshold = threshold_at(different, far)
    one, two = len(same), len(different)
    weight = np.repeat([1 / one, 1 / two], [one, two])
    slope, offset = _platt(
        np.concatenate([same, different]), np.repeat([True, False], [one, two]), weight
    )
    found = float((same >= threshold).mean())
    return Calibration(threshold, far, slope, offset, one, two, found, "pair", people)


def _check(same: int, different: int, far: float, remedy: str) -> None:
    if not 0 < far < 1:
        raise GalleryError(f"the false accept rate is {far}; expected more than 0 and less than 1")
    if not same or not different:
        raise GalleryError(
            f"there are {same} scores of the same person and {different} of different ones; expected "
            f"some of each: {remedy}"
        )


def _platt(
    scores: Scores, same: NDArray[np.bool_], weight: NDArray[np.float64] | None = None
) -> tuple[float, float]:
    """Slope and offset of the logistic probability of `same`, by Newton's method."""
    positive = int(same.sum())
    negative = len(same) - positive
    target = np.where(same, (positive + 1) / (positive + 2), 1 / (negative + 2))
    weight = np.ones(len(same)) if weight is None else weight
    weight = weight / weight.sum()
    middle = float(scores.mean())  # seen from there, slope and offset hardly depend on each other
    design = np.stack([scores.astype(np.float64) - middle, np.ones(len(scores))], axis=1)

    def loss(unknown: NDArray[np.float64]) -> float:
        z = design @ unknown
        return float(weight @ (np.logaddexp(0, z) - target * z))

    unknown = np.zeros(2)
    for _ in range(100):
        probability = 0.5 + 0.5 * np.tanh(design @ unknown / 2)
        gradient = design.T @ (weight * (probability - target))
        curvature = weight * probability * (1 - probability)
        hessian = design.T @ (design * curvature[:, None]) + 1e-12 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        while loss(unknown - step) > loss(unknown) and abs(step).max() > 1e-12:
            step /= 2
        unknown = unknown - step
        if abs(step).max() < 1e-9:
            break
    if unknown[0] <= 0:
        raise GalleryError(
            "different persons score as high as the same one, so no score tells them apart; check the "
            "names of the persons, or take another model"
        )
    return float(unknown[0]), float(unknown[1] - unknown[0] * middle)


def best_scores(
    vectors: Vectors,
    persons: Sequence[str],
    cameras: Sequence[str | None],
    images: Sequence[str],
) -> tuple[Scores, Scores]:
    """Each picture of N searched for among those of other cameras (and of unknown ones): its best score
    with the same person, and its best with a stranger, of those pictures that have both.

    Pictures of one camera share light and background, and strangers in them look more alike.
    """
    person, image = _numbers(persons), _numbers(images)
    camera = _numbers([f"={name}" if name else f"?{n}" for n, name in enumerate(cameras)])
    probes = np.arange(len(vectors))
    if len(probes) > PROBES:
        probes = np.random.default_rng(0).choice(probes, PROBES, replace=False)
    best = [np.empty((2, 0), np.float32)]
    rows = max(1, CELLS // max(len(vectors), 1))
    for start in range(0, len(probes), rows):
        part = probes[start : start + rows]
        scores = vectors[part] @ vectors.T
        scores[(camera[part, None] == camera) | (image[part, None] == image)] = -np.inf
        same = person[part, None] == person
        own = np.where(same, scores, -np.inf).max(axis=1)
        best.append(np.stack([own, np.where(same, -np.inf, scores).max(axis=1)]))
    own, stranger = np.concatenate(best, axis=1)
    both = np.isfinite(own) & np.isfinite(stranger)
    return own[both], stranger[both]


def _numbers(names: Sequence[str]) -> NDArray[np.intp]:
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]

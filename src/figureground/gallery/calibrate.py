"""When the nearest is near enough: a threshold for a wanted rate of false matches, and a probability.

A search among other cameras is answered wrongly when somebody who is not there gets a match, so the rate is counted
per search (FAR of open-set identification, metrics.open_set): the threshold is passed by that share of
best scores of strangers. Probability: logistic in the score, fitted by maximum likelihood with the targets
of Platt (1999), same and different persons weighing alike: it holds where half of those asked for
are there.
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

    same, different: how many scores of each kind it was fitted to; found: share of `same` that are
    matches; far: share of `different` that may be. per: "search" (best scores of whole searches) or
    "pair". people: in the gallery then; among many more, a stranger's best score is higher.
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


def calibrated(same: Scores, different: Scores, far: float, per: str, people: int) -> Calibration:
    """Fits both. Raises GalleryError without scores of both kinds, or for a rate outside (0, 1)."""
    if not 0 < far < 1:
        raise GalleryError(f"the false accept rate is {far}; expected more than 0 and less than 1")
    if not len(same) or not len(different):
        raise GalleryError(
            f"there are {len(same)} scores of the same person and {len(different)} of different ones; "
            "expected some of each: label pictures of several persons, each by two cameras or more"
        )
    threshold = threshold_at(different, far)
    slope, offset = platt(same, different)
    if slope <= 0:
        raise GalleryError(
            "different persons score as high as the same one, so no threshold tells them apart; "
            "check the names of the persons, or take another model"
        )
    found = float((same >= threshold).mean())
    return Calibration(threshold, far, slope, offset, len(same), len(different), found, per, people)


def platt(same: Scores, different: Scores) -> tuple[float, float]:
    """Slope and offset of the logistic probability of "same", by Newton's method."""
    scores = np.concatenate([same, different]).astype(np.float64)
    target = np.repeat(
        [(len(same) + 1) / (len(same) + 2), 1 / (len(different) + 2)], [len(same), len(different)]
    )
    weight = np.repeat([0.5 / len(same), 0.5 / len(different)], [len(same), len(different)])
    middle = scores.mean()  # about 0, the two unknowns hardly depend on each other
    design = np.stack([scores - middle, np.ones_like(scores)], axis=1)

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
    return float(unknown[0]), float(unknown[1] - unknown[0] * middle)


def best_scores(
    vectors: Vectors,
    persons: Sequence[str],
    cameras: Sequence[str | None],
    images: Sequence[str],
) -> tuple[Scores, Scores]:
    """Every picture of N searched for among those of other cameras (and of unknown ones): its best score
    with the same person in another image, where there is one, and its best with a stranger.

    Pictures of one camera share light and background, and strangers in them look more alike.
    """
    person, image = _numbers(persons), _numbers(images)
    camera = _numbers([name or f"?{n}" for n, name in enumerate(cameras)])
    probes = np.arange(len(vectors))
    if len(probes) > PROBES:
        probes = np.random.default_rng(0).choice(probes, PROBES, replace=False)
    same, different = [], []
    rows = max(1, CELLS // max(len(vectors), 1))
    for start in range(0, len(probes), rows):
        part = probes[start : start + rows]
        scores = vectors[part] @ vectors.T
        own = person[part, None] == person
        scores[(camera[part, None] == camera) | (image[part, None] == image)] = -np.inf
        same.append(np.where(own, scores, -np.inf).max(axis=1))
        different.append(np.where(own, -np.inf, scores).max(axis=1))
    best = [
        np.concatenate(values) if values else np.empty(0, np.float32)
        for values in (same, different)
    ]
    return best[0][np.isfinite(best[0])], best[1][np.isfinite(best[1])]


def _numbers(names: Sequence[str]) -> NDArray[np.intp]:
    return np.unique(np.array(names, dtype=str), return_inverse=True)[1]

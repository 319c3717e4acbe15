"""Precision, recall and F or IoU of soft masks cut at each of 256 levels, for charts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from figureground.evaluation.chart import Chart
from figureground.metrics.f_measure import f_score

LEVELS = np.arange(256) / 255


class Thresholds:
    """Accumulates alphas, at the nearest of 256 levels; at level t what is t or more is taken.

    per_image: precision and recall are averaged over the images, as for saliency; else they are of the
    pixels of the whole set.
    """

    def __init__(self, per_image: bool) -> None:
        self.per_image = per_image
        self.precision, self.recall = np.zeros(256), np.zeros(256)
        self.hit, self.false = np.zeros(256), np.zeros(256)
        self.truth = self.images = 0

    def update(
        self, alpha: NDArray[Any], truth: NDArray[np.bool_], valid: NDArray[np.bool_]
    ) -> None:
        """One image: H×W in [0, 1], what is true, and which pixels count."""
        level = np.rint(alpha[valid] * 255).astype(np.intp) + 256 * truth[valid]
        counts = np.bincount(level, minlength=512).reshape(2, 256)
        false, hit = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
        self.hit += hit
        self.false += false
        self.truth += int(hit[0])
        self.images += 1
        self.precision += hit / np.maximum(hit + false, 1)
        self.recall += hit / max(hit[0], 1)

    def charts(self) -> list[Chart]:
        """Both from level 1 on; at 0 everything is taken."""
        if self.per_image:
            precision, recall = self.precision / self.images, self.recall / self.images
            name, score = "F", f_score(precision, recall)
        else:
            precision = self.hit / np.maximum(self.hit + self.false, 1)
            recall = self.hit / max(self.truth, 1)
            name, score = "IoU", self.hit / np.maximum(self.truth + self.false, 1)
        cuts = {"precision": precision, "recall": recall, name: score}
        return [
            Chart(
                f"Cut at a threshold: {name}, precision, recall",
                "threshold",
                "",
                {each: (LEVELS[1:].tolist(), values[1:].tolist()) for each, values in cuts.items()},
            ),
            Chart(
                "Precision over recall",
                "recall",
                "precision",
                {"precision": (recall[1:].tolist(), precision[1:].tolist())},
            ),
        ]

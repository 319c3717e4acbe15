"""Saliency maps: metrics.saliency, by the papers' or the model zoo's protocol."""

from __future__ import annotations

from figureground.data import Example, read_soft
from figureground.evaluation import alike, progress
from figureground.metrics.saliency import Saliency
from figureground.runtime.alpha import AlphaPredictor


def saliency(
    predictor: AlphaPredictor, examples: list[Example], published: bool = False
) -> dict[str, float]:
    """What metrics.saliency gives; published: the model zoo's max_f, of maps stretched to their range."""
    metric = Saliency("published" if published else "standard", stretch=published)
    for example in progress(examples):
        found, truth = predictor(example.image), read_soft(example)
        alike(example, found, truth)
        metric.update(found, truth)
    return metric.compute()

"""Person masks: the person's IoU per photo, and PaddleSeg's figures over the set."""

from __future__ import annotations

from figureground.data import Example, read_alpha, read_mask
from figureground.errors import DataError
from figureground.evaluation import alike, progress
from figureground.metrics.segmentation import Segmentation
from figureground.runtime.alpha import AlphaPredictor


def people(predictor: AlphaPredictor, examples: list[Example]) -> dict[str, float]:
    """mean_iou; over the pixels of the set miou, accuracy, kappa, dice; mae to alphas if there are any."""
    metric, differences = Segmentation(), []
    for example in progress(examples):
        if example.mask is None:
            raise DataError(f"{example.image} has no mask; choose a data set that has")
        label, alpha = read_mask(example.mask), predictor(example.image)
        alike(example, alpha, label)
        metric.update((alpha > 0.5).astype("uint8"), label)
        if example.alpha is not None:
            differences.append(float(abs(alpha - read_alpha(example.alpha)).mean()))
    figures = metric.compute()
    if differences:
        figures["mae"] = sum(differences) / len(differences)
    return figures

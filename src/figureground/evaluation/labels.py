"""Class labels: mIoU and the IoU of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from figureground.data import Example, read_class_labels
from figureground.errors import DataError
from figureground.evaluation import alike, progress
from figureground.metrics.segmentation import Segmentation
from figureground.runtime.labels import LabelPredictor


def labels(
    predictor: LabelPredictor, examples: list[Example], classes: Sequence[str]
) -> dict[str, float]:
    """miou, accuracy, kappa and dice over the set; the IoU of each class that occurs, by its name, and
    miou_present, their mean, which is most papers' mIoU.

    classes: of the data; DataError when they are not the model's.
    """
    if len(classes) != len(predictor.classes):
        raise DataError(
            f"the data have {len(classes)} classes ({', '.join(classes[:4])} …), {predictor.name} has "
            f"{len(predictor.classes)} ({', '.join(predictor.classes[:4])} …)"
        )
    metric = Segmentation(len(classes))
    for example in progress(examples):
        found, truth = predictor(example.image), read_class_labels(example)
        alike(example, found, truth)
        metric.update(found, truth)
    figures = metric.compute()
    del figures["mean_iou"]  # of the class numbered 1, which is none of special interest here
    each = metric.per_class()["iou"]
    figures["miou_present"] = float(np.nanmean(each))
    ious = {f"iou {name}": float(iou) for name, iou in zip(classes, each)}
    return figures | {name: iou for name, iou in ious.items() if iou == iou}

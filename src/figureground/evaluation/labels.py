"""Class labels: mIoU and the IoU of each class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from figureground.data import Example, read_class_labels
from figureground.errors import DataError
from figureground.evaluation import Evaluation, alike, progress
from figureground.evaluation.pictures import coloured, side_by_side
from figureground.imaging.read import read
from figureground.metrics.segmentation import Segmentation
from figureground.runtime.labels import LabelPredictor


def labels(
    predictor: LabelPredictor, examples: list[Example], classes: Sequence[str]
) -> Evaluation:
    """miou, accuracy, kappa and dice over the set; the IoU of each class that occurs, by its name, and
    miou_present, their mean, which is most papers' mIoU.

    classes: of the data; DataError when they are not the model's.
    """
    shared = {name.lower() for name in classes} & {name.lower() for name in predictor.classes}
    if len(classes) != len(predictor.classes) or 2 * len(shared) < len(classes):
        raise DataError(
            f"the data have {len(classes)} classes ({', '.join(classes[:4])} …), {predictor.name} has "
            f"{len(predictor.classes)} ({', '.join(predictor.classes[:4])} …)"
        )
    metric, scores = Segmentation(len(classes)), []
    for example in progress(examples):
        found, truth = predictor(example.image), read_class_labels(example)
        alike(example, found, truth)
        metric.update(found, truth)
        alone = Segmentation(len(classes))
        alone.update(found, truth)
        labelled = alone.confusion.any()
        scores.append(float(np.nanmean(alone.per_class()["iou"])) if labelled else np.nan)
    figures, each = metric.compute(), metric.per_class()
    del figures["mean_iou"]  # of the class numbered 1, which is none of special interest here
    figures["miou_present"] = float(np.nanmean(each["iou"]))
    ious = {f"iou {name}": float(iou) for name, iou in zip(classes, each["iou"])}
    figures |= {name: iou for name, iou in ious.items() if iou == iou}

    def draw(number: int) -> Image.Image:
        photo, truth = read(examples[number].image), read_class_labels(examples[number])
        maps = (coloured(photo.pixels, labels) for labels in (truth, predictor.of(photo)))
        return side_by_side(photo.pixels, *maps)

    return Evaluation(
        figures,
        "miou_present",
        scores,
        [example.name for example in examples],
        draw,
        classes={
            name: {figure: float(values[number]) for figure, values in each.items()}
            for number, name in enumerate(classes)
        },
    )

"""Person masks: the person's IoU per photo, and PaddleSeg's figures over the set."""

from __future__ import annotations

from PIL import Image

from figureground.data import IGNORE, Example, read_alpha, read_mask
from figureground.errors import DataError
from figureground.evaluation import Evaluation, alike, progress
from figureground.evaluation.pictures import grey, side_by_side
from figureground.evaluation.thresholds import Thresholds
from figureground.imaging.read import read
from figureground.metrics.segmentation import Segmentation
from figureground.runtime.alpha import AlphaPredictor


def people(predictor: AlphaPredictor, examples: list[Example]) -> Evaluation:
    """mean_iou; over the pixels of the set miou, accuracy, kappa, dice; mae to alphas if there are any."""
    metric, cuts, differences = Segmentation(), Thresholds(per_image=False), []
    for example in progress(examples):
        if example.mask is None:
            raise DataError(f"{example.image} has no mask; choose a data set that has")
        label, alpha = read_mask(example.mask), predictor(example.image)
        alike(example, alpha, label)
        metric.update((alpha > 0.5).astype("uint8"), label)
        cuts.update(alpha, label == 1, label != IGNORE)
        if example.alpha is not None:
            truth = read_alpha(example.alpha)
            alike(example, alpha, truth, example.alpha)
            differences.append(float(abs(alpha - truth).mean()))
    figures = metric.compute()
    if differences:
        figures["mae"] = sum(differences) / len(differences)

    def draw(number: int) -> Image.Image:
        example = examples[number]
        assert example.mask is not None
        answer = predictor(example.image)
        return side_by_side(read(example.image).pixels, grey(read_mask(example.mask)), grey(answer))

    names = [example.name for example in examples]
    return Evaluation(figures, "iou", metric.image_iou, names, draw, charts=cuts.charts())

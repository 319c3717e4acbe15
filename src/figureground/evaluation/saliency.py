"""Saliency maps: metrics.saliency, by the papers' or the model zoo's protocol."""

from __future__ import annotations

from PIL import Image

from figureground.data import Example, read_soft
from figureground.evaluation import Evaluation, alike, progress
from figureground.evaluation.pictures import grey, side_by_side
from figureground.evaluation.thresholds import Thresholds
from figureground.imaging.read import read
from figureground.metrics.f_measure import FMeasure
from figureground.metrics.saliency import Saliency
from figureground.runtime.alpha import AlphaPredictor


def saliency(
    predictor: AlphaPredictor, examples: list[Example], published: bool = False
) -> Evaluation:
    """What metrics.saliency gives; published: the model zoo's max_f, of maps stretched to their range."""
    metric = Saliency("published" if published else "standard", stretch=published)
    cuts = Thresholds(per_image=True)
    for example in progress(examples):
        found, truth = predictor(example.image), read_soft(example)
        alike(example, found, truth)
        metric.update(found, truth)
        cuts.update(found, truth > 0.5, truth >= 0)
    figures, f_measure = metric.compute(), metric.metrics[0]
    assert isinstance(f_measure, FMeasure)

    def draw(number: int) -> Image.Image:
        photo, truth = read(examples[number].image), read_soft(examples[number])
        return side_by_side(photo.pixels, grey(truth), grey(predictor.of(photo)))

    names = [example.name for example in examples]
    return Evaluation(figures, "adaptive_f", f_measure.adaptive, names, draw, charts=cuts.charts())

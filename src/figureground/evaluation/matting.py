"""Alphas: metrics.matting over the whole photo at its own size, and over the unsure part of trimaps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.data import Example, read_alpha, read_soft
from figureground.errors import DataError
from figureground.evaluation import Evaluation, alike, progress
from figureground.evaluation.pictures import grey, side_by_side
from figureground.imaging.read import read
from figureground.metrics.matting import Matting
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.prepare import enlarge, prepare


def matting(
    predictor: AlphaPredictor,
    examples: list[Example],
    published: bool = False,
    threshold: float = 0.0,
) -> Evaluation:
    """sad, mad, mse, grad, conn; where all examples have trimaps, also of unsure pixels: unsure_sad ….

    published: the model zoo's sad, of alphas that are not clipped (enlarged bilinearly, not cubically).
    threshold: above 0, hard masks are measured: 1 from this alpha on, 0 below.
    """
    metric = Matting("published" if published else "standard")
    unsure = None if published or any(e.trimap is None for e in examples) else Matting()
    for example in progress(examples):
        truth = read_soft(example)
        if published and predictor.output == "alpha":
            pixels = read(example.image).pixels
            answer = predictor.session.run(prepare(pixels, predictor.input))[0, 0]
            found = enlarge(answer, predictor.input, pixels.shape[1], pixels.shape[0])
        else:
            found = predictor(example.image)
        found = _hard(found, threshold)
        alike(example, found, truth)
        metric.update(found, truth)
        if unsure is not None and example.trimap is not None:
            trimap = read_alpha(example.trimap)
            alike(example, found, trimap, example.trimap)
            band = (trimap > 0) & (trimap < 1)
            if not band.any():
                raise DataError(
                    f"the trimap {example.trimap} leaves nothing unsure, between 0 and 255; correct it, or "
                    "take all trimaps away to measure whole photos alone"
                )
            unsure.update(found, truth, band)
    figures = metric.compute()
    if unsure is not None:
        figures |= {f"unsure_{name}": value for name, value in unsure.compute().items()}

    def draw(number: int) -> Image.Image:
        photo, truth = read(examples[number].image), read_soft(examples[number])
        answer = _hard(predictor.of(photo), threshold)
        wrong = grey(abs(answer - truth))
        return side_by_side(photo.pixels, grey(truth), grey(answer), wrong)

    names, scores = [example.name for example in examples], metric.values["sad"]
    legend = "photo, truth, answer, difference"
    return Evaluation(figures, "sad", scores, names, draw, legend, smaller=True)


def _hard(alpha: NDArray[np.float32], threshold: float) -> NDArray[np.float32]:
    return (alpha >= threshold).astype(np.float32) if threshold else alpha

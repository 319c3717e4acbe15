"""Photos of nobody: how much is taken for a person all the same."""

from __future__ import annotations

from PIL import Image

from figureground.data import Example
from figureground.evaluation import Evaluation, progress
from figureground.evaluation.pictures import grey, side_by_side
from figureground.imaging.read import read
from figureground.runtime.alpha import AlphaPredictor


def nobody(predictor: AlphaPredictor, examples: list[Example]) -> Evaluation:
    """Mean and largest share of pixels above one half, and the mean alpha."""
    alphas, shares = [], []
    for example in progress(examples):
        alpha = predictor(example.image)
        alphas.append(float(alpha.mean()))
        shares.append(float((alpha > 0.5).mean()))
    figures = {
        "mean_foreground": sum(shares) / len(shares),
        "largest_foreground": max(shares),
        "mean_alpha": sum(alphas) / len(alphas),
    }

    def draw(number: int) -> Image.Image:
        photo = read(examples[number].image)
        return side_by_side(photo.pixels, grey(predictor.of(photo)))

    names = [example.name for example in examples]
    return Evaluation(figures, "foreground", shares, names, draw, "photo, answer", smaller=True)

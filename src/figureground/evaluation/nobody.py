"""Photos of nobody: how much is taken for a person all the same."""

from __future__ import annotations

from figureground.data import Example
from figureground.evaluation import progress
from figureground.runtime.alpha import AlphaPredictor


def nobody(predictor: AlphaPredictor, examples: list[Example]) -> dict[str, float]:
    """Mean and largest share of pixels above one half, and the mean alpha."""
    alphas, shares = [], []
    for example in progress(examples):
        alpha = predictor(example.image)
        alphas.append(float(alpha.mean()))
        shares.append(float((alpha > 0.5).mean()))
    return {
        "mean_foreground": sum(shares) / len(shares),
        "largest_foreground": max(shares),
        "mean_alpha": sum(alphas) / len(alphas),
    }

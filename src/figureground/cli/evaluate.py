"""figureground evaluate"""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from figureground.errors import DataError

if TYPE_CHECKING:
    from figureground.data import Example
    from figureground.runtime.alpha import AlphaPredictor


def evaluate(
    model: Annotated[str, "card name, card file, or run folder of `figureground train`"],
    *,
    root: Annotated[str, "folder of the data set"],
    data: Annotated[str, "its layout: people, pp_humanseg14k, nobody"] = "people",
    split: Annotated[str, "which split"] = "test",
    limit: Annotated[int, "only the first so many photos; 0 for all"] = 0,
    json: Annotated[bool, "print JSON"] = False,
) -> None:
    """Measure a model on labelled photos.

    Prints the mean over the photos of the person IoU (mean_iou), and over all pixels of the set
    mIoU, accuracy, kappa and Dice as PaddleSeg defines them; where the set has alphas, the mean
    absolute difference to them (mae). For photos of nobody (--data nobody):
    the mean and the largest share of pixels above one half, and the mean alpha.
    """
    from figureground.data import read

    if limit < 0:
        raise DataError(f"--limit is {limit}; expected 0 (all) or more")
    examples = read(data, root, split)[: limit or None]
    predictor = _predictor(model)
    figures = _nobody(predictor, examples) if data == "nobody" else _people(predictor, examples)
    if json:
        print(jsonlib.dumps({"model": model, "data": data, "split": split, **figures}))
        return
    print(f"{model} on {len(examples)} photos of {data}/{split}")
    for name, value in figures.items():
        print(f"  {name:20} {value:.4f}")


def _predictor(model: str) -> AlphaPredictor:
    if (Path(model) / "recipe.yaml").is_file():
        from figureground.training.run import run_predictor

        return run_predictor(Path(model))
    from figureground.runtime.predictor import load_alpha

    return load_alpha(model)


def _people(predictor: AlphaPredictor, examples: list[Example]) -> dict[str, float]:
    from figureground.data import read_mask
    from figureground.imaging.read import read
    from figureground.metrics.segmentation import Segmentation

    metric, differences = Segmentation(), []
    for example in _progress(examples):
        assert example.mask is not None
        label = read_mask(example.mask)
        alpha = predictor(example.image)
        person = (alpha > 0.5).astype("uint8")
        if person.shape != label.shape:
            raise DataError(
                f"{example.image} is {person.shape[1]}x{person.shape[0]} pixels, its mask "
                f"{example.mask} {label.shape[1]}x{label.shape[0]}"
            )
        metric.update(person, label)
        if example.alpha is not None:
            truth = read(example.alpha).pixels[:, :, 0]
            differences.append(float(abs(alpha - truth / 255).mean()))
    figures = metric.compute()
    if differences:
        figures["mae"] = sum(differences) / len(differences)
    return figures


def _nobody(predictor: AlphaPredictor, examples: list[Example]) -> dict[str, float]:
    alphas, shares = [], []
    for example in _progress(examples):
        alpha = predictor(example.image)
        alphas.append(float(alpha.mean()))
        shares.append(float((alpha > 0.5).mean()))
    return {
        "mean_foreground": sum(shares) / len(shares),
        "largest_foreground": max(shares),
        "mean_alpha": sum(alphas) / len(alphas),
    }


def _progress(examples: list[Example]) -> Iterator[Example]:
    shown = sys.stderr.isatty()
    for number, example in enumerate(examples, 1):
        if shown:
            print(f"\r{number}/{len(examples)}", end="", file=sys.stderr, flush=True)
        yield example
    if shown:
        print("\r", end="", file=sys.stderr)

"""figureground evaluate"""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Iterator, Mapping
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
    data: Annotated[
        str, "its layout: people, pp_humanseg14k, nobody; market1501, msmt17, person_folders"
    ] = "people",
    split: Annotated[str, "which split"] = "test",
    limit: Annotated[int, "only the first so many photos (or queries); 0 for all"] = 0,
    flip: Annotated[bool, "re-identification: embed the mirrored crop too"] = False,
    json: Annotated[bool, "print JSON"] = False,
) -> None:
    """Measure a model on labelled photos, or on crops of persons.

    Prints the mean over the photos of the person IoU (mean_iou), and over all pixels of the set
    mIoU, accuracy, kappa and Dice as PaddleSeg defines them; where the set has alphas, the mean
    absolute difference to them (mae). For photos of nobody (--data nobody):
    the mean and the largest share of pixels above one half, and the mean alpha.
    For re-identification the queries are searched for in the gallery by the cosine of the embeddings:
    mAP, rank-1, -5, -10 and mINP, see figureground.metrics.reid.
    """
    from figureground.data import read, sighting_readers

    if limit < 0:
        raise DataError(f"--limit is {limit}; expected 0 (all) or more")
    figures: Mapping[str, float]
    if data in sighting_readers():
        figures = _persons(model, data, root, split, limit, flip)
        what = "crops"
    else:
        examples = read(data, root, split)[: limit or None]
        predictor = _predictor(model)
        figures = _nobody(predictor, examples) if data == "nobody" else _people(predictor, examples)
        what = f"{len(examples)} photos"
    if json:
        print(jsonlib.dumps({"model": model, "data": data, "split": split, **figures}))
        return
    print(f"{model} on {what} of {data}/{split}")
    for name, value in figures.items():
        print(f"  {name:20} {value if isinstance(value, int) else format(value, '.4f')}")


def _predictor(model: str) -> AlphaPredictor:
    if _system(model) == "re-identification":
        raise DataError(
            f"{model} embeds persons and cuts none out; give the data set a layout for that, such as "
            "--data market1501"
        )
    if (Path(model) / "recipe.yaml").is_file():
        from figureground.training.run import run_predictor

        return run_predictor(Path(model))
    from figureground.runtime.predictor import load_alpha

    return load_alpha(model)


def _system(model: str) -> str | None:
    """What a run folder was trained for; None when `model` is no run folder."""
    from figureground import recipes

    recipe = Path(model) / "recipe.yaml"
    return recipes.load(str(recipe))["system"] if recipe.is_file() else None


def _persons(
    model: str, data: str, root: str, split: str, limit: int, flip: bool
) -> dict[str, float]:
    from figureground.data import read_sightings

    if split != "test":
        raise DataError(f"--split is {split!r}; re-identification is measured on the split 'test'")
    if _system(model) != "re-identification":
        raise DataError(
            f"{model} is not the run folder of a re-identification network, which --data {data} needs"
        )
    query = read_sightings(data, root, "query")[: limit or None]
    gallery = read_sightings(data, root, "gallery")
    from figureground.metrics.reid import Retrieval
    from figureground.training.reid_data import Sightings, embed
    from figureground.training.run import load_run

    network, input = load_run(Path(model))
    embeddings, persons, cameras = embed(network, Sightings([*query, *gallery], input), flip)
    metric = Retrieval()
    for part, asks in ((slice(len(query)), True), (slice(len(query), None), False)):
        metric.update(embeddings[part], persons[part], cameras[part], query=asks, gallery=not asks)
    try:
        figures = metric.compute()
    except ValueError as error:
        raise DataError(f"{root}: {error}") from None
    return {**figures, **metric.counts}


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

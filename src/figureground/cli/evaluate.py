"""figureground evaluate"""

from __future__ import annotations

import json as jsonlib
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from figureground.errors import DataError

if TYPE_CHECKING:
    from figureground.data import Example
    from figureground.runtime.alpha import AlphaPredictor
    from figureground.runtime.predictor import Predictor

T = TypeVar("T")


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
        what, figures = "crops", _search(model, data, root, split, limit, flip)
    else:
        examples = read(data, root, split)[: limit or None]
        masks = _masks(model)
        figures = _nobody(masks, examples) if data == "nobody" else _people(masks, examples)
        what = f"{len(examples)} photos"
    if json:
        print(jsonlib.dumps({"model": model, "data": data, "split": split, **figures}))
        return
    print(f"{model} on {what} of {data}/{split}")
    for name, value in figures.items():
        print(f"  {name:20} {value if isinstance(value, int) else format(value, '.4f')}")


def _predictor(model: str) -> Predictor:
    if (Path(model) / "recipe.yaml").is_file():
        from figureground.training.run import run_predictor

        return run_predictor(Path(model))
    from figureground.runtime.predictor import load

    return load(model)


def _masks(model: str) -> AlphaPredictor:
    from figureground.runtime.alpha import AlphaPredictor

    predictor = _predictor(model)
    if not isinstance(predictor, AlphaPredictor):
        raise DataError(
            f"{model} gives no mask; one that embeds persons is measured by --data market1501"
        )
    return predictor


def _search(
    model: str, data: str, root: str, split: str, limit: int, flip: bool
) -> dict[str, float]:
    import numpy as np

    from figureground.data import read_sightings
    from figureground.imaging.read import read
    from figureground.metrics.reid import Retrieval
    from figureground.runtime.embedding import EmbeddingPredictor

    if split != "test":
        raise DataError(f"--split is {split!r}; re-identification is measured on the split 'test'")
    query = read_sightings(data, root, "query")[: limit or None]
    gallery = read_sightings(data, root, "gallery")
    predictor = _predictor(model)
    if not isinstance(predictor, EmbeddingPredictor):
        raise DataError(f"{model} embeds no persons, which --data {data} is for")
    metric = Retrieval()
    parts = [(query[i : i + 32], True) for i in range(0, len(query), 32)]
    parts += [(gallery[i : i + 32], False) for i in range(0, len(gallery), 32)]
    for part, asks in _progress(parts):
        crops = [read(s.image).pixels for s in part]
        embeddings = predictor.batch(crops)
        if flip:
            embeddings = embeddings + predictor.batch([crop[:, ::-1] for crop in crops])
            embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
        persons, views = np.array([s.person for s in part]), np.array([s.view for s in part])
        metric.update(embeddings, persons, views, query=asks, gallery=not asks)
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


def _progress(examples: list[T]) -> Iterator[T]:
    shown = sys.stderr.isatty()
    for number, example in enumerate(examples, 1):
        if shown:
            print(f"\r{number}/{len(examples)}", end="", file=sys.stderr, flush=True)
        yield example
    if shown:
        print("\r", end="", file=sys.stderr)

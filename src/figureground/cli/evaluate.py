"""figureground evaluate"""

from __future__ import annotations

import json as jsonlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from figureground.errors import DataError

if TYPE_CHECKING:
    from figureground.data import Example
    from figureground.evaluation import Evaluation
    from figureground.runtime.alpha import Edges
    from figureground.runtime.predictor import Predictor

MEASURES = {"person-segmentation": "people", "saliency": "saliency", "matting": "matting"}


def evaluate(
    model: Annotated[str, "card name, card file, or run folder of `figureground train`"],
    *,
    root: Annotated[str, "folder of the data set"],
    data: Annotated[
        str, "its layout: people, nobody, duts, pairs, voc2012, market1501 and so on"
    ] = "people",
    split: Annotated[str, "which split"] = "test",
    measure: Annotated[
        Literal["", "people", "saliency", "matting"], "as what (default: what the model is for)"
    ] = "",
    protocol: Annotated[
        Literal["standard", "published"], "saliency and matting: the originals' own way"
    ] = "standard",
    edges: Annotated[
        Literal["fine", "fast", "hair"],
        "of alphas, as of cutout; always fast with --protocol published",
    ] = "fine",
    threshold: Annotated[
        float, "matting: measure hard masks, 1 from this alpha on, as of cutout; 0: soft"
    ] = 0.0,
    limit: Annotated[int, "only the first so many photos (or queries); 0 for all"] = 0,
    flip: Annotated[bool, "the network sees the mirror image too"] = False,
    report: Annotated[str, "also write a page with figures, curves and examples, FILE.html"] = "",
    json: Annotated[bool, "print JSON"] = False,
) -> None:
    """Measure a model on labelled photos, or on crops of persons.

    people: the mean over the photos of the person IoU (mean_iou), and over all pixels of the set
    mIoU, accuracy, kappa and Dice as PaddleSeg defines them; where the set has alphas, the mean
    absolute difference to them (mae). For photos of nobody (--data nobody):
    the mean and the largest share of pixels above one half, and the mean alpha.
    saliency: F, S, E, weighted and boundary F, MAE. matting: SAD, MAD, MSE, Grad, Conn.
    Class labels: mIoU, accuracy, kappa, Dice, and the IoU of each class.
    For re-identification the queries are searched for in the gallery by the cosine of the embeddings:
    mAP, rank-1, -5, -10 and mINP, see figureground.metrics.reid.
    --report: one file that needs no other, with the best and the worst examples as pictures and,
    of a run folder, the curves of its training.
    """
    if report and Path(report).suffix.lower() not in (".html", ".htm"):
        raise DataError(f"--report is {report!r}; expected a name that ends with .html")
    edges = "fast" if protocol == "published" else edges
    what, evaluation = measured(
        model,
        root,
        data,
        split,
        measure,
        protocol=protocol,
        edges=edges,
        threshold=threshold,
        limit=limit,
        flip=flip,
    )
    found = evaluation.figures
    if report:
        masks = what != "crops" and not evaluation.classes
        how = f"; protocol {protocol}, edges {edges}" if masks else ""
        how += f", cut at {threshold}" if threshold else ""
        how += ", mirrored too" if flip else ""
        _report(report, model, f"{what} of {data}/{split} in {root}{how}", evaluation)
    if json:
        print(jsonlib.dumps({"model": model, "data": data, "split": split, **found}))
        return
    way = ", by the published protocol" if protocol == "published" else ""
    way += f", cut at {threshold}" if threshold else ""
    way += ", mirrored too" if flip else ""
    print(f"{model} on {what} of {data}/{split}{way}")
    for name, value in found.items():
        print(f"  {name:20} {value if isinstance(value, int) else format(value, '.4f')}")
    if report:
        print(report)


def _report(path: str, model: str, where: str, evaluation: Evaluation) -> None:
    from figureground import __version__
    from figureground.evaluation.report import page
    from figureground.imaging.write import write
    from figureground.training.curves import charts

    where = f"Measured on {where}; figureground {__version__}."
    write(path, page(model, where, evaluation, charts(Path(model))).encode())


def measured(
    model: str,
    root: str,
    data: str,
    split: str = "test",
    measure: str = "",
    *,
    protocol: str = "standard",
    edges: Edges = "fine",
    threshold: float = 0.0,
    limit: int = 0,
    flip: bool = False,
    weights: str = "best.safetensors",
) -> tuple[str, Evaluation]:
    """What was measured, in words, and how it did; arguments as of evaluate. weights: of a run folder."""
    from figureground.data import read, sighting_readers

    if limit < 0:
        raise DataError(f"--limit is {limit}; expected 0 (all) or more")
    if not 0 <= threshold <= 1:
        raise DataError(f"--threshold is {threshold}; expected 0 (soft) to 1")
    if data in sighting_readers():
        if split != "test":
            raise DataError(
                f"--split is {split!r}; re-identification is measured on the split 'test'"
            )
        if measure or threshold or protocol == "published":
            raise DataError(
                "--measure, --threshold and --protocol are for masks; leave them out for the crops of "
                f"--data {data}"
            )
        return "crops", _persons(_predictor(model, "fine", flip, weights), data, root, limit)
    predictor = _predictor(model, edges, flip, weights)
    examples = read(data, root, split)[: limit or None]
    found = _photos(predictor, data, root, examples, measure, protocol, threshold)
    return f"{len(examples)} photos", found


def _photos(
    predictor: Predictor,
    data: str,
    root: str,
    examples: list[Example],
    measure: str,
    protocol: str,
    threshold: float,
) -> Evaluation:
    from figureground.data import class_names
    from figureground.evaluation.labels import labels
    from figureground.evaluation.matting import matting
    from figureground.evaluation.nobody import nobody
    from figureground.evaluation.people import people
    from figureground.evaluation.saliency import saliency
    from figureground.runtime.alpha import AlphaPredictor
    from figureground.runtime.labels import LabelPredictor

    published = protocol == "published"
    if measure and (data == "nobody" or not isinstance(predictor, AlphaPredictor)):
        raise DataError(
            f"--measure {measure} is for masks of people or things; leave it out for "
            + ("photos of nobody" if data == "nobody" else f"{predictor.name}, which gives none")
        )
    if isinstance(predictor, AlphaPredictor):
        measure = (
            "nobody" if data == "nobody" else measure or MEASURES.get(predictor.task, "people")
        )
    if published and measure not in ("saliency", "matting"):
        raise DataError("--protocol published is for saliency and matting; leave it out")
    if threshold and measure != "matting":
        raise DataError("--threshold is for matting; leave it out, or give --measure matting")
    if isinstance(predictor, LabelPredictor):
        return labels(predictor, examples, class_names(data, root))
    if not isinstance(predictor, AlphaPredictor):
        raise DataError(
            f"{predictor.name} gives no mask; one that embeds persons is measured by --data market1501"
        )
    if measure == "saliency":
        return saliency(predictor, examples, published)
    if measure == "matting":
        return matting(predictor, examples, published, threshold)
    return nobody(predictor, examples) if measure == "nobody" else people(predictor, examples)


def _predictor(model: str, edges: Edges, flip: bool, weights: str) -> Predictor:
    if (Path(model) / "recipe.yaml").is_file():
        from figureground.training.run import run_predictor

        return run_predictor(Path(model), edges, flip, weights)
    from figureground.runtime.predictor import load

    return load(model, edges=edges, flip=flip)


def _persons(predictor: Predictor, data: str, root: str, limit: int) -> Evaluation:
    from figureground.evaluation.persons import persons
    from figureground.runtime.embedding import EmbeddingPredictor

    if not isinstance(predictor, EmbeddingPredictor):
        raise DataError(f"{predictor.name} embeds no persons, which --data {data} is for")
    return persons(predictor, data, root, limit)

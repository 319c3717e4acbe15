"""Label maps: class numbers, and how often each class is there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from figureground.checking.finding import Finding, error, warning
from figureground.checking.measure import Truth
from figureground.checking.survey import Survey
from figureground.data import IGNORE

RARE = 0.001  # share of the labelled pixels


def _labels(survey: Survey) -> list[Truth]:
    return [t for t in survey.of_kind("labels") if not t.refusal]


def unknown_classes(survey: Survey) -> Iterator[Finding]:
    if not survey.classes:
        return
    last = len(survey.classes) - 1
    names = []
    for truth in _labels(survey):
        ids = [i for i in np.flatnonzero(truth.histogram).tolist() if last < i != IGNORE]
        if ids:
            shown = ", ".join(map(str, ids[:5])) + " …" * (len(ids) > 5)
            names.append(f"{survey.name(truth.path)} ({shown})")
    yield error(
        f"class numbers above {last}, the last of {len(survey.classes)} classes: mend the labels or the "
        "list of names; 255 is ignored",
        names,
    )


def nothing_labelled(survey: Survey) -> Iterator[Finding]:
    names = survey.names(t for t in _labels(survey) if t.share(IGNORE, IGNORE) == 1)
    yield warning("labels that are all 255 (ignored): take them out, they teach nothing", names)


def _shares(survey: Survey) -> dict[str, float]:
    """Of each class in the labelled pixels of train, or of what there is where that is not read."""
    labels = _labels(survey)
    counts = np.zeros(256, np.int64)
    for truth in [t for t in labels if t.photo.split == "train"] or labels:
        counts += truth.histogram
    pixels = counts[: len(survey.classes)]
    return dict(zip(survey.classes, (pixels / pixels.sum()).tolist())) if pixels.any() else {}


def unseen_classes(survey: Survey) -> Iterator[Finding]:
    never = [name for name, share in _shares(survey).items() if not share]
    yield warning("classes that no photo of train shows: they cannot be learnt", never)


def rare_classes(survey: Survey) -> Iterator[Finding]:
    rare = [f"{name} ({share:.3%})" for name, share in _shares(survey).items() if 0 < share < RARE]
    yield warning(f"classes of under {RARE:.1%} of the pixels: weigh them, or join them", rare)


CHECKS = [unknown_classes, nothing_labelled, unseen_classes, rare_classes]

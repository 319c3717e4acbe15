"""What a model is measured by: one file per kind of answer, from a predictor and examples to figures; and
the report of them: charts, pictures of the best and the worst examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from numpy.typing import NDArray

from figureground.data import Example
from figureground.errors import DataError
from figureground.progress import Progress

if TYPE_CHECKING:
    from PIL import Image

    from figureground.evaluation.chart import Chart

T = TypeVar("T")


@dataclass
class Evaluation:
    """figures: of the whole set, by name.

    score: the name of the figure by which examples are told apart; scores: it of each example, NaN where
    there is none; names: theirs. smaller: whether a smaller score is better. draw: example number n as a
    picture, with what the model answers. legend: what is on it. charts: curves, where the metric has any.
    classes: by name, figures of each class.
    """

    figures: dict[str, float]
    score: str
    scores: list[float]
    names: list[str]
    draw: Callable[[int], Image.Image]
    legend: str = "photo, truth, answer"
    smaller: bool = False
    charts: list[Chart] = field(default_factory=list)
    classes: dict[str, dict[str, float]] = field(default_factory=dict)


def progress(examples: list[T]) -> Iterator[T]:
    """The examples, counted on standard error."""
    shown = Progress(len(examples), "examples")
    for number, example in enumerate(examples, 1):
        shown(number)
        yield example
    shown.clear()


def alike(example: Example, answer: NDArray[Any], truth: NDArray[Any], file: object = None) -> None:
    """DataError when an example's photo and truth, of `file` or else its first, are not of one size."""
    if answer.shape != truth.shape:
        file = file or example.labels or example.mask or example.alpha
        raise DataError(
            f"{example.image} is {answer.shape[1]}x{answer.shape[0]} pixels, its truth {file} "
            f"{truth.shape[1]}x{truth.shape[0]}"
        )

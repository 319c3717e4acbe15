"""What a model is measured by: one file per kind of answer, from a predictor and examples to figures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from numpy.typing import NDArray

from figureground.data import Example
from figureground.errors import DataError
from figureground.progress import Progress

T = TypeVar("T")


def progress(examples: list[T]) -> Iterator[T]:
    """The examples, counted on standard error."""
    shown = Progress(len(examples), "examples")
    for number, example in enumerate(examples, 1):
        shown(number)
        yield example
    shown.clear()


def alike(example: Example, answer: NDArray[Any], truth: NDArray[Any]) -> None:
    """DataError when an example's photo and truth are not of one size."""
    if answer.shape != truth.shape:
        file = example.labels or example.mask or example.alpha
        raise DataError(
            f"{example.image} is {answer.shape[1]}x{answer.shape[0]} pixels, its truth {file} "
            f"{truth.shape[1]}x{truth.shape[0]}"
        )

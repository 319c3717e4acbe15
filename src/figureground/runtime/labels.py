"""From a photo of any size to a class for each of its pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from figureground.errors import CardError
from figureground.imaging.read import Photo, Source, read
from figureground.runtime.prepare import Input, enlarge, prepare
from figureground.runtime.session import Session


class LabelPredictor:
    """A semantic segmentation model: `model(image)` gives H×W uint8 class numbers, the photo's size.

    classes: their names in order; the network gives N×len(classes)×h×w logits.
    """

    def __init__(
        self, session: Session, input: Input, name: str = "", classes: Sequence[str] = ()
    ) -> None:
        if not 2 <= len(classes) <= 255:
            raise CardError(f"{name} names {len(classes)} classes; expected 2 to 255")
        self.session = session
        self.input = input
        self.name = name
        self.classes = tuple(classes)

    def __call__(self, image: Source) -> NDArray[np.uint8]:
        """image: whatever imaging.read accepts. Raises ImageError when it cannot be read."""
        return self.of(read(image))

    def shares(self, labels: NDArray[np.uint8]) -> dict[str, float]:
        """The share of each class that H×W labels show, the largest first, to five digits."""
        counts = np.bincount(labels.ravel(), minlength=len(self.classes)) / labels.size
        order = np.argsort(-counts, kind="stable")
        return {self.classes[i]: round(float(counts[i]), 5) for i in order if counts[i]}

    def of(self, photo: Photo) -> NDArray[np.uint8]:
        """The same for a photo that has been read."""
        logits = self.session.run(prepare(photo.pixels, self.input))[0]
        if len(logits) != len(self.classes):
            raise CardError(
                f"{self.name} answers for {len(logits)} classes, but names {len(self.classes)}"
            )
        height, width = photo.pixels.shape[:2]
        return most_likely(logits, self.input, width, height)


def most_likely(
    logits: NDArray[np.float32], spec: Input, width: int, height: int
) -> NDArray[np.uint8]:
    """A network's C×h×w logits to height×width class numbers, at the size of the photo.

    One enlarged class at a time: 12 megapixels are large.
    """
    labels = np.zeros((height, width), np.uint8)
    highest = enlarge(logits[0], spec, width, height)
    for number in range(1, len(logits)):
        logit = enlarge(logits[number], spec, width, height)
        labels[logit > highest] = number
        np.maximum(highest, logit, out=highest)
    return labels

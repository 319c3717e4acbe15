"""From a picture of one person to a vector that is near those of the same person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from figureground.imaging.read import Photo, Source, read
from figureground.runtime.prepare import Input, prepare
from figureground.runtime.session import Session


class EmbeddingPredictor:
    """A re-identification model: `model(image)` gives D float32 of unit length.

    The image is the crop of one person. The dot product of two vectors is their cosine similarity,
    at most 1.
    """

    def __init__(self, session: Session, input: Input, name: str = "") -> None:
        self.session = session
        self.input = input
        self.name = name

    def __call__(self, image: Source) -> NDArray[np.float32]:
        """image: whatever imaging.read accepts. Raises ImageError when it cannot be read."""
        return self.of(read(image))

    def of(self, photo: Photo) -> NDArray[np.float32]:
        """The same for a photo that has been read."""
        return self.batch([photo.pixels])[0]

    def batch(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """N crops H×W×3 uint8 RGB, of any sizes, to N×D float32."""
        images = np.concatenate([prepare(pixels, self.input) for pixels in crops])
        vectors = self.session.run(images)
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)

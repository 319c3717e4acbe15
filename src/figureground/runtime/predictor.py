"""From a photo of any size to an alpha of that size."""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground import hub
from figureground.errors import CardError
from figureground.imaging.read import Photo, Source, read
from figureground.runtime.prepare import Input, prepare
from figureground.runtime.session import OnnxSession, Session


class Predictor:
    """A person mask model: `model(image)` gives H×W float32 in [0, 1], the photo's size.

    The value is sigmoid(sharpness · (logit − offset)) of the network's logit that a pixel shows a
    person. Both numbers are the card's and the same for all photos: nothing is stretched to fill the
    range, so a photo of nobody gives an alpha near 0 everywhere.
    """

    def __init__(
        self,
        session: Session,
        input: Input,
        name: str = "",
        sharpness: float = 1.0,
        offset: float = 0.0,
    ) -> None:
        self.session = session
        self.input = input
        self.name = name
        self.sharpness = sharpness
        self.offset = offset

    def __call__(self, image: Source) -> NDArray[np.float32]:
        """image: whatever imaging.read accepts (path, bytes, file, PIL image, array of RGB).

        What is transparent in the image stays so. Raises ImageError when it cannot be read.
        """
        return self.of(read(image))

    def of(self, photo: Photo) -> NDArray[np.float32]:
        """The same for a photo that has been read."""
        alpha = self.alpha(photo.pixels)
        if photo.opacity is not None:
            alpha *= photo.opacity * np.float32(1 / 255)
        return alpha

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Person minus background logit at the network's own size, h×w."""
        output = self.session.run(prepare(pixels, self.input))[0]
        return output[1] - output[0]

    def alpha(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """H×W×3 uint8 RGB to H×W float32 in [0, 1].

        Logits are enlarged, then squashed: the edge stays as steep as the photo is large.
        """
        height, width = pixels.shape[:2]
        margin = Image.fromarray(self.logits(pixels))
        large = np.asarray(margin.resize((width, height), Image.Resampling.BILINEAR))
        alpha = large - np.float32(self.offset)
        alpha *= np.float32(self.sharpness / 2)  # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2
        np.tanh(alpha, out=alpha)
        alpha *= np.float32(0.5)
        alpha += np.float32(0.5)
        return alpha


def load(
    model: str | os.PathLike[str] = "pp-humanseg-lite", *, device: str = "auto", threads: int = 0
) -> Predictor:
    """A predictor by card name or card path; the same arguments give the same, already loaded, one.

    device: auto, cpu or cuda. threads: of the engine; 0 for one per core.
    Raises CardError when the model is unknown, its weights are missing or not the card's, or the
    device is not available.
    """
    return _load(os.fspath(model), device, threads)


@lru_cache(maxsize=4)
def _load(model: str, device: str, threads: int) -> Predictor:
    card = hub.card(model)
    if card.output != "person-logits":
        raise CardError(f"{card.name} gives {card.output!r}; expected person-logits")
    session = OnnxSession(hub.verified(card.path), device, threads)
    return Predictor(session, card.input, card.name, card.sharpness, card.offset)

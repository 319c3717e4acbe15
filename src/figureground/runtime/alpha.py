"""From a photo of any size to an alpha of that size."""

from __future__ import annotations

import copy
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from figureground.errors import CardError, ImageError
from figureground.imaging.edges import guided
from figureground.imaging.matting import matted
from figureground.imaging.read import Photo, Source, read
from figureground.runtime.prepare import Input, enlarge, prepare
from figureground.runtime.session import Session

Edges = Literal["fine", "fast", "hair"]
CONTRAST = 1.3  # of masks whose edges were found in the photo; chosen on people/val
OUTPUTS = ("person-logits", "saliency", "alpha")


class AlphaPredictor:
    """A mask or matte model: `model(image)` gives H×W float32 in [0, 1], the photo's size.

    output "person-logits": N×2×h×w, background and person; the value is
    sigmoid(sharpness · (logit − offset)) of the second minus the first.
    output "saliency": N×k×h×w probabilities, of which the first map counts.
    output "alpha": N×1×h×w, clipped to [0, 1]. A sharpness or offset of these goes by their logit.
    edges "fine": drawn along the photo's own (imaging.edges); "fast": enlarged as they are; "hair": solved
    for in the photo where the network is unsure (imaging.matting).
    task: what the card says that it is for.
    Nothing is stretched to fill the range, so a photo of nobody gives an alpha near 0 everywhere.
    """

    def __init__(
        self,
        session: Session,
        input: Input,
        name: str = "",
        output: str = "person-logits",
        sharpness: float = 1.0,
        offset: float = 0.0,
        edges: Edges = "fine",
        task: str = "person-segmentation",
    ) -> None:
        if output not in OUTPUTS:
            raise CardError(f"{name} gives {output!r}; expected one of {', '.join(OUTPUTS)}")
        if edges not in get_args(Edges):
            raise ImageError(f"edges is {edges!r}; expected one of {', '.join(get_args(Edges))}")
        self.session = session
        self.input = input
        self.name = name
        self.output = output
        self.sharpness = sharpness
        self.offset = offset
        self.edges = edges
        self.task = task

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

    def alpha(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """H×W×3 uint8 RGB to H×W float32 in [0, 1]."""
        if self.edges == "fast":  # logits are enlarged, then squashed: the edge stays steep
            height, width = pixels.shape[:2]
            return enlarge(self._margin(pixels), self.input, width, height, then=self._squash)
        return self.large(pixels, self.small(pixels))

    def small(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """H×W×3 uint8 RGB to h×w float32 in [0, 1], the size at which the network sees it, or the photo's
        where that is less: there would be nothing to learn from the photo."""
        height, width = pixels.shape[:2]
        shown = self.input.content_for(width, height)
        size = min(shown[0], width), min(shown[1], height)
        return enlarge(self._margin(pixels), self.input, width, height, size, self._squash)

    def large(self, pixels: NDArray[np.uint8], small: NDArray[np.float32]) -> NDArray[np.float32]:
        """H×W×3 uint8 RGB and its small alpha to H×W float32 in [0, 1]: drawn or enlarged as edges says."""
        if self.edges == "fast":
            size = pixels.shape[1], pixels.shape[0]
            return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BILINEAR))
        if self.edges == "hair":
            return matted(pixels, small)
        return guided(pixels, small, 1.0 if self.output == "alpha" else CONTRAST)

    def for_size(self, width: int, height: int) -> AlphaPredictor:
        """The same for pictures of one size alone, such as the frames of a video: it is faster then."""
        across, down = self.input.size_for(width, height)
        other = copy.copy(self)
        other.session = self.session.fixed((1, down, across))
        return other

    def probabilities(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Prepared pictures N×3×h×w, of any size that the network takes, to N×h×w alphas in [0, 1]."""
        alphas = np.stack([self._map(answer) for answer in self.session.run(images)])
        self._squash(alphas)
        return alphas

    def _margin(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self._map(self.session.run(prepare(pixels, self.input))[0])

    def _map(self, answer: NDArray[np.float32]) -> NDArray[np.float32]:
        """What the network answers for one picture, as one map: a logit, or a probability."""
        return answer[1] - answer[0] if self.output == "person-logits" else answer[0]

    def _squash(self, values: NDArray[np.float32]) -> None:
        """The network's answer becomes an alpha in [0, 1], in its place."""
        if self.output != "person-logits":
            if (self.sharpness, self.offset) == (1, 0):
                np.clip(values, 0, 1, out=values)
                return
            np.clip(values, 1e-6, 1 - 1e-6, out=values)
            values[:] = np.log(values / (1 - values))
        values -= np.float32(self.offset)
        values *= np.float32(self.sharpness / 2)  # sigmoid(x) = tanh(x / 2) / 2 + 1 / 2
        np.tanh(values, out=values)
        values *= np.float32(0.5)
        values += np.float32(0.5)

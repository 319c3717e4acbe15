"""What is done in a thread for each endpoint: from an upload to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from json import dumps
from typing import Any

from figureground.errors import ImageError
from figureground.imaging import compose, place
from figureground.imaging.read import Photo, read, srgb
from figureground.imaging.write import encode
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.cutout import find, layers, nobody
from figureground.runtime.embedding import EmbeddingPredictor
from figureground.runtime.file import encode_as
from figureground.runtime.labels import LabelPredictor
from figureground.serve.models import Models
from figureground.serve.options import Cutout, Embed, Parse, plain_background
from figureground.serve.upload import Upload
from figureground.serve.work import Check


@dataclass(frozen=True)
class Answer:
    """A body, its media type, and further headers."""

    body: bytes
    kind: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def json(cls, value: dict[str, Any]) -> Answer:
        return cls(dumps(value).encode())


class Answers:
    """models: that may be asked; max_pixels: of a picture."""

    def __init__(self, models: Models, max_pixels: int) -> None:
        self.models = models
        self.max_pixels = max_pixels

    def cutout(self, upload: Upload, options: Cutout, check: Check) -> Answer:
        """A picture. Headers say what share of the photo people are, and how sure it is that one is."""
        wanted = options.asked()
        sides = place.sides(wanted.size)
        if sides and sides[0] * sides[1] > self.max_pixels:
            raise ImageError(
                f"a size of {options.size} is more than the limit of {self.max_pixels:,}"
            )
        behind = self._background(upload, options)
        format = options.format.upper()
        wanted.check(behind, format)
        if format == "JPEG" and not wanted.opaque(behind):
            raise ImageError("JPEG holds no transparency; give a background, or format=png or webp")
        photo = self._read(upload.photo)
        if wanted.opaque(behind) or wanted.metadata == "strip":
            photo = srgb(photo)
        check()
        predictor = self.models.predictor(
            AlphaPredictor, options.model, options.edges, options.flip
        )
        found = find(photo, predictor, wanted)
        if wanted.require_person and not found.people:
            raise nobody("the photo", found.confidence)
        check()
        shown = layers(photo, found.alpha, behind, wanted, spend=True)
        check()
        body = encode_as([shown], photo, format, wanted)
        said = (
            ("X-People", f"{found.share:.5f}"),
            ("X-Confidence", f"{found.confidence:.3f}"),
        )
        return Answer(body, f"image/{options.format}", said)

    def parse(self, upload: Upload, options: Parse, check: Check) -> Answer:
        """The photo with a colour per class over it, its class numbers, or the share of each class."""
        predictor = self.models.predictor(LabelPredictor, options.model, flip=options.flip)
        photo = srgb(self._read(upload.photo))
        check()
        found = predictor.of(photo)
        check()
        if not options.json_:
            picture = found if options.labels else compose.overlay(photo.pixels, found)
            return Answer(encode(picture), "image/png")
        return Answer.json({"model": predictor.name, "classes": predictor.shares(found)})

    def embed(self, upload: Upload, options: Embed, check: Check) -> Answer:
        """The vector of the crop of one person."""
        predictor = self.models.predictor(EmbeddingPredictor, options.model)
        vector = predictor.of(self._read(upload.photo))
        numbers = [round(float(value), 7) for value in vector]
        return Answer.json({"model": predictor.name, "embedding": numbers})

    def _read(self, content: bytes) -> Photo:
        return read(content, max_pixels=self.max_pixels)

    def _background(self, upload: Upload, options: Cutout) -> compose.Background:
        if upload.background is not None:
            photo = self._read(upload.background)
            return compose.picture(photo, options.background_fit, options.background_position)
        return plain_background(options.background)

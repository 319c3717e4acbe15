"""From photos to the vectors of the people in them, all alike in one gallery."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cached_property
from json import dumps
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from figureground import hub
from figureground.errors import CardError, GalleryError
from figureground.gallery.people import people, within
from figureground.gallery.records import Box, Settings, Vectors
from figureground.hub.digest import sha256
from figureground.imaging.compose import replace
from figureground.imaging.read import Photo
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.embedding import EmbeddingPredictor
from figureground.runtime.predictor import load, load_alpha

MODEL = "osnet-x0.25"
SEGMENTATION = "pp-humanseg-lite"
PERSON = 0.01  # share of a crop that must be a person for the rest to be masked

Kind = Literal["crop", "photo"]
Pixels = NDArray[np.uint8]


class Embedder:
    """A re-identification model, what becomes of the background ("keep", or "mask"), and whether the mirror
    image counts too, see Settings.

    One thread per photo, so that photos are done beside each other.
    Raises CardError for a model that is unknown or gives no embedding.
    """

    def __init__(
        self,
        model: str = MODEL,
        background: str = "keep",
        device: str = "auto",
        flip: bool = False,
    ) -> None:
        if background not in ("keep", "mask"):
            raise GalleryError(f"background is {background!r}; expected keep or mask")
        predictor = load(model, flip=flip, device=device, threads=1)
        if not isinstance(predictor, EmbeddingPredictor):
            raise CardError(
                f"{predictor.name} tells no persons apart; expected a model for re-identification; "
                "`figureground models --task re-identification` lists them"
            )
        self.predictor = predictor
        self.background = background
        self.device = device
        masks = background == "mask"
        probe = np.zeros((predictor.input.height, predictor.input.width, 3), np.uint8)
        self.settings = Settings(
            model=str(Path(model).absolute()) if model.endswith(hub.SUFFIXES) else model,
            weights=_weights(model),
            input=dumps(asdict(predictor.input)),
            dimension=predictor.batch([probe]).shape[1],
            background=background,
            segmentation=SEGMENTATION if masks else "",
            segmentation_weights=_weights(SEGMENTATION) if masks else "",
            flip=flip,
        )

    @cached_property
    def segmenter(self) -> AlphaPredictor:
        return load_alpha(SEGMENTATION, edges="fast", device=self.device, threads=1)

    def look(
        self,
        photo: Photo,
        kind: Kind = "crop",
        boxes: Iterable[tuple[float, float, float, float]] | None = None,
    ) -> tuple[list[Box], list[Pixels], Vectors]:
        """Boxes, crops and vectors (N×D) of the people in a photo.

        kind "crop": it shows one person, from side to side; "photo": people are looked for. boxes: left,
        top, right, bottom of those who are in it, known from elsewhere. Raises GalleryError for another
        kind.
        """
        if kind not in get_args(Kind):
            raise GalleryError(f"people is {kind!r}; expected one of {', '.join(get_args(Kind))}")
        height, width = photo.pixels.shape[:2]
        alpha = None
        if boxes is not None:
            places = [box for sides in boxes if (box := within(sides, width, height))]
        elif kind == "crop":
            places = [(0, 0, width, height)]
        else:
            alpha = self.segmenter.of(photo)
            places = people(alpha)
        kept, crops, vectors = [], [], []
        for x, y, w, h in places:
            crop = photo.pixels[y : y + h, x : x + w]
            seen = crop
            if self.background == "mask":
                own = self.segmenter.alpha(crop) if alpha is None else alpha[y : y + h, x : x + w]
                if (own > 0.5).mean() < PERSON:
                    continue
                seen = replace(crop, own, np.broadcast_to(self._fill, crop.shape))
            kept.append((x, y, w, h))
            crops.append(crop)
            vectors.append(self.predictor.batch([seen])[0])
        found = np.array(vectors, np.float32).reshape(-1, self.settings.dimension)
        if not (np.abs(np.linalg.norm(found, axis=1) - 1) < 1e-3).all():
            raise CardError(
                f"{self.predictor.name} has no finite answer other than 0 to the picture"
            )
        return kept, crops, found

    @property
    def _fill(self) -> Pixels:
        spec = self.predictor.input
        mean = spec.mean if spec.channels == "rgb" else spec.mean[::-1]
        return (np.array(mean) * 255).round().astype(np.uint8)


def agree(gallery: Settings, mine: Settings) -> None:
    """Raises GalleryError when vectors of the one cannot be compared with those of the other."""
    for name, text in (
        ("weights", "the model"),
        ("input", "the preparation of crops"),
        ("dimension", "the length of vectors"),
        ("background", "the background"),
        ("segmentation_weights", "the model that masks the background"),
        ("flip", "whether it sees mirror images"),
    ):
        theirs, ours = getattr(gallery, name), getattr(mine, name)
        if theirs != ours:
            raise GalleryError(
                f"the gallery was made with {gallery.model}, and {text} now is another: "
                f"{_short(theirs)} there, {_short(ours)} of {mine.model} here; leave out --model, "
                "--background and --flip to use the gallery's own, or index again into a new gallery"
            )


def _short(value: object) -> str:
    text = str(value)
    return text[:12] if len(text) == 64 else text


def _weights(model: str) -> str:
    return sha256(hub.local(hub.card(model)))

"""What a gallery holds, as its manifest has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the image
Vectors = NDArray[np.float32]  # N×D, each of length 1


@dataclass(frozen=True)
class Settings:
    """What all vectors of a gallery have in common; a query must have it too.

    model: card name or path. weights: SHA-256 of its ONNX file. input: how a crop is prepared (JSON).
    background: "keep", or "mask": replaced by the network's mean colour, by the alpha of the model
    `segmentation`, whose ONNX file has the SHA-256 `segmentation_weights`. flip: vectors are of the crop
    and its mirror image.
    """

    model: str
    weights: str
    input: str
    dimension: int
    background: str = "keep"
    segmentation: str = ""
    segmentation_weights: str = ""
    flip: bool = False


@dataclass(frozen=True)
class Entry:
    """One person in one image. time: when seen, added: when indexed, both in Unix seconds."""

    id: int
    row: int
    image: str
    box: Box
    camera: str | None
    person: str | None
    time: float | None
    tag: str | None
    added: float


@dataclass(frozen=True)
class Image:
    """An image to keep: the vectors, boxes and thumbnails (JPEG; none where they are not kept) of the
    N people in it, and what is true of all of them. added: None for now."""

    path: str
    fingerprint: str
    vectors: Vectors
    boxes: Sequence[Box]
    thumbnails: Sequence[bytes | None]
    camera: str | None = None
    person: str | None = None
    time: float | None = None
    tag: str | None = None
    added: float | None = None

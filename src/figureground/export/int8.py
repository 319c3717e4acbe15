"""Eight-bit variants: static quantization, calibrated on photos (ONNX Runtime's QDQ form)."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from figureground.errors import ExportError
from figureground.export.graph import carry
from figureground.imaging.read import read
from figureground.runtime.prepare import Input, prepare
from figureground.runtime.session import OnnxSession


class Photos(CalibrationDataReader):  # type: ignore[misc]
    """Photos one by one, as the network sees them."""

    def __init__(self, photos: Sequence[Path], spec: Input, name: str) -> None:
        self.batches: Iterator[dict[str, NDArray[Any]]] = (
            {name: prepare(read(photo).pixels, spec)} for photo in photos
        )

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        return next(self.batches, None)


def quantize(path: Path, target: Path, spec: Input, photos: Sequence[Path], front: str) -> None:
    """Writes the ONNX file `path` to `target` with weights of 8 bits per channel and activations of 8
    bits, whose ranges are those seen on the photos.

    front: the card's front matter, for the metadata. Weights use 7 of their bits, because without VNNI a
    CPU adds pairs of products in 16. Raises ExportError for a model that computes in 8 bits already.
    """
    if any(node.op_type == "QuantizeLinear" for node in onnx.load(path).graph.node):
        raise ExportError(
            f"{path} computes in 8 bits already; give the model that it was made from"
        )
    with tempfile.TemporaryDirectory() as folder:
        folded = Path(folder) / "folded.onnx"
        logging.disable(logging.WARNING)
        try:
            quant_pre_process(path, folded, skip_symbolic_shape=True)
            model = onnx.load(folded)
            quantize_static(
                model,
                target,
                Photos(photos, spec, model.graph.input[0].name),
                quant_format=QuantFormat.QDQ,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                per_channel=True,
                reduce_range=True,
            )
        finally:
            logging.disable(logging.NOTSET)
    model = onnx.load(target)
    carry(model, front)
    onnx.save(model, target)


def difference(path: Path, other: Path, spec: Input, photos: Sequence[Path]) -> tuple[float, float]:
    """Mean and largest absolute difference between two models' answers on photos, as shares of the
    largest answer of the first."""
    first, second = (OnnxSession(file, "cpu") for file in (path, other))
    mean, most, scale = 0.0, 0.0, 0.0
    for photo in photos:
        images = prepare(read(photo).pixels, spec)
        answer = first.run(images)
        gap = np.abs(answer - second.run(images))
        mean += float(gap.mean()) / len(photos)
        most, scale = max(most, float(gap.max())), max(scale, float(np.abs(answer).max()))
    return mean / scale, most / scale

"""The mean of models of one network, weight by weight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from figureground.errors import ExportError
from figureground.export.graph import carry, eight_bits

HALF = ".float16"  # how store_half ends the names of what it stores so


def average(paths: Sequence[Path], target: Path, front: str) -> None:
    """Writes ONNX files of one network to `target` as one whose weights are the mean of theirs.

    front: the card's front matter, for the metadata. All else, and how weights are stored, is the first's.
    Raises ExportError when the files have weights of other names or shapes, or of 8 bits.
    """
    models = [onnx.load(path) for path in paths]
    weights = [_weights(model, path) for model, path in zip(models, paths)]
    for path, other in zip(paths[1:], weights[1:]):
        if _shapes(other) != _shapes(weights[0]):
            raise ExportError(
                f"{path} has other weights than {paths[0]}: they are not of one network"
            )
    model = models[0]
    for tensor in model.graph.initializer:
        name = tensor.name.removesuffix(HALF)
        if name in weights[0]:
            mean = np.mean([w[name].astype(np.float64) for w in weights], axis=0)
            tensor.CopyFrom(
                numpy_helper.from_array(mean.astype(weights[0][name].dtype), tensor.name)
            )
    carry(model, front)
    onnx.save(model, target)


def _weights(model: onnx.ModelProto, path: Path) -> dict[str, NDArray[Any]]:
    """By name, however they are stored; what is a number of pixels, an axis or the like is none."""
    tensors = {t.name.removesuffix(HALF): numpy_helper.to_array(t) for t in model.graph.initializer}
    if eight_bits(model):
        raise ExportError(f"{path} holds weights of 8 bits; take the mean before rounding")
    return {name: v for name, v in tensors.items() if np.issubdtype(v.dtype, np.floating)}


def _shapes(weights: dict[str, NDArray[Any]]) -> dict[str, tuple[int, ...]]:
    return {name: values.shape for name, values in weights.items()}

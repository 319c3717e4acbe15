"""The mean of models of one network, weight by weight."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from figureground.errors import ExportError
from figureground.export.graph import carry


def average(paths: Sequence[Path], target: Path, front: str) -> None:
    """Writes ONNX files of one network to `target` as one whose weights are the mean of theirs.

    front: the card's front matter, for the metadata. Weights are stored as in the first file.
    Raises ExportError when the files differ in more than the weights, or hold weights of 8 bits.
    """
    model, *others = (onnx.load(path) for path in paths)
    rest = [{t.name: t for t in other.graph.initializer} for other in others]
    for other, path in zip(others, paths[1:]):
        if _form(other) != _form(model):
            raise ExportError(
                f"{path} and {paths[0]} are not of one network, stored in one way; a mean is of "
                "weights alone"
            )
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype == np.int8 and values.ndim > 1:
            raise ExportError(f"{paths[0]} holds weights of 8 bits; take the mean before rounding")
        if np.issubdtype(values.dtype, np.floating):
            given = [values, *(numpy_helper.to_array(t[tensor.name]) for t in rest)]
            mean = np.mean([v.astype(np.float64) for v in given], axis=0)
            tensor.CopyFrom(numpy_helper.from_array(mean.astype(values.dtype), tensor.name))
    carry(model, front)
    onnx.save(model, target)


def _form(model: onnx.ModelProto) -> tuple[object, ...]:
    """What models of one network have in common: nodes, and names, types and shapes of the weights."""
    graph = model.graph
    nodes = [(n.op_type, list(n.input), list(n.output)) for n in graph.node]
    weights = sorted((t.name, t.data_type, list(t.dims)) for t in graph.initializer)
    return nodes, weights

"""Weights of 8 bits that are computed with in float32: a quarter of the float32 file, at its speed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from figureground.errors import ExportError
from figureground.export.graph import carry, eight_bits

# Values that a channel must have to be worth its scale; of a depthwise 3×3 convolution it has 9.
LEAST = 16


def round_weights(path: Path, target: Path, front: str) -> None:
    """Writes the ONNX file `path` to `target` with weights as symmetric int8, one scale for each output
    channel (w ≈ scale · q, |q| ≤ 127), which the engine multiplies out once, when it loads the file.

    front: the card's front matter, for the metadata. Biases and depthwise convolutions stay as they are.
    Raises ExportError where weights are in 8 bits already.
    """
    model = onnx.load(path)
    if eight_bits(model):
        raise ExportError(f"{path} holds weights of 8 bits already")
    graph = model.graph
    casts = {node.input[0]: node for node in graph.node if node.op_type == "Cast"}
    kept, nodes, gone = [], [], []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        is_float = np.issubdtype(values.dtype, np.floating)
        if not is_float or values.ndim < 2 or values[0].size < LEAST:
            kept.append(tensor)
            continue
        name = tensor.name
        if name.endswith(".float16"):
            gone.append(casts[name])
            name = casts[name].output[0]
        values = values.astype(np.float32)
        scale = np.abs(values).max(tuple(range(1, values.ndim)), keepdims=True) / np.float32(127)
        scale[scale == 0] = 1
        rounded = np.rint(values / scale).astype(np.int8)
        kept.append(numpy_helper.from_array(rounded, f"{name}.int8"))
        kept.append(numpy_helper.from_array(scale, f"{name}.scale"))
        nodes += [
            helper.make_node("Cast", [f"{name}.int8"], [f"{name}.whole"], to=TensorProto.FLOAT),
            helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name]),
        ]
    nodes += [node for node in graph.node if node not in gone]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    carry(model, front)
    onnx.save(model, target)

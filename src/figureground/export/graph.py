"""A network as one ONNX file, and the proof that it answers as the network does."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from figureground.errors import ExportError
from figureground.runtime.prepare import Input

TOLERANCE = 1e-4
OPSET = 20


def fused(network: nn.Module, half: bool) -> nn.Module:
    """A copy in eval mode with each batch norm folded into the convolution before it.

    half: weights are rounded to what float16 can hold, after folding. What neither touches is shared
    with the given network: large ones need not be held twice.
    """
    shared = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    network = copy.deepcopy(network, shared).eval()
    for module in network.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(conv, norm)
            module.bn = nn.Identity()
    if half:
        for module in network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if parameter.ndim > 1:
                    setattr(module, name, nn.Parameter(parameter.detach().half().float()))
    return network


class FirstMap(nn.Module):
    """The fused map d0 of U²-Net's seven, N×1×H×W."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        return self.network(image)[:, :1]


def to_onnx(network: nn.Module, input: Input, output: str, path: Path, front: str = "") -> None:
    """Writes one self-contained file with dynamic batch and picture size.

    Its input is `image`, its output is named `output`, its metadata entry `figureground` is the card's
    front matter.
    """
    example = torch.zeros(2, 3, input.height, input.width)
    axes = {0: "batch", 2: torch.export.Dim("height", min=32), 3: torch.export.Dim("width", min=32)}
    shapes = ({0: torch.export.Dim("batch"), 2: axes[2], 3: axes[3]},)
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network.eval().to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
            (example,),
            dynamo=True,
            opset_version=OPSET,
            dynamic_shapes=shapes,
            input_names=["image"],
            output_names=[output],
            verbose=False,
        )
    logging.getLogger("torch.onnx").setLevel(level)
    if program is None:
        raise ExportError("torch gave no ONNX program for this network")
    model = program.model_proto
    del program
    pool_whole_maps(model)
    store_half(model)
    strip(model)
    if front:
        carry(model, front)
    if foreign := {node.domain for node in model.graph.node} - {"", "ai.onnx"}:
        raise ExportError(
            f"the network needs operators of {', '.join(foreign)}; only ONNX's own run everywhere"
        )
    _write(model, path)


def _write(model: onnx.ModelProto, path: Path) -> None:
    """The model's bytes, tensor by tensor, so that a large one is not held twice; `model` loses them.

    A message may come in pieces, which the reader merges (protobuf's encoding, "last one wins").
    """
    tensors = list(model.graph.initializer)
    with path.open("wb") as file:
        for tensor in tensors:
            piece = onnx.ModelProto()
            piece.graph.initializer.append(tensor)
            file.write(piece.SerializeToString())
        del model.graph.initializer[:]
        file.write(model.SerializeToString())


def carry(model: onnx.ModelProto, front: str) -> None:
    """Puts the card's front matter into the model's metadata, in place of what is there."""
    del model.metadata_props[:]
    entry = model.metadata_props.add()
    entry.key, entry.value = "figureground", front


def strip(model: onnx.ModelProto) -> None:
    """Takes out where in whose files each node was traced, which is half of a small model."""
    for part in (model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer):
        del part.metadata_props[:]
        part.ClearField("doc_string")


def pool_whole_maps(model: onnx.ModelProto) -> None:
    """Means over height and width become global average pooling, which engines run in their own layout
    and in 8 bits: a mean makes them turn the map over first."""
    graph = model.graph
    tensors = {tensor.name: tensor for tensor in graph.initializer}
    maps = {
        v.name for v in (*graph.input, *graph.value_info) if len(v.type.tensor_type.shape.dim) == 4
    }
    gone = set()
    for node in graph.node:
        if node.op_type != "ReduceMean" or node.input[0] not in maps:
            continue
        keeps = all(entry.i for entry in node.attribute if entry.name == "keepdims")
        axes = tensors.get(node.input[1]) if len(node.input) > 1 else None
        if keeps and axes is not None and sorted(numpy_helper.to_array(axes) % 4) == [2, 3]:
            gone.add(node.input[1])
            node.op_type = "GlobalAveragePool"
            del node.input[1:], node.attribute[:]
    gone -= {name for node in graph.node for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name not in gone]
    del graph.initializer[:]
    graph.initializer.extend(kept)


def store_half(model: onnx.ModelProto) -> None:
    """Stores float32 tensors that float16 holds exactly as float16, with a cast when loaded."""
    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < 64:
            continue
        small = values.astype(np.float16)
        if not np.array_equal(small.astype(np.float32), values):
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(small, f"{name}.float16"))
        casts.append(
            onnx.helper.make_node("Cast", [f"{name}.float16"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)


def eight_bits(model: onnx.ModelProto) -> bool:
    """Whether weights are stored in 8 bits."""
    weights = (numpy_helper.to_array(tensor) for tensor in model.graph.initializer)
    return any(values.dtype == np.int8 and values.ndim > 1 for values in weights)


def prove(path: Path, network: nn.Module, input: Input, tolerance: float = TOLERANCE) -> float:
    """`agree` for an ONNX file by ONNX Runtime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = False  # which keeps what it once had
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def answer(images: Tensor) -> NDArray[Any]:
        return np.asarray(session.run(None, {"image": images.numpy()})[0])

    return agree("ONNX Runtime", answer, network, input, tolerance)


def agree(
    engine: str,
    answer: Callable[[Tensor], NDArray[Any]],
    network: nn.Module,
    input: Input,
    tolerance: float = TOLERANCE,
) -> float:
    """The largest difference between an engine's answers and torch's, as a share of max(1, the largest
    answer); ExportError above the tolerance.

    Compared at batch sizes 1 and 3 and two picture sizes of different shape. Some weights blow rounding up
    beyond any tolerance; then the engine may be off the answer in float64 by 4 times as much as torch is.
    """
    share = -(
        -max(input.height, input.width) // 192
    )  # a part shows the same in less time and memory
    height, width = input.height // share, input.width // share
    worst = 0.0
    for batch in (1, 3):
        for size in ((height, width), (height + 64, width // 32 * 32 + 32)):
            images = torch.randn(batch, 3, *size, generator=torch.manual_seed(batch))
            with torch.inference_mode():
                expected = network(images).numpy()
                found = answer(images)
            scale = max(1.0, float(np.abs(expected).max()))
            difference = float(np.abs(found - expected).max()) / scale
            if not difference <= tolerance and not _rounding(network, images, expected, found):
                raise ExportError(
                    f"{engine} and torch differ by {difference:.2e} on {batch} pictures of "
                    f"{size[1]}x{size[0]}; expected at most {tolerance:.0e}; nothing was written"
                )
            worst = max(worst, difference)
    return worst


def _rounding(
    network: nn.Module, images: Tensor, expected: NDArray[Any], found: NDArray[Any]
) -> bool:
    """Whether `found` is off the answer in float64 by at most 4 times as much as torch's float32 is."""
    with torch.inference_mode():
        exact = copy.deepcopy(network).double()(images.double()).numpy()
    own, theirs = (float(np.abs(answer - exact).max()) for answer in (expected, found))
    return theirs <= 4 * own

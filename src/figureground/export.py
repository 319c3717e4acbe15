"""A trained network as an ONNX file that has been seen to answer as the network does."""

from __future__ import annotations

import copy
import hashlib
import logging
import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import yaml
from onnx import numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from figureground import recipes
from figureground.errors import ExportError
from figureground.imaging.write import write
from figureground.runtime.prepare import Input
from figureground.training.run import load_run

TOLERANCE = 1e-4
OPSET = 20


def export_run(
    run: Path, output: Path, name: str, weights: str, half: bool
) -> tuple[Path, float, float]:
    """Writes output/NAME.onnx and output/NAME.md; gives the ONNX path and two largest differences:
    to torch with the same (with half: rounded) weights, and to the network as it was trained.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise ExportError(f"the name {name!r} is not letters, digits, dots and dashes alone")
    trained, input = load_run(run, weights)
    network = fused(trained, half)
    content = to_onnx(network, input)
    difference = prove(content, network, input)
    rounding = prove(content, trained, input, tolerance=np.inf if half else TOLERANCE)
    path = output / f"{name}.onnx"
    write(path, content)
    values = {
        "name": name,
        "task": "person-segmentation",
        "network": recipes.load(str(run / "recipe.yaml"))["network"],
        "input": plain(input),
        "output": "person-logits",
        "sharpness": 1.0,
        "offset": 0.0,
        "file": path.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "licences": {"code": "Apache-2.0", "weights": "unknown", "data": "unknown"},
    }
    front = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
    text = (
        f"Exported from {run.name}. Say here on what it was trained, how, and how well it does.\n"
    )
    write(output / f"{name}.md", f"---\n{front}---\n\n{text}".encode())
    return path, difference, rounding


def plain(input: Input) -> dict[str, Any]:
    """The fields of an Input as YAML writes them."""
    fields = dict(vars(input))
    fields["mean"], fields["std"] = list(input.mean), list(input.std)
    return fields


def fused(network: nn.Module, half: bool) -> nn.Module:
    """A copy in eval mode with each batch norm folded into the convolution before it.

    half: weights are rounded to what float16 can hold, after folding.
    """
    network = copy.deepcopy(network).eval()
    for module in network.modules():
        conv, norm = getattr(module, "conv", None), getattr(module, "bn", None)
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            module.conv = fuse_conv_bn_eval(conv, norm)
            module.bn = nn.Identity()
    if half:
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.ndim > 1:
                    parameter.copy_(parameter.half().float())
    return network


def to_onnx(network: nn.Module, input: Input) -> bytes:
    """One self-contained file with dynamic batch and picture size; input `image`, output `logits`."""
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
            output_names=["logits"],
            verbose=False,
        )
    logging.getLogger("torch.onnx").setLevel(level)
    if program is None:
        raise ExportError("torch gave no ONNX program for this network")
    model = program.model_proto
    store_half(model)
    onnx.checker.check_model(model)
    return model.SerializeToString()


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


def prove(content: bytes, network: nn.Module, input: Input, tolerance: float = TOLERANCE) -> float:
    """The largest difference between ONNX Runtime and torch; ExportError above the tolerance.

    Compared at batch sizes 1 and 3, at the input's own size and at one of another shape.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    other = input.height + 64, input.width // 32 * 32 + 32
    worst = 0.0
    for batch in (1, 3):
        for height, width in ((input.height, input.width), other):
            images = torch.randn(batch, 3, height, width, generator=torch.manual_seed(batch))
            with torch.inference_mode():
                expected = network(images).numpy()
            found = session.run(None, {"image": images.numpy()})[0]
            difference = float(np.abs(found - expected).max())
            if not difference <= tolerance:
                raise ExportError(
                    f"ONNX Runtime and torch differ by {difference:.2e} on {batch} pictures of "
                    f"{width}x{height}; expected at most {tolerance:.0e}; nothing was written"
                )
            worst = max(worst, difference)
    return worst

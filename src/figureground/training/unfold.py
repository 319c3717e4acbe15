"""An exported network made trainable again: `export` folds each batch norm into the layer before it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from figureground.errors import CheckpointError

Pair = tuple[str, str]  # names of a convolution or linear layer and of the norm after it


def read_onnx(path: Path) -> dict[str, Tensor]:
    """The float tensors of a file that `export` wrote, by the network's names, as float32.

    Raises CheckpointError when it cannot be read, or computes in 8 bits.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from onnx import numpy_helper

    try:
        graph = onnx.load(path).graph
    except (OSError, DecodeError) as error:
        raise CheckpointError(f"cannot read {path} ({error})") from None
    if any(node.op_type == "DequantizeLinear" for node in graph.node):
        raise CheckpointError(f"{path} computes in 8 bits; start from the original")
    tensors = {}
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for stored, values in held.items():
        if stored.removesuffix(".scale") + ".int8" in held:
            continue
        name = stored.removesuffix(".float16").removesuffix(".int8")
        if stored.endswith(".int8"):
            values = values * held[f"{name}.scale"]
        name = name.replace(".weight_bias", ".bias")
        name = name.removeprefix("network.")  # in what answers with one of several maps
        if "." in name and np.issubdtype(values.dtype, np.floating):
            tensors[name] = torch.from_numpy(values.astype(np.float32))
    return tensors


def folded(network: nn.Module, tensors: Mapping[str, Tensor]) -> list[Pair]:
    """The layers of the network whose norm the tensors do not have, but a bias instead of it."""
    pairs = []
    for parent, module in network.named_modules():
        children = list(module.named_children())
        for (layer, first), (norm, second) in itertools.pairwise(children):
            if isinstance(first, nn.Conv2d | nn.Linear) and isinstance(
                second, nn.BatchNorm1d | nn.BatchNorm2d
            ):
                path = f"{parent}." if parent else ""
                pair = path + layer, path + norm
                if f"{pair[0]}.bias" in tensors and f"{pair[1]}.running_var" not in tensors:
                    pairs.append(pair)
    return pairs


def unfold(
    network: nn.Module, tensors: Mapping[str, Tensor], pairs: Iterable[Pair]
) -> dict[str, Tensor]:
    """The tensors with norms that only add the bias, so that the network answers as the folded one."""
    tensors = dict(tensors)
    for layer, norm in pairs:
        bias = tensors.pop(f"{layer}.bias")
        if network.get_submodule(layer).bias is not None:
            tensors[f"{layer}.bias"] = torch.zeros_like(bias)
        eps = network.get_submodule(norm).eps
        tensors[f"{norm}.weight"] = torch.ones_like(bias)
        tensors[f"{norm}.bias"] = bias
        tensors[f"{norm}.running_mean"] = torch.zeros_like(bias)
        tensors[f"{norm}.running_var"] = torch.full_like(bias, 1 - float(eps))  # type: ignore[arg-type]
    return tensors


@torch.no_grad()
def refit(network: nn.Module, norms: Iterable[str], batches: Iterable[Tensor]) -> None:
    """Gives the norms the mean and variance of what they see in batches of pictures N×3×H×W, and the
    scale and bias that make up for it: answers stay, and training can go by each batch's own statistics.
    """
    sums: dict[str, list[Tensor]] = {}

    def look(name: str) -> Callable[[nn.Module, tuple[Tensor]], None]:
        def hook(module: nn.Module, inputs: tuple[Tensor]) -> None:
            x = inputs[0].double().transpose(0, 1).flatten(1)
            seen = [x.new_tensor(x.shape[1]), x.sum(1), (x * x).sum(1)]
            sums[name] = [a + b for a, b in zip(sums[name], seen)] if name in sums else seen

        return hook

    norms = list(norms)
    handles = [network.get_submodule(n).register_forward_pre_hook(look(n)) for n in norms]
    training = network.training
    network.eval()
    for images in batches:
        network(images)
    network.train(training)
    for handle in handles:
        handle.remove()
    for name, (count, total, squares) in sums.items():
        norm = network.get_submodule(name)
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=0)
        before = norm.weight / (norm.running_var + norm.eps).sqrt()
        shift = norm.bias - norm.running_mean * before
        norm.weight.copy_(before * (variance + norm.eps).sqrt())
        norm.bias.copy_(shift + mean * before)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)

"""A network as TorchScript, for LibTorch in C++ and on phones."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from figureground import hub, networks
from figureground.errors import ExportError
from figureground.export.graph import FirstMap, agree, prove
from figureground.hub.card import Card
from figureground.runtime.prepare import Input


class Whitened(nn.Module):
    """An embedding network with what export.whitening put behind it: x ↦ x / |x| · projection − centre."""

    def __init__(self, network: nn.Module, layers: list[tuple[Tensor, Tensor]]) -> None:
        super().__init__()
        self.network = network
        self.layers = layers

    def forward(self, image: Tensor) -> Tensor:
        found: Tensor = self.network(image)
        for projection, centre in self.layers:
            found = F.normalize(found) @ projection - centre
        return found


def of_card(card: Card) -> nn.Module:
    """The network of a model that `export` wrote, in eval mode.

    Raises CardError when the model is not to be had, CheckpointError when it computes in 8 bits,
    ExportError when its file is of another kind or answers otherwise.
    """
    from figureground.training.unfold import folded, read_onnx, unfold

    path = hub.local(card)
    if not card.network:
        raise ExportError(
            f"the card of {card.name} names no network of ours; take its .onnx as it is"
        )
    tensors = read_onnx(path)
    network = networks.build(**card.network)
    tensors = unfold(network, tensors, folded(network, tensors))
    missing = network.load_state_dict(tensors, strict=False).missing_keys
    if 2 * len(missing) > len(network.state_dict()):  # fewer: heads that learn alone, see prove
        raise ExportError(
            f"{path} was not written by export: it has no {missing[0]}; take it as it is"
        )
    stored = onnx.load(path).graph.initializer
    held = {one.name.removesuffix(".float16"): numpy_helper.to_array(one) for one in stored}
    layers: list[tuple[Tensor, Tensor]] = []
    while (projection := f"projection{len(layers) or ''}") in held:
        centre = held[projection.replace("projection", "centre")]
        layers.append((_float(held[projection]), _float(centre)))
    if layers:
        network = Whitened(network, layers)
    elif card.output == "saliency":
        network = FirstMap(network)
    prove(path, network.eval(), card.input)
    return network


def _float(values: NDArray[Any]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))


def write_torchscript(network: nn.Module, input: Input, path: Path, front: str) -> float:
    """Traces the network, for any batch and picture size, and gives the largest difference to it, as a
    share of max(1, the largest answer). front: what the file's entry `figureground` is to say.

    Raises ExportError when what is read back answers otherwise.
    """
    network.eval().requires_grad_(False)
    example = torch.zeros(2, 3, input.height, input.width)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of sizes that a trace takes for fixed: see below
        traced: Any = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
        torch.jit.save(traced, path, _extra_files={"figureground": front.encode()})  # type: ignore[no-untyped-call]
        read: Any = torch.jit.load(path)  # type: ignore[no-untyped-call]
    return agree("TorchScript", lambda images: read(images).numpy(), network, input)

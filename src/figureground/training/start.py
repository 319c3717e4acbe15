"""Where a training starts from: a card, a checkpoint of any framework, or another run's weights."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from figureground import checkpoints, hub, networks
from figureground.errors import RecipeError
from figureground.training.unfold import folded, read_onnx, refit, unfold

SEEN = 128  # samples by which folded batch norms are made anew
SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".pdparams")  # never those of a model's name


class Pictures(Protocol):
    """Sample number k: a picture and its truths."""

    def __getitem__(self, k: int) -> tuple[Tensor, ...]: ...


def start_from(network: nn.Module, name: str, init: str, samples: Pictures) -> str:
    """Gives the network, built by `name`, every tensor of `init` that fits it; says what did and what not.

    init: a card's name, hub id or path; a run folder; or a checkpoint that checkpoints.read can read, with
    our names or the published ones. What does not fit, such as a classifier of other classes, keeps its
    random start. A card that has ONNX alone is one of ours: the batch norms that export folded away are
    made anew from the first SEEN samples, pictures 3×H×W with or without truths; a whitening behind it is
    left out.
    Raises RecipeError when less than half of the tensors have a place, CardError, CheckpointError or
    PullError when they cannot be had.
    """
    from figureground.importing import match

    path = _checkpoint(init)
    if path.suffix == ".onnx":
        tensors = read_onnx(path)
        count = len(tensors)
        pairs = folded(network, tensors)
        tensors = unfold(network, tensors, pairs)
    else:
        pairs = []
        arrays = checkpoints.read(path)
        count = len(arrays)
        own = {  # a run's last.ckpt holds the task, not the network alone
            key.removeprefix("network."): torch.from_numpy(np.array(value))
            for key, value in arrays.items()
        }
        tensors = max(
            own, networks.from_foreign(name, arrays), key=lambda t: len(match(network, t).matched)
        )
    found = match(network, tensors)
    if 2 * len(found.matched) < count:
        raise RecipeError(
            f"the weights {path} do not fit the network {name}: {found}; choose others for init"
        )
    network.load_state_dict({key: tensors[key] for key in found.matched}, strict=False)
    if pairs:
        refit(network, [norm for _, norm in pairs], (samples[k][0][None] for k in range(SEEN)))
    return f"{path}: {found}"


def _checkpoint(init: str) -> Path:
    path = Path(init).expanduser()
    if (path / "recipe.yaml").is_file():  # another run
        path /= "best.safetensors"
    if path.suffix not in hub.SUFFIXES and path.is_file():
        return path
    if path.suffix in SUFFIXES:
        raise RecipeError(f"there are no weights at {path}; give init= a file that is there")
    card = hub.card(init)
    return hub.local(card) if card.checkpoint is None else hub.verified(card, card.checkpoint)

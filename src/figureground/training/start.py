"""Where a training starts from: a card, a checkpoint of any framework, or another run's weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from figureground import checkpoints, hub, networks
from figureground.errors import RecipeError

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".pdparams")  # never those of a model's name


def start_from(network: nn.Module, name: str, init: str) -> str:
    """Gives the network, built by `name`, every tensor of `init` that fits it; says what did and what not.

    init: a card's name, hub id or path; or a checkpoint that checkpoints.read can read, with our names or
    the published ones. What does not fit, such as a classifier of other classes, keeps its random start.
    Raises RecipeError when less than half of the tensors have a place, CardError, CheckpointError or
    PullError when they cannot be had.
    """
    from figureground.importing import match

    path = _checkpoint(init)
    arrays = checkpoints.read(path)
    own = {key: torch.from_numpy(np.array(value)) for key, value in arrays.items()}
    tensors = max(
        own, networks.from_foreign(name, arrays), key=lambda t: len(match(network, t).matched)
    )
    found = match(network, tensors)
    if 2 * len(found.matched) < len(arrays):
        raise RecipeError(
            f"the weights {path} do not fit the network {name}: {found}; choose others for init"
        )
    network.load_state_dict({key: tensors[key] for key in found.matched}, strict=False)
    return f"{path}: {found}"


def _checkpoint(init: str) -> Path:
    path = Path(init).expanduser()
    if path.suffix not in hub.SUFFIXES and path.is_file():
        return path
    if path.suffix in SUFFIXES:
        raise RecipeError(f"there are no weights at {path}; give init= a file that is there")
    card = hub.card(init)
    if card.checkpoint is None:
        raise RecipeError(
            f"{card.name} comes as ONNX alone, which cannot be trained; choose a model with a checkpoint"
        )
    return hub.verified(card, card.checkpoint)

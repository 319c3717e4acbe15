"""A run folder: the recipe it was trained by and its weights; as a network, as a predictor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from figureground import networks, recipes
from figureground.errors import RecipeError
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.embedding import EmbeddingPredictor
from figureground.runtime.prepare import Input
from figureground.training import system
from figureground.training.fit import load_weights


class TorchSession:
    """A network in eval mode behind the same call as the engine's session."""

    device = "cpu"

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return self.network(torch.from_numpy(images)).numpy()


def build_network(values: recipes.Values) -> nn.Module:
    """The network that a recipe's section `network` describes; RecipeError when it cannot be."""
    arguments = dict(values.get("network", {}))
    name = arguments.pop("name", None)
    if name not in networks.names():
        raise RecipeError(f"network.name is {name!r}; expected one of {networks.names()}")
    builder = networks.builders()[name]
    try:
        return builder(**recipes.arguments(builder, arguments, "network"))
    except ValueError as error:
        raise RecipeError(f"network {name}: {error}") from None


def load_run(folder: Path, weights: str = "best.safetensors") -> tuple[nn.Module, Input]:
    """The trained network of a run folder, in eval mode, and the input it was trained for.

    Raises RecipeError when the folder does not hold a run.
    """
    recipe = folder / "recipe.yaml"
    if not recipe.is_file():
        raise RecipeError(f"{folder} is not a run folder: it has no recipe.yaml")
    values = recipes.load(str(recipe))
    network = build_network(values)
    load_weights(network, folder / weights)
    _, data = system(values)
    return network.eval(), recipes.arguments(data, values["data"], "data")["input"]


def run_predictor(folder: Path) -> AlphaPredictor | EmbeddingPredictor:
    """A run's best weights as a predictor of what its system is for, on torch."""
    network, input = load_run(folder)
    embeds = recipes.load(str(folder / "recipe.yaml"))["system"] == "re-identification"
    predictor = EmbeddingPredictor if embeds else AlphaPredictor
    return predictor(TorchSession(network), input, str(folder))

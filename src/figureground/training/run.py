"""A run folder: the recipe it was trained by and its weights; as a network, as a predictor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from figureground import networks, recipes
from figureground.data import json_names
from figureground.errors import RecipeError
from figureground.hub.card import Card
from figureground.published import form
from figureground.runtime.alpha import Edges
from figureground.runtime.predictor import Predictor, predictor_of
from figureground.training import system
from figureground.training.saving import load_weights

CLASSES = "class_names.json"  # in a run folder, where the network tells classes apart


class TorchSession:
    """A network in eval mode behind the same call as the engine's session, on the device that holds it."""

    device = "cpu"

    def __init__(self, network: nn.Module) -> None:
        self.network = network.eval()

    def run(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        place = next(self.network.parameters()).device
        with torch.inference_mode():
            return self.network(torch.from_numpy(images).to(place)).float().cpu().numpy()

    def fixed(self, shape: tuple[int, int, int]) -> TorchSession:
        return self


def build_network(values: recipes.Values) -> nn.Module:
    """The network that a recipe's section `network` describes; RecipeError when it cannot be."""
    arguments = dict(values.get("network", {}))
    name = arguments.pop("name", None)
    if name not in networks.names():
        raise RecipeError(f"network.name is {name!r}; expected one of {networks.names()}")
    builder = networks.builders()[name]
    try:
        return networks.build(name, **recipes.arguments(builder, arguments, "network"))
    except ValueError as error:
        raise RecipeError(f"network {name}: {error}") from None


def run_card(folder: Path) -> Card:
    """What a run says of its network, as a card without files.

    Raises RecipeError when the folder does not hold a run, or its network answers for no photo alone.
    """
    recipe = folder / "recipe.yaml"
    if not recipe.is_file():
        raise RecipeError(f"{folder} is not a run folder: it has no recipe.yaml")
    values = recipes.load(str(recipe))
    given = recipes.arguments(system(values)[1], values["data"], "data")
    try:
        answers = form(values["network"]["name"])
    except ValueError as error:
        raise RecipeError(f"{folder}: {error}") from None
    # compositions are of people, whatever learns them
    people = values["data"].get("pictures") == "compositions"
    return Card(
        name=str(folder),
        task="person-segmentation" if people and answers.task == "saliency" else answers.task,
        network=values["network"],
        input=given["input"],
        output=answers.output,
        classes=json_names(folder / CLASSES) if answers.output == "class-logits" else (),
        files=(),
        path=folder,
        licences={key: "unknown" for key in ("weights", "data", "commercial")}
        | {"code": "Apache-2.0"},
        text=f"Exported from {folder.name}. Say here on what it was trained, how, and how well it does.",
    )


def load_run(folder: Path, weights: str = "best.safetensors") -> tuple[nn.Module, Card]:
    """The trained network of a run folder, in eval mode, and its card; RecipeError as run_card."""
    card = run_card(folder)
    network = build_network({"network": card.network})
    load_weights(network, folder / weights)
    return network.eval(), card


def run_predictor(
    folder: Path, edges: Edges = "fine", flip: bool = False, weights: str = "best.safetensors"
) -> Predictor:
    """A run's weights as a predictor, on torch; edges and flip as of load."""
    network, card = load_run(folder, weights)
    return predictor_of(card, TorchSession(network), edges, flip)

"""A checkpoint of another framework as a model of ours: names mapped, tensors counted, files written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from figureground import checkpoints, networks
from figureground.errors import CheckpointError
from figureground.export import Written, write_model
from figureground.hub.card import Card
from figureground.published import form

# made anew by the network itself: torch's counters, and a constant that PaddleSeg 2.6 does not store
OPTIONAL = ("num_batches_tracked", ".scale")
SHOWN = 8


@dataclass(frozen=True)
class Match:
    """How the tensors of a checkpoint meet those of a network; names are ours."""

    matched: list[str]
    missing: list[str]
    unexpected: list[str]
    mismatched: list[str]

    @property
    def whole(self) -> bool:
        return not (self.missing or self.unexpected or self.mismatched)

    def __str__(self) -> str:
        lines = [f"{len(self.matched)} tensors matched"]
        for kind in ("missing", "unexpected", "mismatched"):
            if names := getattr(self, kind):
                more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
                lines.append(f"{len(names)} {kind}: {', '.join(names[:SHOWN])}{more}")
        return "; ".join(lines)


def match(network: nn.Module, tensors: Mapping[str, Tensor]) -> Match:
    """Compares names and shapes."""
    own = network.state_dict()
    missing = [n for n in own if n not in tensors and not n.endswith(OPTIONAL)]
    unexpected = [n for n in tensors if n not in own and not n.endswith("num_batches_tracked")]
    both = [n for n in own if n in tensors]
    mismatched = [
        f"{n} (has {tuple(tensors[n].shape)}, expected {tuple(own[n].shape)})"
        for n in both
        if tensors[n].shape != own[n].shape
    ]
    matched = [n for n in both if tensors[n].shape == own[n].shape]
    return Match(matched, missing, unexpected, mismatched)


def import_checkpoint(
    path: Path,
    network: str,
    output: Path,
    name: str,
    *,
    arguments: Mapping[str, Any] | None = None,
    strict: bool = True,
    like: Card | None = None,
    half: bool = False,
) -> tuple[Match, Written]:
    """Writes output/NAME.safetensors, NAME.onnx and NAME.md, a card that `load` runs.

    network: a name of networks.names(); its arguments (class count, levels, operator family) are read
    off the checkpoint where `arguments` does not give them. strict: every tensor must be matched; else
    what is not matched keeps its random start. like: a card whose input, output, classes and
    licences are taken over; by default they are the published ones.

    Raises CheckpointError when the file cannot be read, or does not fit; nothing is written then.
    """
    if network not in networks.names():
        raise CheckpointError(
            f"unknown network {network!r}; expected one of {', '.join(networks.names())}"
        )
    foreign = checkpoints.read(path)
    tensors = networks.from_foreign(network, foreign)
    given = {**networks.infer(network, foreign, tensors), **(arguments or {})}
    try:
        with torch.device("meta"):  # no memory, no random start for what is loaded anyway
            model = networks.build(network, **given)
        published = form(network, given.get("family", "torch"))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"cannot build {network} with {given}: {error}") from None
    found = match(model, tensors)
    if not found.matched:
        raise CheckpointError(f"{path} is not of {network}: no tensor has a place in it ({found})")
    if strict and not found.whole:
        raise CheckpointError(
            f"{path} does not fit {network} with {given or 'no arguments'}: {found}; choose another "
            "network, or --loose to keep what fits"
        )
    model = filled(network, given, {n: tensors[n].float() for n in found.matched})
    del foreign, tensors
    if like is None:
        like = Card(
            name=name,
            task=published.task,
            network={},
            input=published.input,
            output=published.output,
            classes=published.classes(given.get("num_classes", 21)),
            files=(),
            path=path,
            licences={key: "unknown" for key in ("code", "weights", "data", "commercial")},
            text=f"Imported from {path.name}.",
        )
    like = replace(like, network={"name": network, **given})
    return found, write_model(model, like, output, name, half=half)


def filled(network: str, arguments: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> nn.Module:
    """The network in eval mode with these tensors themselves, not copies; the others as built."""
    with torch.device("meta"):
        model = networks.build(network, **arguments)
    counters = {n: torch.tensor(0) for n in model.state_dict() if n.endswith("tracked")}
    if any(n not in tensors and n not in counters for n in model.state_dict()):
        model = networks.build(network, **arguments)
    model.load_state_dict({**counters, **tensors}, strict=False, assign=True)
    return model.eval()

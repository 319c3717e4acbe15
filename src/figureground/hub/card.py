"""A card: one Markdown file per set of weights, YAML front matter and prose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from figureground.errors import CardError
from figureground.runtime.prepare import Input


@dataclass(frozen=True)
class File:
    """One file of a model: its name, its checksums (lower-case hexadecimal; MD5 where a publisher gives
    nothing better), and where it can be had: addresses, in the order to try them."""

    name: str
    sha256: str = ""
    md5: str = ""
    sources: Sequence[str] = ()

    def __post_init__(self) -> None:
        for kind in ("sha256", "md5"):
            if not isinstance(given := getattr(self, kind), str):
                raise CardError(
                    f"the file {self.name} has {kind} {given!r}; expected text, in quotes"
                )
        if not self.sha256 and not self.md5:
            raise CardError(f"the file {self.name} has no checksum; expected sha256 or md5")
        if Path(self.name).name != self.name:
            raise CardError(f"the file name {self.name!r} leads to another folder")


@dataclass(frozen=True)
class Card:
    """What a model is, what it wants, what it gives, on what terms, how good it is.

    network: name and arguments of networks.build, the operator family among them.
    output: "person-logits", "saliency", "alpha" (see runtime.alpha), "class-logits" (with classes)
    or "embedding".
    sharpness, offset: alpha = sigmoid(sharpness · (logit − offset)), Platt's calibration; 1 and 0 for
    the network's own probability.
    files: an .onnx, a checkpoint (.safetensors or as published), or both.
    licences: of code, weights and data; commercial: yes, no or unknown.
    ids: other names by which the same weights are known.
    """

    name: str
    task: str
    network: Mapping[str, Any]
    input: Input
    output: str
    files: Sequence[File]
    path: Path
    classes: Sequence[str] = ()
    sharpness: float = 1.0
    offset: float = 0.0
    licences: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    ids: Sequence[str] = ()
    text: str = ""

    def __post_init__(self) -> None:
        for name in ("sharpness", "offset"):
            given = getattr(self, name)
            if not isinstance(given, int | float) or not isfinite(given):
                raise CardError(f"the card {self.path} has {name} {given!r}; expected a number")
        names = self.classes
        if not (isinstance(names, list | tuple) and all(isinstance(name, str) for name in names)):
            raise CardError(f"the card {self.path} has classes {names!r}; expected a list of names")

    @property
    def onnx(self) -> File | None:
        """The file that runs as it is."""
        return next((f for f in self.files if f.name.endswith(".onnx")), None)

    @property
    def checkpoint(self) -> File | None:
        """The file that torch, or another framework, starts from."""
        return next((f for f in self.files if not f.name.endswith(".onnx")), None)


def parse(text: str, path: Path) -> Card:
    """The card that `text`, the content of `path`, is; CardError says what is wrong with it."""
    parts = f"\n{text}".split("\n---\n", 2)
    if len(parts) < 3:
        raise CardError(f"{path} is not a card: expected YAML between two lines of ---, then prose")
    try:
        _, front, prose = parts
        values = yaml.safe_load(front)
        values["input"] = Input(**values["input"])
        values["files"] = tuple(File(**entry) for entry in values["files"])
        terms = values.get("licences") or {}
        for name, value in terms.items():  # YAML takes a bare yes or no for a truth value
            terms[name] = {True: "yes", False: "no"}.get(value, value)
        return Card(**values, path=path, text=prose.strip())
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise CardError(
            f"{path} is not a card: expected YAML between two lines of --- ({reason})"
        ) from None
    except (TypeError, KeyError, AttributeError) as error:
        raise CardError(f"the card {path} has a missing or unknown entry: {error}") from None


def front_matter(card: Card) -> str:
    """The card's entries as YAML, those left out that say nothing."""
    values = {entry.name: getattr(card, entry.name) for entry in fields(card)}
    for name in ("path", "text"):
        del values[name]
    for name in ("classes", "files", "licences", "figures", "ids"):
        if not values[name]:
            del values[name]
    if (card.sharpness, card.offset) == (1.0, 0.0):
        del values["sharpness"], values["offset"]
    values["input"] = _plain(card.input)
    if card.files:
        values["files"] = [_plain(file) for file in card.files]
    return yaml.safe_dump(_lists(values), sort_keys=False, allow_unicode=True, width=110)


def _plain(entry: Input | File) -> dict[str, Any]:
    """What differs from the defaults, and what has none."""
    defaults = {f.name: f.default for f in fields(entry)}
    return {
        k: _lists(v) for k, v in vars(entry).items() if defaults[k] != v or k in ("mean", "std")
    }


def _lists(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lists(entry) for key, entry in value.items()}
    return [_lists(entry) for entry in value] if isinstance(value, list | tuple) else value

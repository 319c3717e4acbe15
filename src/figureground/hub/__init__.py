"""Cards: one Markdown file per set of weights, YAML front matter and prose; the folder is the registry."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from figureground.errors import CardError
from figureground.runtime.prepare import Input

FOLDER = Path(__file__).parent.parent / "cards"


@dataclass(frozen=True)
class Card:
    """What a model is, what it wants, what it gives, on what terms, how good it is.

    output: "person-logits" for two class logits of which the second is the person.
    sharpness, offset: alpha = sigmoid(sharpness · (logit − offset)), Platt's calibration; 1 and 0 for
    the network's own probability.
    file: name of the ONNX file beside the card; sha256: of that file, lower-case hexadecimal.
    """

    name: str
    task: str
    network: Mapping[str, Any]
    input: Input
    output: str
    file: str
    sha256: str
    path: Path
    sharpness: float = 1.0
    offset: float = 0.0
    licences: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""

    @property
    def weights(self) -> Path:
        return self.path.parent / self.file


def names() -> list[str]:
    """Names of the cards that come with the package."""
    return sorted(p.stem for p in FOLDER.glob("*.md"))


def card(model: str) -> Card:
    """The card of that name, or at that .md path.

    Raises CardError for an unknown name, an unreadable card or one that lacks what a card must say.
    """
    path = Path(model) if model.endswith(".md") else FOLDER / f"{model}.md"
    if not os.path.isfile(path):
        raise CardError(
            f"unknown model {model!r}; expected one of {', '.join(names())}, or the path of a card "
            "(.md); `figureground models` lists them"
        )
    return parse(path)


def parse(path: Path) -> Card:
    """Reads a card file; CardError says what is wrong with it."""
    try:
        text = path.read_text(encoding="utf-8")
        _, front, prose = text.split("---\n", 2)
        values = yaml.safe_load(front)
        values["input"] = Input(**values["input"])
        return Card(**values, path=path, text=prose.strip())
    except (OSError, UnicodeDecodeError, ValueError, yaml.YAMLError) as error:
        raise CardError(
            f"{path} is not a card: expected YAML between two lines of --- ({error})"
        ) from None
    except (TypeError, KeyError) as error:
        raise CardError(f"the card {path} has a missing or unknown entry: {error}") from None


@cache
def verified(card_path: Path) -> Path:
    """The weights beside a card, once their checksum is right. Read once per process."""
    card = parse(card_path)
    try:
        found = hashlib.sha256(card.weights.read_bytes()).hexdigest()
    except OSError as error:
        raise CardError(
            f"the weights of {card.name} should be at {card.weights} ({error.strerror}); "
            "reinstall figureground, or put the file there"
        ) from None
    if found != card.sha256:
        raise CardError(
            f"the weights at {card.weights} are not those of the card {card.name}: sha256 is {found}, "
            f"expected {card.sha256}; reinstall figureground, or put the right file there"
        )
    return card.weights

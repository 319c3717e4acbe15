"""Cards of the MindSpore Hub, as that hub writes them: read, and told in our terms."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from figureground.errors import CardError
from figureground.hub.card import Card, File
from figureground.published import form

# the hub's model-name, in lower case and without underscores -> ours
NETWORKS = {
    "u2net": "u2net",
    "semantichumanmatting": "shm",
    "refinenet": "refinenet101",
    "osnet": "osnet_x1_0",
}
# the disclaimer under every card of that hub
TERMS = "research and education only, as the MindSpore Hub says"


def recognises(text: str) -> bool:
    """Whether the text is such a card; ours begin with their front matter."""
    ours = text.startswith("---")
    return not ours and re.search(r"^model-name:", text, re.MULTILINE) is not None


def parse(text: str, path: Path) -> Card:
    """A MindSpore Hub card as ours; CardError when it lacks something or names a network we have not."""
    try:
        front = re.split(r"^---\s*$", text, maxsplit=2, flags=re.MULTILINE)[1]
        values: dict[str, Any] = yaml.load(front, yaml.BaseLoader)  # 1.10 is not 1.1
        model = str(values["model-name"])
        asset = values["asset"][0]
        address = str(asset["asset-link"]).strip("<> ")
        checksum = str(asset["asset-sha256"]).lower()
        data = str(values["train-dataset"])
    except (IndexError, KeyError, TypeError, yaml.YAMLError) as error:
        raise CardError(f"{path} is not a whole MindSpore Hub card: {error!r}") from None
    network = NETWORKS.get(model.lower().replace("_", ""))
    if network is None:
        raise CardError(
            f"{path} is the card of {model!r}; of the MindSpore Hub's networks, figureground has "
            f"{', '.join(NETWORKS)}"
        )
    if not re.fullmatch(r"[0-9a-f]{64}", checksum):
        raise CardError(f"{path} gives {checksum!r} as sha256; expected 64 hexadecimal digits")
    published = form(network, "mindspore")
    family = {"family": "mindspore"} if published.has_families else {}
    return Card(
        name=f"mindspore/{values.get('mindspore-version', '')}/{model}_{data}".lower(),
        task=published.task,
        network={"name": network, **family},
        input=published.input,
        output=published.output,
        classes=published.classes(),
        files=(File(PurePosixPath(address).name, sha256=checksum, sources=(address,)),),
        path=path,
        licences={
            "code": str(values.get("license", "unknown")),
            "weights": TERMS,
            "data": data,
            "commercial": "no",
        },
        figures={"stated by the hub": str(values.get("evaluation", "nothing"))},
        text=text,
    )

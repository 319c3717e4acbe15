"""Writes docs/networks.md and docs/models.md from the code: `make docs`."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from figureground import hub, networks, published

FOLDER = Path(__file__).parent


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    lines = [list(head), ["---"] * len(list(head)), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines) + "\n"


def networks_page() -> str:
    rows = []
    for name in networks.names():
        with torch.device("meta"):  # shapes without numbers
            network = networks.build(name).eval()
        taken = inspect.signature(networks.builders()[name]).parameters
        try:
            form = published.form(name)
        except ValueError:
            form = None
        size = (form.input.width, form.input.height) if form else (320, 320)
        image = torch.zeros(1, 3, *reversed(size), device="meta")
        others = [image] if form is None else []  # a trimap
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network(image, *others)
        parameters = sum(p.numel() for p in network.parameters())
        state = sum(t.numel() * t.element_size() for t in network.state_dict().values())
        rows.append(
            (
                f"`{name}`",
                form.task if form else "part of matting",
                f"{parameters / 1e6:.2f}",
                f"{size[0]}×{size[1]}",
                f"{counter.get_total_flops() / 2e9:.2f}",
                f"{state / 1e6:.1f}",
                "torch, mindspore" if "family" in taken else "one",
            )
        )
    head = (
        "Network",
        "Task",
        "M parameters",
        "Published input",
        "G multiply-adds",
        "MB",
        "Families",
    )
    return f"""# Networks

`figureground.networks.build(NAME, **arguments)`. *M parameters*: all that are trained, auxiliary heads and
classifiers (one class for the OSNets, 21 for the RefineNets) among them. *G multiply-adds*: of one
picture at the published input, convolutions and matrix products. *MB*: of float32 weights and statistics.
*Families*: operator families, an argument; a checkpoint runs right only in its own. Each network equals the
original implementation within 1e-4 on the same weights (`pytest tests/test_networks.py`).

{table(head, rows)}
This page is written by `make docs`.
"""


def models_page() -> str:
    rows = []
    for name in hub.names():
        card = hub.card(name)
        figures = (
            "; ".join(f"{key} {value}" for key, value in card.figures.items()) or "none stated"
        )
        terms = card.licences
        rows.append(
            (
                f"`{name}`",
                card.task,
                f"`{card.network['name']}`",
                terms.get("weights", "unknown"),
                terms.get("data", "unknown"),
                terms.get("commercial", "unknown"),
                figures,
            )
        )
    head = ("Model", "Task", "Network", "Weights' licence", "Data", "Commercial use", "Figures")
    return f"""# Models

`figureground.load(NAME)`, `figureground models info NAME`. Those with a / in their name are published by
others: pulled when first used, checked by the hash on their card, never measured by us, since their
addresses could not be reached where this was written. The MindSpore ones are converted once, which
needs `[train]`; each also answers to its other ids, such as `mindspore/1.9/u2net_dutstr`.

{table(head, rows)}
This page is written by `make docs`.
"""


PAGES = {"networks.md": networks_page, "models.md": models_page}

if __name__ == "__main__":
    for file, page in PAGES.items():
        (FOLDER / file).write_text(page(), encoding="utf-8")

"""The curves of a run folder: what the CSV logger left of its losses and figures, as charts."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from figureground.evaluation.chart import Chart, image
from figureground.imaging.write import encode, write

Rows = list[dict[str, float]]  # by column; each has "step"


def charts(run: Path) -> list[Chart]:
    """Losses; figures of the validation between 0 and 1; each other figure of it. [] where nothing is."""
    rows = _rows(run)
    names = dict.fromkeys(name for row in rows for name in row if name not in ("step", "epoch"))
    lines = {
        name: (
            [row["step"] for row in rows if name in row],
            [row[name] for row in rows if name in row],
        )
        for name in names
    }
    losses = {name: line for name, line in lines.items() if not name.startswith("val/")}
    figures = {
        name.removeprefix("val/"): line for name, line in lines.items() if name.startswith("val/")
    }
    shares = {name: line for name, line in figures.items() if all(0 <= y <= 1 for y in line[1])}
    found = [Chart("Learning", "step", "", losses)] if losses else []
    found += [Chart("Validation", "step", "", shares)] if shares else []
    return found + [
        Chart(f"Validation: {name}", "step", "", {name: line})
        for name, line in figures.items()
        if name not in shares
    ]


def save(run: Path) -> None:
    """Writes RUN/curves.png, if there are any."""
    if (page := draw(run)) is not None:
        write(run / "curves.png", encode(np.asarray(page)))


def draw(run: Path) -> Image.Image | None:
    """The charts below each other; None where there are none."""
    drawn = [image(chart) for chart in charts(run)]
    if not drawn:
        return None
    page = Image.new("RGB", (drawn[0].width, sum(part.height for part in drawn)), "white")
    y = 0
    for part in drawn:
        page.paste(part, (0, y))
        y += part.height
    return page


def _rows(run: Path) -> Rows:
    """Of all files that the run left, one for each time it was gone on with: a later one replaces what an
    earlier one says of the steps from its first on."""
    rows: Rows = []
    files = run.glob("curves/version_*/metrics.csv")
    for file in sorted(files, key=lambda file: int(file.parent.name.removeprefix("version_"))):
        with file.open(newline="", encoding="utf-8") as text:
            new = [
                {name: float(value) for name, value in row.items() if value}
                for row in csv.DictReader(text)
            ]
        if new:
            rows = [row for row in rows if row["step"] < new[0]["step"]] + new
    return rows

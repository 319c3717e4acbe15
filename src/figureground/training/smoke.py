"""A recipe made small: a minute on a CPU, on drawn pictures, to see that all of it runs."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from figureground.data.drawn import draw_nobody, draw_pairs, draw_sightings
from figureground.errors import RecipeError
from figureground.recipes import Values
from figureground.training import system

MOST_DRAWN = 255  # classes that a mask of 8 bits holds
DRAWN = {
    "root",
    "name",
    "sets",
    "collection",
    "nobody",
    "scenes",
    "things",
    "also",
}  # what is drawn instead


def smoke(values: Values, folder: Path, given: Iterable[str] = ()) -> Values:
    """The recipe with data drawn into `folder`, pictures of 64 pixels and four steps; not its init.

    given: keys such as "data.batch_size", which keep their value, but for those that say where data are.
    """
    kept = {tuple(key.split(".")[:2]) for key in given}
    small = copy.deepcopy(values)
    small.pop("init", None)
    persons = values["system"] == "re-identification"
    classes = values["network"].get("num_classes", 21)
    if not persons and not (isinstance(classes, int) and 2 <= classes <= MOST_DRAWN):
        raise RecipeError(f"network.num_classes is {classes!r}; expected 2 up to {MOST_DRAWN}")
    if persons:
        draw_sightings(folder / "drawn")
    else:
        draw_pairs(folder / "drawn", classes)
    draw_nobody(folder)
    taken = inspect.signature(system(values)[1]).parameters
    input = small["data"].get("input") or asdict(taken["input"].default)
    if not isinstance(input, dict):
        raise RecipeError(f"data.input is {input!r}; expected data.input.KEY=VALUE")
    width = 32 if persons else 64
    settings = {
        "root": str(folder / "drawn"),
        "name": "market1501" if persons else "pairs",
        "sets": ["."],
        "collection": str(folder),
        "nobody": ["no_people.txt"],
        "scenes": [],
        "things": [],
        "also": [],
        "val_split": "val",
        "val_share": 0.2,
        "sizes": [[64, 64]],
        "input": {**input, "width": width, "height": 64},
        "batch_size": 4,
        "steps_per_epoch": 2,
        "workers": 0,
    }
    for key, value in settings.items():
        if key in taken and (key in DRAWN or ("data", key) not in kept):
            small["data"][key] = value
    for key, value in {"max_steps": 4, "log_every": 2}.items():
        if ("loop", key) not in kept:
            small["loop"][key] = value
    return small

"""figureground train"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated


def train(
    recipe: Annotated[str, "name of a recipe that comes with the package, or a .yaml file"],
    overrides: Annotated[
        list[str], "section.key=value, e.g. data.root=FOLDER loop.max_steps=100"
    ] = [],  # noqa: B006
    *,
    run: Annotated[str, "folder for weights, checkpoints and curves (default: runs/RECIPE)"] = "",
) -> None:
    """Train a network by a recipe.

    A run folder that already holds a run by the same recipe is continued where it stopped.
    """
    import torch
    import yaml

    from figureground import recipes
    from figureground.errors import RecipeError
    from figureground.training.fit import fit, load_weights
    from figureground.training.run import build_network
    from figureground.training.segmentation import SegmentationData, SegmentationTask

    values = recipes.load(recipe, overrides)
    unknown = set(values) - recipes.SECTIONS
    if unknown:
        raise RecipeError(f"unknown recipe sections: {', '.join(sorted(unknown))}")
    torch.manual_seed(values.get("seed", 0))
    network = build_network(values)
    sections = {name: values.get(name) or {} for name in ("data", "task", "loop")}
    task = recipes.arguments(SegmentationTask, sections["task"], "task", given=["network"])
    loop = recipes.arguments(fit, sections["loop"], "loop", given=["task", "data", "run"])
    data = SegmentationData(**recipes.arguments(SegmentationData, sections["data"], "data"))
    if values.get("init"):
        load_weights(network, Path(values["init"]))

    folder = Path(run or f"runs/{recipe.removesuffix('.yaml')}")
    kept = folder / "recipe.yaml"
    if kept.exists() and yaml.safe_load(kept.read_text()) != values:
        raise RecipeError(
            f"{folder} holds a run by another recipe (see {kept}); choose another --run FOLDER"
        )
    os.makedirs(folder, exist_ok=True)
    kept.write_text(yaml.safe_dump(values, sort_keys=False))
    print(f"training in {folder}")
    best = fit(SegmentationTask(network, **task), data, folder, **loop)
    print(f"best weights: {best}")

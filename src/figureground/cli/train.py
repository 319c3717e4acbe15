"""figureground train"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Any


def train(
    recipe: Annotated[str, "name of a recipe that comes with the package, or a .yaml file"],
    overrides: Annotated[
        list[str], "section.key=value, e.g. data.root=FOLDER loop.max_steps=100"
    ] = [],  # noqa: B006
    *,
    run: Annotated[str, "folder for weights, checkpoints and curves (default: runs/RECIPE)"] = "",
    smoke: Annotated[
        bool, "a minute on drawn pictures, to see that it runs; kept only with --run"
    ] = False,
    overfit: Annotated[int, "only see whether so many batches, such as 1, are learnt by heart"] = 0,
) -> int:
    """Train a network by a recipe.

    A run folder that already holds a run by the same recipe is continued where it stopped.
    init=MODEL starts from a card, a checkpoint of any framework, or another run's best.safetensors.
    --overfit 1 keeps nothing, and exits with status 1 if the loss of one batch did not fall to half.
    """
    from figureground import recipes

    values = recipes.load(recipe, overrides)
    if overfit:
        return _overfit(values, overfit, smoke)
    if not smoke:
        name = Path(recipe).stem if recipe.endswith(".yaml") else recipe
        return _learn(values, Path(run or f"runs/{name}"))
    from figureground.training import smoke as small

    with tempfile.TemporaryDirectory(prefix="figureground-") as folder:
        return _learn(small.smoke(values, Path(folder)), Path(run or f"{folder}/run"))


def _overfit(values: dict[str, Any], batches: int, smoke: bool) -> int:
    from figureground.training import smoke as small
    from figureground.training.overfit import overfit

    with tempfile.TemporaryDirectory(prefix="figureground-") as folder:
        values = small.smoke(values, Path(folder)) if smoke else values
        return 0 if overfit(values, batches) else 1


def _learn(values: dict[str, Any], folder: Path) -> int:
    import json

    import torch
    import yaml

    from figureground import recipes
    from figureground.errors import RecipeError
    from figureground.imaging.write import write
    from figureground.training import system
    from figureground.training.fit import fit
    from figureground.training.run import CLASSES, build_network
    from figureground.training.start import start_from

    Task, Data = system(values)
    torch.manual_seed(values.get("seed", 0))
    network = build_network(values)
    task = recipes.arguments(Task, values["task"], "task", given=["network"])
    loop = recipes.arguments(fit, values["loop"], "loop", given=["task", "data", "run"])
    data = Data(**recipes.arguments(Data, values["data"], "data"))
    lesson = Task(network, **task)

    kept = folder / "recipe.yaml"
    going_on = (folder / "last.ckpt").exists()
    if going_on and _essence(recipes.load(str(kept))) != _essence(values):
        raise RecipeError(
            f"{folder} holds a run by another recipe (see {kept}); choose another --run FOLDER, or "
            f"start from its weights with init={folder / 'best.safetensors'}"
        )
    if values.get("init") and not going_on:
        print(f"starting from {start_from(network, values['network']['name'], values['init'])}")
    write(kept, yaml.safe_dump(values, sort_keys=False).encode())
    if classes := getattr(data, "classes", ()):
        write(folder / CLASSES, json.dumps(classes, ensure_ascii=False).encode())
    print(f"{'going on' if going_on else 'training'} in {folder}", flush=True)
    try:
        best = fit(lesson, data, folder, **loop)
    except SystemExit:  # what Lightning makes of Ctrl-C
        print("stopped; the same command goes on from the last whole epoch")
        return 130
    print(f"best weights: {best}")
    return 0


def _essence(values: dict[str, Any]) -> dict[str, Any]:
    """What makes a run the same run: all but where it runs, where its data lie, and how long."""
    machine = {
        "data": ("root", "collection", "workers"),
        "loop": ("threads", "device", "precision", "log_every", "pictures_every", "max_steps"),
    }
    return {
        section: {k: v for k, v in content.items() if k not in machine.get(section, ())}
        if isinstance(content, dict)
        else content
        for section, content in values.items()
    }

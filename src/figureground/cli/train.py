"""figureground train"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any


def train(
    recipe: Annotated[
        str,
        "name of a recipe that comes with the package, or a .yaml file; all: each, with --smoke",
    ],
    overrides: Annotated[
        list[str], "section.key=value, e.g. data.root=FOLDER loop.max_steps=100"
    ] = [],  # noqa: B006
    *,
    run: Annotated[str, "folder for weights, checkpoints and curves (default: runs/RECIPE)"] = "",
    smoke: Annotated[
        bool,
        "a minute on drawn, small pictures, without init, to see that it runs; kept only with --run",
    ] = False,
    overfit: Annotated[int, "only see whether so many batches, such as 1, are learnt by heart"] = 0,
) -> int:
    """Train a network by a recipe.

    A run folder that already holds a run by the same recipe is continued where it stopped.
    init=MODEL starts from a card, a checkpoint of any framework, or another run's best.safetensors.
    --overfit 1 keeps nothing, and exits with status 1 if the loss of one batch did not fall to half.
    """
    from figureground import recipes
    from figureground.training.launch import launch, launched, said_once

    if recipe == "all" and smoke and not run:
        return _smoke_all(overrides)
    values = recipes.load(recipe, overrides)
    given = [override.partition("=")[0] for override in overrides]
    if overfit:
        return _overfit(values, overfit, smoke, given)
    devices, nodes = (values["loop"].get(name, 1) for name in ("devices", "nodes"))
    several = all(isinstance(n, int) and n > 0 for n in (devices, nodes)) and devices * nodes > 1
    if several and not launched():
        options = [*(["--run", run] if run else []), *(["--smoke"] if smoke else [])]
        return launch(["train", recipe, *overrides, *options], devices, nodes)
    with said_once():
        return _alone(values, recipe, run, smoke, given)


def _alone(values: dict[str, Any], recipe: str, run: str, smoke: bool, given: list[str]) -> int:
    """The training, or this process's part of it."""
    if not smoke:
        name = Path(recipe).stem if recipe.endswith(".yaml") else recipe
        return _learn(values, Path(run or f"runs/{name}"))
    from figureground.training import smoke as small

    with tempfile.TemporaryDirectory(prefix="figureground-") as folder:
        return _learn(small.smoke(values, Path(folder), given), Path(run or f"{folder}/run"))


def _smoke_all(overrides: list[str]) -> int:
    """Every recipe in turn; what fails is said, and the rest goes on."""
    import time

    from figureground import recipes
    from figureground.errors import FiguregroundError

    failed = []
    for name in recipes.names():
        started = time.monotonic()
        print(f"{name}:", flush=True)
        try:
            status = train(name, overrides, smoke=True)
        except FiguregroundError as error:
            print(f"figureground: {error}", file=sys.stderr)
            status = 1
        if status == 130:
            return status
        failed += [name] if status else []
        print(f"{name}: {'failed' if status else 'ran'}, {time.monotonic() - started:.0f} s\n")
    print(f"{len(recipes.names()) - len(failed)} of {len(recipes.names())} recipes ran", end="")
    print(f"; failed: {', '.join(failed)}" if failed else "")
    return int(bool(failed))


def _overfit(values: dict[str, Any], batches: int, smoke: bool, given: list[str]) -> int:
    from figureground.training import smoke as small
    from figureground.training.overfit import overfit

    with tempfile.TemporaryDirectory(prefix="figureground-") as folder:
        values = small.smoke(values, Path(folder), given) if smoke else values
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
    from figureground.training.launch import is_first
    from figureground.training.run import CLASSES, build_network
    from figureground.training.start import start_from

    Task, Data = system(values)
    for key, seed in (
        ("seed", values.get("seed", 0)),
        ("data.seed", values["data"].get("seed", 0)),
    ):
        if not isinstance(seed, int) or not 0 <= seed < 2**63:
            raise RecipeError(f"{key} is {seed}; expected a whole number from 0 to 2**63 - 1")
    torch.manual_seed(values.get("seed", 0))
    network = build_network(values)
    task = recipes.arguments(Task, values["task"], "task", given=["network"])
    loop = recipes.arguments(fit, values["loop"], "loop", given=["task", "data", "run", "begun"])
    data = Data(**recipes.arguments(Data, values["data"], "data"))
    lesson = Task(network, **task)

    kept = folder / "recipe.yaml"
    going_on = (folder / "last.ckpt").exists()
    holds = going_on or ((folder / "best.safetensors").exists() and kept.exists())
    if holds and _essence(recipes.load(str(kept))) != _essence(values):
        raise RecipeError(
            f"{folder} holds a run by another recipe (see {kept}); choose another --run FOLDER, or "
            f"start from its weights with init={folder / 'best.safetensors'}"
        )
    if is_first() and folder.is_dir() and any(folder.iterdir()) and not kept.exists():
        raise RecipeError(f"{folder} is not empty and holds no run; choose another --run FOLDER")
    say = print if is_first() else lambda *_, **__: None
    if values.get("init") and not going_on:
        name, init = values["network"]["name"], values["init"]
        say(f"starting from {start_from(network, name, init, data.samples)}")

    def begun() -> None:
        if is_first():
            write(kept, yaml.safe_dump(values, sort_keys=False).encode())
            if classes := getattr(data, "classes", ()):
                write(folder / CLASSES, json.dumps(classes, ensure_ascii=False).encode())
        say(f"{'going on' if going_on else 'training'} in {folder}", flush=True)

    try:
        best = fit(lesson, data, folder, begun=begun, **loop)
    except SystemExit:  # what Lightning makes of Ctrl-C
        say("stopped; the same command goes on from the last whole epoch")
        return 130
    say(f"best weights: {best}")
    return 0


def _essence(values: dict[str, Any]) -> dict[str, Any]:
    """What makes a run the same run: all but where it runs, where its data lie, and how long."""
    machine = {
        "data": ("root", "collection", "workers"),
        "loop": (
            *("threads", "device", "precision", "log_every", "pictures_every", "max_steps"),
            *("accumulate", "devices", "nodes", "shard", "sync_batchnorm", "unreadable"),
        ),
    }
    return {
        section: {k: v for k, v in content.items() if k not in machine.get(section, ())}
        if isinstance(content, dict)
        else content
        for section, content in values.items()
    }

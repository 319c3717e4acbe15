"""Steps of our loop beside the plainest PyTorch loop: each system's network, loss, optimizer and tensors.

python benchmarks/train.py [RECIPE ...]    (OMP_NUM_THREADS=1; default: one recipe of each system)

CPU time of a step, forward, backward and AdamW, the fastest of several; the two loops take turns, both with
batches from a DataLoader. Ours is figureground.training.fit as the recipes use it, but without averaged
weights and clipping, which the plain loop lacks. Above 1: ours is faster (it keeps channels last).
"""

import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from figureground import recipes
from figureground.losses.cross_entropy import cross_entropy
from figureground.losses.pp_humanseg import pp_humanseg_loss
from figureground.losses.shm import shm_loss
from figureground.losses.u2net import u2net_loss
from figureground.networks.pp_humansegv2_lite import resize
from figureground.training import system
from figureground.training.fit import fit
from figureground.training.run import build_network
from figureground.training.smoke import smoke

ROUNDS, STEPS = 3, 5  # the first step of a round is left out
SIZES = {  # width, height and batch
    "u2netp/saliency": (288, 288, 2),
    "pp-humanseg-lite/people": (192, 192, 8),
    "shm/people": (256, 256, 2),
    "refinenet-mobile/parts": (320, 320, 2),
    "osnet-x0.25/cuhk": (128, 256, 16),
}


def loss_of(recipe: str, network: nn.Module, x: Tensor, *y: Tensor) -> Tensor:
    if recipe.startswith("u2net"):
        return u2net_loss(network(x), y[0])
    if recipe.startswith("pp-humanseg"):
        return pp_humanseg_loss(network(x), y[0], 0.8, 0.2, 4)
    if recipe.startswith("shm"):
        return shm_loss(*network(x), y[1], y[0][:, None], x, 0.2)
    if recipe.startswith("osnet"):
        return F.cross_entropy(network(x)[0], y[0], label_smoothing=0.1)
    return cross_entropy(resize(network(x), y[0].shape[1:]), y[0])


class Fixed(Dataset[Any]):
    """A few samples of a recipe, made beforehand, over and over."""

    def __init__(self, samples: Any, count: int) -> None:
        self.made = [samples[k] for k in range(count)]
        self.count = 0
        self.persons = getattr(samples, "persons", ())

    def __getitem__(self, k: int) -> Any:
        return self.made[k % len(self.made)]

    def __len__(self) -> int:
        return len(self.made) * STEPS


def plain(recipe: str, network: nn.Module, samples: Fixed, batch_size: int) -> list[float]:
    optimizer = torch.optim.AdamW(network.parameters(), 1e-4)
    network.train()
    stamps = []
    for batch in DataLoader(samples, batch_size):
        stamps.append(time.process_time())
        loss = loss_of(recipe, network, *batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return stamps


def ours(task: Any, data: Any, run: Path, **loop: Any) -> list[float]:
    stamps = []
    start: Callable[..., None] = task.on_train_batch_start

    def stamped(*arguments: Any) -> None:
        stamps.append(time.process_time())
        start(*arguments)

    task.on_train_batch_start = stamped
    with contextlib.redirect_stdout(io.StringIO()):
        fit(task, data, run, STEPS, ema=0, gradient_clip=0, device="cpu", **loop)
    return stamps


def milliseconds(stamps: list[float]) -> float:
    return 1000 * min(after - before for before, after in pairwise(stamps[1:]))


def measure(recipe: str) -> tuple[float, float]:
    """CPU milliseconds of a step of the plain loop and of ours."""
    width, height, batch = SIZES[recipe]
    found: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            values = smoke(recipes.load(recipe), Path(folder))
            values["data"] |= {"batch_size": batch, "steps_per_epoch": STEPS}
            values["data"]["input"] |= {"width": width, "height": height}
            if "sizes" in values["data"]:
                values["data"]["sizes"] = [[width, height]]
            Task, Data = system(values)
            data = Data(**recipes.arguments(Data, values["data"], "data"))
            data.samples = Fixed(data.samples, batch)
            given = recipes.arguments(Task, values["task"], "task", ["network"])
            task, network = Task(build_network(values), **given), build_network(values)
            if hasattr(network, "sigmoid"):
                network.sigmoid = False
            slow = milliseconds(plain(recipe, network, data.samples, batch))
            found.append((slow, milliseconds(ours(task, data, Path(folder) / "run"))))
    return min(a for a, _ in found), min(b for _, b in found)


def main() -> None:
    print("| Recipe | Batch | Plain loop, CPU ms | Ours, CPU ms | Ratio |\n|---|---|---|---|---|")
    for recipe in sys.argv[1:] or SIZES:
        slow, fast = measure(recipe)
        width, height, batch = SIZES[recipe]
        print(
            f"| `{recipe}` | {batch} × {width}×{height} | {slow:.0f} | {fast:.0f} | {slow / fast:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()

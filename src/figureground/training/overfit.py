"""The first test of a training: can it learn one batch by heart? If not, it will learn nothing else."""

from __future__ import annotations

import inspect
import itertools
import logging
import math
import warnings
from collections.abc import Iterator
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch.utils.data import DataLoader

from figureground import recipes
from figureground.errors import RecipeError
from figureground.training import system
from figureground.training.fit import fit
from figureground.training.run import build_network
from figureground.training.start import start_from

STEPS = 200
ENOUGH = 0.5  # of the first loss; label smoothing and soft edges keep it from 0


class Again:
    """The same batches over and over; Lightning would take a list for several loaders."""

    def __init__(self, batches: list[Any]) -> None:
        self.batches = batches

    def __iter__(self) -> Iterator[Any]:
        return itertools.islice(itertools.cycle(self.batches), STEPS * len(self.batches))

    def __len__(self) -> int:
        return STEPS * len(self.batches)


class Fallen(Callback):
    """Ends the training once the losses of a pass over the batches are well below those of the first."""

    def __init__(self, batches: int, every: int) -> None:
        self.batches = batches
        self.every = every
        self.losses: list[float] = []

    def first(self) -> float:
        return sum(self.losses[: self.batches]) / self.batches

    def last(self) -> float:
        return sum(self.losses[-self.batches :]) / self.batches

    def enough(self) -> bool:
        return len(self.losses) >= 2 * self.batches and self.last() < ENOUGH * self.first()

    def on_train_batch_end(
        self, trainer: pl.Trainer, task: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        self.losses.append(float(outputs["loss"]))
        if not math.isfinite(self.losses[-1]):
            raise RecipeError(
                f"the loss is {self.losses[-1]} at step {len(self.losses)}: lower task.learning_rate"
            )
        if len(self.losses) % self.every == 0:
            print(f"step {len(self.losses)}: loss {self.losses[-1]:.4f}", flush=True)
        trainer.should_stop = self.enough()


def overfit(values: recipes.Values, batches: int) -> bool:
    """Learns the first so many batches of a recipe over and over, without the slow start, up to 200 times
    each; says how far the loss fell, and whether that is enough: below half of what it was.

    Nothing is written. Raises RecipeError when the recipe cannot be learnt.
    """
    if batches < 1:
        raise RecipeError(f"--overfit is {batches}; expected the number of batches, 1 or more")
    Task, Data = system(values)
    taken = inspect.signature(Task).parameters
    slow = {key: 0 for key in ("warmup_steps", "classifier_only_steps") if key in taken}
    loop = recipes.arguments(fit, values["loop"], "loop", given=["task", "data", "run"])
    torch.manual_seed(values.get("seed", 0))
    network = build_network(values)
    data = Data(**recipes.arguments(Data, values["data"], "data"))
    task = Task(
        network, **recipes.arguments(Task, values["task"] | slow, "task", given=["network"])
    )
    if values.get("init"):
        name, init = values["network"]["name"], values["init"]
        print(f"starting from {start_from(network, name, init, data.samples)}")
    fallen = Fallen(batches, loop["log_every"])
    first = range(batches * data.batch_size)
    again = lambda: Again([*DataLoader(data.samples, data.batch_size, sampler=first)])  # noqa: E731
    setattr(data, "train_dataloader", again)  # noqa: B010 - as mypy has it, a method stays
    torch.set_num_threads(loop["threads"])
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Lightning, on what is left out here on purpose
        trainer = pl.Trainer(
            accelerator="gpu" if loop["device"] == "cuda" else loop["device"],
            devices=1,
            max_steps=STEPS * batches,
            gradient_clip_val=loop["gradient_clip"] or None,
            callbacks=[fallen],
            limit_val_batches=0,
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
        )
        trainer.fit(task, data)
    fell = f"in {len(fallen.losses)} steps the loss went from {fallen.first():.4f} to {fallen.last():.4f}"
    if fallen.enough():
        print(f"{fell}: by heart")
        return True
    print(
        f"{fell}, which is not below half: this would not learn. Look at the data (figureground check), "
        "at task.learning_rate, and at what is frozen"
    )
    return False

"""What ends a training before its time, and what is said then."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from torch import Tensor, nn

from figureground.data import IGNORE
from figureground.errors import DataError, FiguregroundError, RecipeError, TrainingError
from figureground.imaging.write import write
from figureground.training.devices import learnt_now

SURE = 100  # batches of one value before one is sure that the truths hold nothing else


class StopOnNaN(Callback):
    """Ends the training before a loss that is no number reaches the weights, and names the batch's files;
    or before weights whose answers are no numbers replace those of the epoch before."""

    def __init__(self, run: Path | None = None) -> None:
        self.run = run
        self.index = 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, task: pl.LightningModule, batch: Any, index: int
    ) -> None:
        self.index = index

    def on_before_backward(
        self, trainer: pl.Trainer, task: pl.LightningModule, loss: Tensor
    ) -> None:
        if loss.isfinite():
            return
        raise RecipeError(
            f"the loss is {loss.item()} at step {trainer.global_step}: lower task.learning_rate"
            f"{self._seen(trainer)}; the weights of the last epoch are kept"
        )

    def _seen(self, trainer: pl.Trainer) -> str:
        """What the batch was made of; with a run folder alone."""
        if self.run is None:
            return ""
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        numbers = learnt_now(trainer, data, self.index)
        files = [str(file) for k in numbers for file in data.samples.files(k)]
        listing = self.run / "not_a_number.txt"
        write(listing, "".join(f"{file}\n" for file in files).encode())
        return (
            f", or look at the {len(files)} files of samples {numbers[0]} to {numbers[-1]}: "
            f"{', '.join(files[:3])}{', …' * (len(files) > 3)} ({listing})"
        )

    def on_validation_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        network: nn.Module = task.network  # type: ignore[assignment]

        def look(network: nn.Module, asked: Any, answer: Any) -> None:
            answers = (answer,) if isinstance(answer, Tensor) else answer
            if not all(one.isfinite().all() for one in answers):
                raise RecipeError(
                    f"after step {trainer.global_step} the network answers what is no number: lower "
                    "task.learning_rate; the weights of the epoch before are kept"
                )

        self.watch = network.register_forward_hook(look)

    def on_validation_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        self.watch.remove()


class StopOnOneClass(Callback):
    """Ends a training whose truths are all of one value in its first epoch: there is nothing to learn."""

    def __init__(self) -> None:
        self.low, self.high, self.batches = math.inf, -math.inf, 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, task: pl.LightningModule, batch: Any, index: int
    ) -> None:
        if self.low < self.high:
            return
        truth = batch[1]
        if not truth.is_floating_point():
            truth = truth[truth != IGNORE]
        if truth.numel():
            self.low = min(self.low, float(truth.min()))
            self.high = max(self.high, float(truth.max()))
        self.batches += 1
        if self.batches == SURE:
            self.on_validation_start(trainer, task)

    def on_validation_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        if self.batches and not self.low < self.high:
            held = "nothing labelled" if self.low > self.high else f"{self.low:g} and nothing else"
            raise DataError(
                f"the truths of the first {self.batches} batches hold {held}: there are no two classes to "
                "tell apart; `figureground check RECIPE data.root=FOLDER` shows what is in the folder"
            )


class StopWithLauncher(Callback):
    """Ends a process whose launcher is gone, lest it writes into a run that was started again."""

    def __init__(self) -> None:
        self.launcher = os.getppid()

    def on_train_batch_start(
        self, trainer: pl.Trainer, task: pl.LightningModule, batch: Any, index: int
    ) -> None:
        if trainer.world_size > 1 and os.getppid() != self.launcher:
            raise TrainingError("the launcher of this process is gone; start the training again")


def explained(error: Exception, run: Path) -> FiguregroundError | None:
    """What an error of torch means for the person at the keyboard; None where it is a defect of ours.

    An error raised in a data worker comes with that process's traceback, which is left out.
    """
    text = str(error)
    if isinstance(error, FiguregroundError):
        return type(error)(re.split(rf"\b{type(error).__name__}: ", text)[-1].strip())
    kept = f"the same command goes on from the last whole epoch ({run / 'last.ckpt'})"
    if isinstance(error, torch.OutOfMemoryError):
        return TrainingError(
            "a batch does not fit into the device's memory: give loop.accumulate=2, or more, to learn "
            f"from it in parts, or a smaller data.batch_size; {kept}"
        )
    if "more than 1 value per channel" in text:
        return RecipeError(
            "a batch norm has a single value to learn from, a share of data.batch_size being one picture; "
            "give a data.batch_size of 2 or more for each of loop.devices × loop.nodes × loop.accumulate"
        )
    if "DataLoader worker" in text:
        return TrainingError(
            f"a data worker ended ({text.splitlines()[0]}), perhaps for want of memory: give fewer "
            f"data.workers; {kept}"
        )
    lost = ("gloo", "Connection closed", "Connection reset", "NCCL", "TCPStore", "store->")
    if isinstance(error, torch.distributed.DistError) or any(word in text for word in lost):
        return TrainingError(
            f"the connection to another process of this training is lost: it ended, or was killed; {kept}"
        )
    return None

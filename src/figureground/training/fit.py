"""The loop: Lightning's, with averaged weights, safetensors, exact resume and CSV curves."""

from __future__ import annotations

import contextlib
import datetime
import logging
import math
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, ModelCheckpoint, WeightAveraging
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from safetensors.torch import load_file, save_file
from torch import Tensor

from figureground.errors import RecipeError
from figureground.training import curves
from figureground.training.leaves import Pictures


def save_weights(network: torch.nn.Module, path: Path, metadata: dict[str, str]) -> None:
    """Writes the network's tensors as safetensors; the file appears whole or not at all."""
    tensors = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    part = path.with_name(path.name + ".part")
    save_file(tensors, part, metadata)
    os.replace(part, path)


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Loads every tensor of a file written by `save_weights`.

    Raises RecipeError when the file is missing, is not safetensors, or is of another network.
    """
    try:
        network.load_state_dict(load_file(path.expanduser()))
    except FileNotFoundError:
        raise RecipeError(f"there are no weights at {path}") from None
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"the weights {path} do not fit this network: {reason}") from None


def moving_average(decay: float) -> Callable[[Tensor, Tensor, int | Tensor], Tensor]:
    """Exponential moving average whose decay grows as (1 + n) / (10 + n) at update n up to `decay`, so
    that the first thousand steps do not average over the random start."""

    def average(mean: Tensor, current: Tensor, updates: int | Tensor) -> Tensor:
        share = min(decay, (1 + float(updates)) / (10 + float(updates)))
        return mean * share + current * (1 - share)

    return average


class StopOnNaN(Callback):
    """Ends the training before a loss that is no number reaches the weights."""

    def on_before_backward(
        self, trainer: pl.Trainer, task: pl.LightningModule, loss: Tensor
    ) -> None:
        if not loss.isfinite():
            raise RecipeError(
                f"the loss is {loss.item()} at step {trainer.global_step}: lower task.learning_rate; the "
                "weights of the last epoch are kept"
            )


class KeepBest(Callback):
    """After each validation, while the averaged weights are in place: figures, last and best weights."""

    def __init__(self, run: Path, monitor: str, smaller: bool) -> None:
        self.run = run
        self.monitor = monitor
        self.sign = -1.0 if smaller else 1.0
        self.best = -math.inf  # times sign
        self.step = -1

    def on_validation_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        figures: dict[str, float] = task.metric.compute()  # type: ignore[operator, union-attr]
        self.step = trainer.global_step
        task.log_dict({f"val/{name}": value for name, value in figures.items()})
        shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        print(f"step {trainer.global_step}: {shown}", flush=True)
        metadata = {"step": str(trainer.global_step), self.monitor: f"{figures[self.monitor]:.5f}"}
        save_weights(task.network, self.run / "last.safetensors", metadata)  # type: ignore[arg-type]
        if self.sign * figures[self.monitor] > self.best:
            self.best = self.sign * figures[self.monitor]
            save_weights(task.network, self.run / "best.safetensors", metadata)  # type: ignore[arg-type]

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best, "step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best, self.step = state["best"], state["step"]


class Progress(Callback):
    """A bar with step, loss, pictures a second and time left: on a terminal in place, else line by line."""

    def __init__(self, every: int) -> None:
        self.every = every
        self.since: tuple[float, int] | None = None

    def on_train_batch_end(
        self, trainer: pl.Trainer, task: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        step = trainer.global_step
        if self.since is None or step % self.every:
            self.since = self.since or (time.monotonic(), step)
            return
        seconds = (time.monotonic() - self.since[0]) / max(step - self.since[1], 1)
        left = datetime.timedelta(seconds=round((trainer.max_steps - step) * seconds))
        done = 20 * step // trainer.max_steps
        print(
            f"[{'#' * done}{'.' * (20 - done)}] step {step}/{trainer.max_steps}  "
            f"loss {float(outputs['loss']):.3f}  {len(batch[0]) / seconds:.1f} pictures/s  {left} left ",
            end="\r" if sys.stdout.isatty() else "\n",
            flush=True,
        )
        self.since = time.monotonic(), step


def fit(
    task: pl.LightningModule,
    data: pl.LightningDataModule,
    run: Path,
    max_steps: int,
    monitor: str | None = None,
    ema: float = 0.999,
    gradient_clip: float = 1.0,
    precision: Literal["auto", "32-true", "16-mixed", "bf16-mixed"] = "auto",
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    threads: int = 1,
    log_every: int = 20,
    pictures_every: int = 1000,
) -> Path:
    """Trains until max_steps optimizer steps and returns the path of the best averaged weights.

    A run folder that holds last.ckpt is continued from its last finished epoch, exactly: the same
    weights as without the stop. monitor: the figure of the task's metric that is largest for the best
    weights, or smallest where the metric has it in `smaller` (None: the first of its `names`). ema: decay
    of the averaged weights per step, which are what is validated and saved (0 turns averaging off).
    gradient_clip: largest norm of the gradient (0: off). precision "auto": bfloat16 on CUDA, float32
    elsewhere. pictures_every: steps between pictures of what is validated, see leaves.Pictures (0: none).
    """
    if max_steps < 1 or pictures_every < 0 or threads < 1 or log_every < 1 or not 0 <= ema < 1:
        raise RecipeError(
            f"loop has max_steps {max_steps}, threads {threads}, log_every {log_every}, pictures_every "
            f"{pictures_every}, ema {ema}; expected at least 1, 1, 1, 0, and 0 up to below 1"
        )
    names: tuple[str, ...] = task.metric.names  # type: ignore[union-attr, assignment]
    monitor = monitor or names[0]
    if monitor not in names:
        raise RecipeError(f"loop.monitor is {monitor!r}; expected one of {', '.join(names)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise RecipeError("loop.device is cuda, but torch finds no CUDA device here")
    if device == "mps" and not torch.backends.mps.is_available():
        raise RecipeError("loop.device is mps, but torch finds no Apple GPU here")
    if precision == "16-mixed" and not torch.cuda.is_available():
        raise RecipeError("loop.precision is 16-mixed, which needs a CUDA device")
    torch.set_num_threads(threads)
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if precision == "auto":
        precision = "bf16-mixed" if cuda else "32-true"
    run.mkdir(parents=True, exist_ok=True)
    keep = KeepBest(run, monitor, monitor in getattr(task.metric, "smaller", ()))
    callbacks: list[Callback] = [StopOnNaN(), Progress(log_every), keep]
    callbacks.append(Pictures(run, pictures_every))
    if ema:
        callbacks.append(WeightAveraging(avg_fn=moving_average(ema)))
    callbacks.append(
        ModelCheckpoint(run, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    )
    loggers: list[Logger] = [CSVLogger(run, "curves")]
    with contextlib.suppress(ModuleNotFoundError):  # the CSV holds the same curves
        loggers.append(TensorBoardLogger(run, "tensorboard"))
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for known in ("many workers", "is not empty", "LeafSpec", "logging interval"):
            warnings.filterwarnings("ignore", f".*{known}.*")
        trainer = pl.Trainer(
            accelerator="gpu" if device == "cuda" else device,
            devices=1,
            precision=precision,
            max_steps=max_steps,
            max_epochs=-1,
            gradient_clip_val=gradient_clip or None,
            callbacks=callbacks,
            logger=loggers,
            log_every_n_steps=log_every,
            num_sanity_val_steps=0,
            enable_model_summary=False,
            enable_progress_bar=False,
            use_distributed_sampler=False,
        )
        last = run / "last.ckpt"
        trainer.fit(task, data, ckpt_path=last if last.exists() else None, weights_only=False)
        if keep.step != trainer.global_step:  # the last epoch was cut short by max_steps
            trainer.validate(task, data, verbose=False)
    curves.save(run)
    return run / "best.safetensors"

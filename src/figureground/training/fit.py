"""The loop: Lightning's, with averaged weights, safetensors, exact resume and CSV curves."""

from __future__ import annotations

import contextlib
import datetime
import logging
import math
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
from torch import Tensor

from figureground.data.skipped import Skipped
from figureground.errors import FiguregroundError, RecipeError, TrainingError
from figureground.recipes import at_least, within
from figureground.training import curves
from figureground.training.devices import Alike, Chance, Lessons, check, figures_of_all, strategy
from figureground.training.launch import is_first
from figureground.training.leaves import Pictures
from figureground.training.saving import WholeFile, save_weights
from figureground.training.stop import StopOnNaN, StopOnOneClass, StopWithLauncher, explained

MOST_THREADS = 1024
# warnings of Lightning that are as they should be: samples, say, go by the step, wherever an epoch ended
KNOWN = (
    *("many workers", "is not empty", "dirpath has", "before the epoch ended"),
    *("LeafSpec", "logging interval", "sync_dist"),
)


def moving_average(decay: float) -> Callable[[list[Tensor], list[Tensor], int | Tensor], None]:
    """Exponential moving average, in place, whose decay grows as (1 + n) / (10 + n) at update n up to
    `decay`, so that the first thousand steps do not average over the random start. Counters are copied.

    All tensors in two calls and the decay on their device: asked one by one they cost a GPU as much time
    as a small network's step.
    """

    def average(means: list[Tensor], currents: list[Tensor], updates: int | Tensor) -> None:
        if not means[0].is_floating_point():
            for mean, current in zip(means, currents):
                mean.copy_(current)
            return
        done = torch.as_tensor(updates, dtype=means[0].dtype, device=means[0].device)
        share = ((1 + done) / (10 + done)).clamp(max=decay)
        torch._foreach_mul_(means, share)
        torch._foreach_add_(means, torch._foreach_mul(currents, 1 - share))

    return average


class KeepBest(Callback):
    """After each validation, while the averaged weights are in place: figures, last and best weights."""

    def __init__(self, run: Path, monitor: str, smaller: bool) -> None:
        self.run = run
        self.monitor = monitor
        self.sign = -1.0 if smaller else 1.0
        self.best = -math.inf  # times sign
        self.step = -1

    def on_validation_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        figures = figures_of_all(trainer, task.metric)
        self.step = trainer.global_step
        task.log_dict({f"val/{name}": value for name, value in figures.items()})
        shown = ", ".join(f"{name} {value:.4f}" for name, value in figures.items())
        if is_first():
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
        self.shown = 0

    def on_train_batch_start(
        self, trainer: pl.Trainer, task: pl.LightningModule, batch: Any, index: int
    ) -> None:
        # by which Lightning logs; after a resume it is one too many
        trainer.fit_loop.epoch_loop._batches_that_stepped = trainer.global_step

    def on_train_batch_end(
        self, trainer: pl.Trainer, task: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        step = trainer.global_step
        if self.since is None or step % self.every or step == self.shown or not is_first():
            self.since = self.since or (time.monotonic(), step)
            return
        seconds = (time.monotonic() - self.since[0]) / max(step - self.since[1], 1)
        left = datetime.timedelta(seconds=round((trainer.max_steps - step) * seconds))
        done = 20 * step // trainer.max_steps
        loss = float(outputs["loss"]) * trainer.accumulate_grad_batches
        pictures = trainer.datamodule.batch_size / seconds  # type: ignore[attr-defined]
        print(
            f"[{'#' * done}{'.' * (20 - done)}] step {step}/{trainer.max_steps}  "
            f"loss {loss:.3f}  {pictures:.1f} pictures/s  {left} left ",
            end="\r" if sys.stdout.isatty() else "\n",
            flush=True,
        )
        self.since, self.shown = (time.monotonic(), step), step


def fit(
    task: pl.LightningModule,
    data: Lessons,
    run: Path,
    max_steps: int,
    begun: Callable[[], None] | None = None,
    monitor: str | None = None,
    ema: float = 0.999,
    gradient_clip: float = 1.0,
    precision: Literal["auto", "32-true", "16-mixed", "bf16-mixed"] = "auto",
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    threads: int = 1,
    log_every: int = 20,
    pictures_every: int = 1000,
    accumulate: int = 1,
    devices: int = 1,
    nodes: int = 1,
    shard: bool = False,
    sync_batchnorm: bool = False,
    unreadable: Literal["skip", "stop"] = "skip",
) -> Path:
    """Trains until max_steps optimizer steps and returns the path of the best averaged weights.

    A run folder that holds last.ckpt is continued from its last finished epoch, exactly: the same
    weights as without the stop. monitor: the figure of the task's metric that is largest for the best
    weights, or smallest where the metric has it in `smaller` (None: the first of its `names`). ema: decay
    of the averaged weights per step, which are what is validated and saved (0 turns averaging off).
    gradient_clip: largest norm of the gradient (0: off). precision "auto": bfloat16 on CUDA, float32
    elsewhere. pictures_every: steps between pictures of what is validated, see leaves.Pictures (0: none).
    begun: called once all of this is found to be possible.
    unreadable: pictures that cannot be read are replaced by others and listed in the run's
    skipped.txt, or stop the training.

    data.batch_size is what a step learns from, however it is divided. accumulate: into so many parts one
    after the other. devices, nodes: among so many processes on each of so many machines (devices are GPUs,
    or processes of `threads` threads on the CPU). shard: each process holds a part of the network only.
    sync_batchnorm (CUDA): batch norms see the batch's share on all devices; without, each its own, and the
    first's running statistics are kept.
    """
    at_least(
        1,
        **{
            "loop.max_steps": max_steps,
            "loop.log_every": log_every,
            "loop.accumulate": accumulate,
            "loop.devices": devices,
            "loop.nodes": nodes,
        },
    )
    at_least(0, **{"loop.pictures_every": pictures_every})
    within(1, MOST_THREADS, **{"loop.threads": threads})
    if not 0 <= ema < 1 or not gradient_clip >= 0:
        raise RecipeError(
            f"loop has ema {ema} and gradient_clip {gradient_clip}; expected 0 up to below 1, and 0 or more"
        )
    names: tuple[str, ...] = task.metric.names  # type: ignore[union-attr, assignment]
    monitor = monitor or names[0]
    if monitor not in names:
        raise RecipeError(f"loop.monitor is {monitor!r}; expected one of {', '.join(names)}")
    if precision == "16-mixed" and not torch.cuda.is_available():
        raise RecipeError("loop.precision is 16-mixed, which needs a CUDA device")
    if shard and (ema or devices * nodes == 1):
        raise RecipeError(
            "loop.shard divides a network among several devices and keeps no averaged weights; give "
            "loop.devices=2 or more, and loop.ema=0"
        )
    cuda = check(data, device, devices, nodes, accumulate, sync_batchnorm)
    torch.set_num_threads(threads)
    if precision == "auto":
        precision = "bf16-mixed" if cuda else "32-true"
    if is_first() and 0 < data.samples.count < data.batch_size:
        print(
            f"data.batch_size is {data.batch_size}, more than the {data.samples.count} pictures to learn: "
            "some are in a batch twice"
        )
    run.mkdir(parents=True, exist_ok=True)
    skipped = Skipped(run / "skipped.txt")
    if unreadable == "skip":
        data.samples.skipped = skipped
    keep = KeepBest(run, monitor, monitor in getattr(task.metric, "smaller", ()))
    callbacks: list[Callback] = [StopWithLauncher(), StopOnNaN(run), StopOnOneClass()]
    callbacks += [Chance(), Progress(log_every), keep]
    callbacks.append(Pictures(run, pictures_every))
    if ema:
        callbacks.append(WeightAveraging(multi_avg_fn=moving_average(ema)))
    callbacks.append(Alike())
    callbacks.append(
        ModelCheckpoint(run, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    )
    loggers: list[Logger] = [CSVLogger(run, "curves")]
    with contextlib.suppress(ModuleNotFoundError):  # the CSV holds the same curves
        loggers.append(TensorBoardLogger(run, "tensorboard"))
    for name in ("pytorch_lightning", "lightning_fabric", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for known in KNOWN:
            warnings.filterwarnings("ignore", f".*{known}.*")
        trainer = pl.Trainer(
            accelerator="gpu" if device == "cuda" else device,
            devices=devices,
            num_nodes=nodes,
            strategy=strategy(task, devices, nodes, shard),
            sync_batchnorm=sync_batchnorm,
            plugins=[WholeFile()],
            accumulate_grad_batches=accumulate,
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
        try:
            start = last if last.exists() else None
            if begun is not None:
                begun()
            trainer.fit(task, data, ckpt_path=start, weights_only=False)  # type: ignore[arg-type]
            if keep.step != trainer.global_step:  # the last epoch was cut short by max_steps
                trainer.validate(task, data, verbose=False)  # type: ignore[arg-type]
        except (FiguregroundError, RuntimeError, ValueError) as error:
            if (meant := explained(error, run)) is None:
                raise
            raise meant from None
    if is_first():
        curves.save(run)
    if is_first() and (lines := skipped.lines()):
        print(f"skipped {len(lines)} pictures that cannot be read, listed in {skipped}")
    best = run / "best.safetensors"
    if is_first() and not best.exists():
        raise TrainingError(
            f"there is no {best}: it was taken away, or {monitor} never was a number; "
            f"{run / 'last.safetensors'} holds the last weights"
        )
    return best

"""The loop: Lightning's, with averaged weights, safetensors, exact resume and CSV curves."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback, EMAWeightAveraging, ModelCheckpoint
from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger
from safetensors.torch import load_file, save_file

from figureground.errors import RecipeError


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
        network.load_state_dict(load_file(path))
    except FileNotFoundError:
        raise RecipeError(f"there are no weights at {path}") from None
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise RecipeError(f"the weights {path} do not fit this network: {reason}") from None


class KeepBest(Callback):
    """After each validation, while the averaged weights are in place: figures, last and best weights."""

    def __init__(self, run: Path, monitor: str) -> None:
        self.run = run
        self.monitor = monitor
        self.best = -1.0

    def on_validation_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        figures: dict[str, float] = task.metric.compute()  # type: ignore[operator, union-attr]
        task.log_dict({f"val/{name}": value for name, value in figures.items()}, prog_bar=True)
        metadata = {"step": str(trainer.global_step), self.monitor: f"{figures[self.monitor]:.5f}"}
        save_weights(task.network, self.run / "last.safetensors", metadata)  # type: ignore[arg-type]
        if figures[self.monitor] > self.best:
            self.best = figures[self.monitor]
            save_weights(task.network, self.run / "best.safetensors", metadata)  # type: ignore[arg-type]

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]


def fit(
    task: pl.LightningModule,
    data: pl.LightningDataModule,
    run: Path,
    max_steps: int,
    monitor: str = "mean_iou",
    ema: float = 0.999,
    gradient_clip: float = 1.0,
    precision: Literal["auto", "32-true", "16-mixed", "bf16-mixed"] = "auto",
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    threads: int = 1,
    seed: int = 0,
    log_every: int = 20,
) -> Path:
    """Trains until max_steps optimizer steps and returns the path of the best averaged weights.

    A run folder that holds last.ckpt is continued from its last finished epoch, exactly: the same
    weights as without the stop. ema: decay of the averaged weights per step, which are what is
    validated and saved (0 turns averaging off). gradient_clip: largest norm of the gradient (0: off).
    precision "auto": bfloat16 on CUDA, float32 elsewhere.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise RecipeError("loop.device is cuda, but torch finds no CUDA device here")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    cuda = device == "cuda" or (device == "auto" and torch.cuda.is_available())
    if precision == "auto":
        precision = "bf16-mixed" if cuda else "32-true"
    run.mkdir(parents=True, exist_ok=True)
    callbacks: list[Callback] = [KeepBest(run, monitor)]
    if ema:
        callbacks.append(EMAWeightAveraging(decay=ema))
    callbacks.append(
        ModelCheckpoint(run, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    )
    loggers: list[Logger] = [CSVLogger(run, "", "curves")]
    with contextlib.suppress(ModuleNotFoundError):  # the CSV holds the same curves
        loggers.append(TensorBoardLogger(run, "", "tensorboard"))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*does not have many workers.*")
        warnings.filterwarnings("ignore", ".*exists and is not empty.*")
        trainer = pl.Trainer(
            accelerator="gpu" if device == "cuda" else device,
            devices=1,
            precision=precision,
            max_steps=max_steps,
            gradient_clip_val=gradient_clip or None,
            callbacks=callbacks,
            logger=loggers,
            log_every_n_steps=log_every,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        last = run / "last.ckpt"
        trainer.fit(task, data, ckpt_path=last if last.exists() else None, weights_only=False)
    return run / "best.safetensors"

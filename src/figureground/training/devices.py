"""One training on several devices: who learns from which samples, who validates what, and how it adds up.

batch_size is what one step learns from, however many share it: with gradients averaged over equal shares,
devices, nodes and accumulate change how long a step takes, not where it leads. But a batch norm sees its
own share (see fit.sync_batchnorm), triplets are sought within a share, and a loss that is a mean over
labelled pixels is so within a share.
"""

from __future__ import annotations

import os
from typing import Any, Protocol

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.strategies import DDPStrategy, ModelParallelStrategy, Strategy
from torch import nn
from torch.utils.data import DataLoader

from figureground.data.samples import Onward, share
from figureground.errors import RecipeError
from figureground.metrics import join
from figureground.training.launch import launched

MOST_WORKERS = 64  # on a machine of few cores


class Lessons(Protocol):
    """What the loop wants of a data module: samples by number, and what is validated.

    group: so many samples in a row belong together, such as pictures of one person.
    """

    trainer: Any
    samples: Any
    validation: Any
    batch_size: int
    group: int
    steps_per_epoch: int
    workers: int


def learning_batches(data: Lessons) -> DataLoader[Any]:
    """This process's shares of the next steps_per_epoch batches of samples that none has had before."""
    trainer: pl.Trainer = data.trainer
    parts, processes = trainer.accumulate_grad_batches, trainer.world_size
    sampler = Onward(
        data.steps_per_epoch,
        lambda: trainer.global_step,
        data.batch_size,
        parts,
        processes,
        trainer.global_rank,
    )
    return DataLoader(
        data.samples,
        data.batch_size // (parts * processes),
        sampler=sampler,
        num_workers=data.workers,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=data.workers > 0,
    )


def learnt_now(trainer: pl.Trainer, data: Lessons, index: int) -> range:
    """The numbers of the samples of batch `index` of this epoch, the trainer being at it."""
    parts = trainer.accumulate_grad_batches
    division = parts, trainer.world_size, trainer.global_rank
    return share(trainer.global_step, index % parts, data.batch_size, *division)


def validation_batches(data: Lessons, batch_size: int) -> DataLoader[Any]:
    """Every other batch, or one in so many as there are processes: none is dropped and none seen twice.

    A sharded network can only be asked by all processes at once: there each sees all.
    """
    trainer: pl.Trainer = data.trainer
    every = list(range(len(data.validation)))
    batches = [every[start : start + batch_size] for start in range(0, len(every), batch_size)]
    if not is_sharded(trainer):
        batches = batches[trainer.global_rank :: trainer.world_size]
    if not batches:
        raise RecipeError(
            f"there are too few pictures to validate, {len(every)}, for {trainer.world_size} processes; "
            "give fewer loop.devices or more pictures"
        )
    return DataLoader(data.validation, batch_sampler=batches)


def is_sharded(trainer: pl.Trainer) -> bool:
    """Whether each process holds a part of the network."""
    return isinstance(trainer.strategy, ModelParallelStrategy)


def figures_of_all(trainer: pl.Trainer, metric: Any) -> dict[str, float]:
    """The figures of what all processes have validated, exactly those that one alone would find."""
    if trainer.world_size == 1 or is_sharded(trainer):
        return metric.compute()
    metrics = [None] * trainer.world_size
    torch.distributed.all_gather_object(metrics, metric)
    return join(metrics).compute()  # type: ignore[attr-defined]


class Chance(Callback):
    """What a network draws while it learns, its dropout, follows from the numbers of the samples: so a run
    that was stopped goes on exactly, and no two processes draw the same."""

    def __init__(self) -> None:
        self.seed = torch.initial_seed()

    def on_train_batch_start(
        self, trainer: pl.Trainer, task: pl.LightningModule, batch: Any, index: int
    ) -> None:
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        torch.manual_seed((self.seed << 40) % 2**63 + learnt_now(trainer, data, index).start)


class Alike(Callback):
    """Before validation all processes have the batch norms' statistics of the first, whose are kept."""

    def on_validation_epoch_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        if trainer.world_size > 1:
            for buffer in task.buffers():
                torch.distributed.broadcast(buffer, 0)


def strategy(task: pl.LightningModule, devices: int, nodes: int, shard: bool) -> Strategy | str:
    """Lightning's way of working together: each process with the whole network, or with a part."""
    if shard:
        setattr(task, "configure_model", lambda: _shard(task))  # noqa: B010 - instead of four overrides
        return ModelParallelStrategy(devices * nodes, 1, save_distributed_checkpoint=False)
    if devices * nodes == 1:
        return "auto"
    # A task that lets parts of its network stand still for a while gives no gradient to them.
    idle = bool(getattr(task, "classifier_only_steps", 0))
    return DDPStrategy(find_unused_parameters=idle)


def _shard(task: pl.LightningModule) -> None:
    """Cuts the parameters of the network's parts among the processes (FSDP2, arXiv 2304.11277)."""
    from torch.distributed.fsdp import fully_shard

    network: nn.Module = task.network  # type: ignore[assignment]
    if any(hasattr(parameter, "full_tensor") for parameter in network.parameters()):
        return  # configure_model is called for fit and again for validate
    network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    mesh = task.device_mesh["data_parallel"]  # type: ignore[index]
    for part in network.children():
        for layer in part if isinstance(part, nn.ModuleList | nn.Sequential) else [part]:
            if any(True for _ in layer.parameters()):
                fully_shard(layer, mesh=mesh)
    fully_shard(network, mesh=mesh)


def check(
    data: Lessons, device: str, devices: int, nodes: int, accumulate: int, sync_batchnorm: bool
) -> bool:
    """Whether the devices are CUDA's; RecipeError when there are too few, a batch cannot be shared, or so
    many processes that read were asked for that the machine would do nothing else than start them."""
    most = max(MOST_WORKERS, 4 * (os.cpu_count() or 1))
    if data.workers > most:
        raise RecipeError(
            f"data.workers is {data.workers}; expected at most {most}, and as a rule one for each core"
        )
    found = torch.cuda.device_count()
    if device == "cuda" and not found:
        raise RecipeError("loop.device is cuda, but torch finds no CUDA device here")
    if device == "mps" and not torch.backends.mps.is_available():
        raise RecipeError("loop.device is mps, but torch finds no Apple GPU here")
    if device == "mps" and devices > 1:
        raise RecipeError(f"loop.devices is {devices}; one Apple GPU is all that can be used")
    cuda = device == "cuda" or (device == "auto" and found > 0)
    if cuda and devices > found:
        raise RecipeError(
            f"loop.devices is {devices}, but torch finds {found} CUDA devices; loop.device=cpu takes "
            "any number"
        )
    if sync_batchnorm and not cuda:
        raise RecipeError(
            "loop.sync_batchnorm needs CUDA: torch has it for nothing else; leave it out"
        )
    if launched() and launched() != devices * nodes:
        raise RecipeError(
            f"the launcher started {launched()} processes, but loop.devices is {devices} and loop.nodes "
            f"{nodes}; give loop.devices=PROCESSES_PER_MACHINE loop.nodes=MACHINES"
        )
    shares = devices * nodes * accumulate
    if data.batch_size % (shares * data.group):
        groups = f" × pictures_per_person, {data.group}" if data.group > 1 else ""
        raise RecipeError(
            f"data.batch_size is {data.batch_size}, the samples of a step on all devices; expected a "
            f"multiple of loop.devices × nodes × accumulate, {devices} × {nodes} × {accumulate}{groups}"
        )
    return cuda

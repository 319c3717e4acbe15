"""Learning-rate schedules as factors of the base rate, and the optimizers that follow them."""

import math
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn

from figureground.errors import RecipeError
from figureground.recipes import at_least

Factor = Callable[[int], float]
Optimizer = Literal["sgd", "adam", "adamw"]
Schedule = Literal["constant", "polynomial", "cosine"]


def check_descent(
    learning_rate: float,
    weight_decay: float,
    warmup_steps: int,
    momentum: float = 0.9,
    power: float = 0.9,
) -> None:
    """RecipeError where a task is asked for a descent that there is not, before anything is begun."""
    at_least(1e-12, **{"task.learning_rate": learning_rate})
    at_least(
        0,
        **{
            "task.weight_decay": weight_decay,
            "task.warmup_steps": warmup_steps,
            "task.power": power,
        },
    )
    if not 0 <= momentum < 1:
        raise RecipeError(f"task.momentum is {momentum}; expected 0 up to below 1")


def polynomial(steps: int, power: float = 0.9, warmup: int = 0) -> Factor:
    """(1 − t/steps)^power at step t (DeepLab, arXiv 1606.00915); rises linearly over `warmup`."""

    def factor(step: int) -> float:
        return _rise(step, warmup) * max(0.0, 1 - step / steps) ** power

    return factor


def cosine(steps: int, warmup: int = 0, every: int = 1) -> Factor:
    """(1 + cos(π t/steps)) / 2 (Loshchilov and Hutter, arXiv 1608.03983, eq. 5 without restarts), which
    changes every so many steps; rises linearly over `warmup`."""

    def factor(step: int) -> float:
        turn = math.pi * min(step // every * every, steps) / steps
        return _rise(step, warmup) * (1 + math.cos(turn)) / 2

    return factor


def _rise(step: int, warmup: int) -> float:
    return min(1.0, (step + 1) / warmup) if warmup else 1.0


def factor_of(schedule: Schedule, steps: int, warmup: int) -> Factor:
    """constant, polynomial or cosine, each after a linear rise over `warmup` steps."""
    if schedule == "polynomial":
        return polynomial(steps, warmup=warmup)
    return cosine(steps, warmup) if schedule == "cosine" else polynomial(steps, 0.0, warmup)


def norms_spared(network: nn.Module) -> list[dict[str, Any]]:
    """Parameter groups in which weight decay leaves the batch norms alone, as MindSpore's optimizers do."""
    spared = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm)
        for parameter in module.parameters()
    }
    parameters = [p for p in network.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if id(p) not in spared]},
        {"params": [p for p in parameters if id(p) in spared], "weight_decay": 0.0},
    ]


def descent(
    groups: list[dict[str, Any]],
    optimizer: Optimizer,
    learning_rate: float,
    weight_decay: float,
    factor: Factor,
    momentum: float = 0.9,
) -> dict[str, Any]:
    """An optimizer whose rate is learning_rate · factor(step), as Lightning wants it.

    momentum: of SGD; Adam and AdamW have betas 0.9 and 0.999. Adam's weight decay is added to the gradient.
    """
    made: torch.optim.Optimizer
    if optimizer == "sgd":
        made = torch.optim.SGD(groups, learning_rate, momentum, weight_decay=weight_decay)
    else:
        kind = torch.optim.AdamW if optimizer == "adamw" else torch.optim.Adam
        made = kind(groups, learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(made, factor)
    return {"optimizer": made, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

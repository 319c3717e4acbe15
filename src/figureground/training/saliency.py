"""Salient objects: U²-Net, U²-NetP or a small RefineNet, batch to loss; the data that go with them."""

from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from figureground import data
from figureground.data.pictures import u2net, varied
from figureground.data.samples import Mixed, Photos, Samples, Source, Validation, with_soft
from figureground.errors import RecipeError
from figureground.losses.iou import iou_loss
from figureground.losses.u2net import u2net_loss
from figureground.metrics.saliency import Saliency
from figureground.published import form
from figureground.recipes import at_least, within
from figureground.runtime.prepare import Input, enlarge
from figureground.training.epochs import Epochs, beside, compositions, learnt_and_held
from figureground.training.schedule import (
    Optimizer,
    Schedule,
    check_descent,
    descent,
    factor_of,
    norms_spared,
)
from figureground.training.teacher import teacher_of


class SaliencyTask(pl.LightningModule):
    """Binary cross-entropy of all maps, as logits; the published rate is constant.

    iou_weight: share of a soft IoU loss on top, see losses.iou. Weight decay spares the batch norms.
    teacher: a model whose soft masks are learnt from too, see training.teacher; teacher_weight: its share.
    mixed_share: the share of a batch whose pictures are mixed with others of it: half of them by laying
    these over (mixup, arXiv 1710.09412), half by pasting what is salient in them (arXiv 2012.07177). There
    the teacher alone says the truth (as arXiv 2106.05237): few photos then go a long way.
    Validated by the fused map, at the photo's size.
    """

    def __init__(
        self,
        network: nn.Module,
        iou_weight: float = 0.0,
        optimizer: Optimizer = "adam",
        learning_rate: float = 1e-3,
        weight_decay: float = 0.0,
        schedule: Schedule = "constant",
        warmup_steps: int = 0,
        teacher: str = "",
        teacher_weight: float = 0.5,
        mixed_share: float = 0.0,
    ) -> None:
        super().__init__()
        if not 0 <= mixed_share <= 1 or (mixed_share and not teacher):
            raise RecipeError(
                f"task.mixed_share is {mixed_share}; expected 0 up to 1, and above 0 a task.teacher"
            )
        at_least(0, **{"task.iou_weight": iou_weight})
        check_descent(learning_rate, weight_decay, warmup_steps)
        if not getattr(network, "sigmoid", False):
            raise RecipeError(
                "system saliency learns u2net, u2netp or refinenet_mobile_saliency; "
                "give network.name=u2netp"
            )
        setattr(network, "sigmoid", False)  # noqa: B010 - here only: a run folder's network answers with probabilities
        self.teacher = teacher_of(teacher, teacher_weight)
        self.teacher_weight = teacher_weight
        self.mixed_share = mixed_share
        self.iou_weight = iou_weight
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer: Optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule: Schedule = schedule
        self.warmup_steps = warmup_steps
        self.metric = Saliency(light=True)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, truths = batch
        mixed = round(self.mixed_share * len(images))
        if mixed:
            images[:mixed] = mix(images[:mixed], images.flip(0)[:mixed], truths.flip(0)[:mixed])
        maps = self.network(images.contiguous(memory_format=torch.channels_last)).float()
        if self.teacher:
            taught = self.teacher(images, self.trainer.datamodule.input)  # type: ignore[attr-defined]
            truths = torch.cat([taught[:mixed], truths[mixed:]])
        loss = self._loss(maps, truths)
        if self.teacher:
            loss = (1 - self.teacher_weight) * loss + self.teacher_weight * self._loss(maps, taught)
        self.log("loss", loss)
        return loss

    def _loss(self, maps: Tensor, truths: Tensor) -> Tensor:
        loss = u2net_loss(maps, truths)
        if self.iou_weight:
            loss = loss + self.iou_weight * iou_loss(maps.sigmoid(), truths)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.metric = Saliency(light=True)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Any:
        image, truth = batch  # one photo: 1×3×h×w and 1×H×W
        spec = self.trainer.datamodule.input  # type: ignore[attr-defined]
        found = self.network(image)[0, 0].float().sigmoid().cpu().numpy()
        found = enlarge(found, spec, truth.shape[2], truth.shape[1]).clip(0, 1)
        self.metric.update(found, truth[0].cpu().numpy())
        return found

    def configure_optimizers(self) -> Any:
        steps = int(self.trainer.estimated_stepping_batches)
        factor = factor_of(self.schedule, steps, self.warmup_steps)
        groups = norms_spared(self.network)
        return descent(groups, self.optimizer, self.learning_rate, self.weight_decay, factor)


def mix(images: Tensor, others: Tensor, truths: Tensor) -> Tensor:
    """Pictures N×3×H×W, each either with the other one laid over it, by up to one half, or, as often, with
    what is salient there, as `truths` N×H×W in [0, 1] say, pasted."""
    laid, kind = torch.rand(2, len(images), 1, 1, 1, device=images.device)
    return torch.lerp(images, others, torch.where(kind < 0.5, laid / 2, truths[:, None]))


def saliency_data(
    root: Path,
    name: str = "duts",
    pictures: Literal["published", "varied", "compositions"] = "published",
    turns: bool = False,
    collection: Path | None = None,
    nobody: list[str] = [],  # noqa: B006 - never changed
    scenes: list[str] = [],  # noqa: B006
    photo_share: float = 0.42,
    empty_share: float = 0.13,
    also: list[str] = [],  # noqa: B006 - never changed
    also_share: float = 0.25,
    least: float = 0.6,
    val_split: str = "",
    val_share: float = 0.05,
    sizes: list[tuple[int, int]] = [(288, 288)],  # noqa: B006 - never changed
    input: Input = form("u2net").input,  # noqa: B008 - immutable
    batch_size: int = 12,
    steps_per_epoch: int = 500,
    workers: int = 1,
    seed: int = 0,
) -> Epochs:
    """Photos with masks or alphas of the data set `name` at `root`, in epochs of `steps_per_epoch` batches.

    pictures "published": see data.pictures.u2net, with quarter `turns` as the model zoo's or without;
    "varied": ours, with `least`, see there. "compositions": people alone are salient, cut out and put
    before photos of `nobody`, see training.segmentation and data.composition. also: further data sets,
    learnt from folders of their names beside root; also_share: how many of the pictures are theirs.
    val_split, val_share: what is validated, see epochs.learnt_and_held.
    sizes: (width, height) of the training pictures; each batch has one of them, drawn at random.
    """
    root = root.expanduser()
    learnt, held = learnt_and_held(name, root, val_split, val_share)
    others = [e for other in also for e in data.read(other, root.resolve().parent / other, "train")]
    if not 0 < least <= 1:
        raise RecipeError(
            f"data.least is {least}; expected a share of a photo's sides, above 0, up to 1"
        )
    pipeline = (
        partial(u2net, turns=turns) if pictures == "published" else partial(varied, least=least)
    )
    source: Source
    if pictures == "compositions":
        place = beside(root, collection)
        source = compositions(learnt, place, nobody, scenes, photo_share, empty_share, soft=True)
    else:
        source = Photos(learnt, with_soft, pipeline)
    within(0, 1, **{"data.also_share": also_share})
    if others:
        source = Mixed(source, Photos(others, with_soft, pipeline), also_share)
    samples = Samples(source, sizes, batch_size, seed, input)
    return Epochs(samples, Validation(held, with_soft, input), input, steps_per_epoch, workers)


SYSTEMS = {"saliency": (SaliencyTask, saliency_data)}

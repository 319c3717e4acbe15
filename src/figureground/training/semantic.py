"""A class for every pixel: RefineNet, batch to loss; the data that go with it."""

from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from figureground.data import class_names
from figureground.data.pictures import refinenet, varied
from figureground.data.samples import Photos, Samples, Validation, with_labels
from figureground.errors import RecipeError
from figureground.losses.cross_entropy import cross_entropy
from figureground.losses.lovasz_softmax import lovasz_softmax
from figureground.metrics.segmentation import Segmentation
from figureground.networks.pp_humansegv2_lite import resize
from figureground.published import form
from figureground.recipes import at_least
from figureground.runtime.labels import most_likely
from figureground.runtime.prepare import Input
from figureground.training.epochs import Epochs, learnt_and_held
from figureground.training.schedule import (
    Optimizer,
    Schedule,
    check_descent,
    descent,
    factor_of,
    norms_spared,
)


class SemanticTask(pl.LightningModule):
    """Cross-entropy over the labelled pixels, at the labels' size, and `lovasz_weight` times the
    Lovász-softmax of every fourth pixel along each axis, to which small classes count as much as large.

    The network's last layer is called `classifier`. frozen: beginnings of the names of parameters that are
    not learnt. fixed_batch_norm: batch norms use their running statistics and keep them; what they multiply
    and add is learnt. Weight decay spares the batch norms.
    """

    def __init__(
        self,
        network: nn.Module,
        frozen: list[str] = [],  # noqa: B006 - never changed
        fixed_batch_norm: bool = False,
        optimizer: Optimizer = "sgd",
        learning_rate: float = 1.5e-3,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        schedule: Schedule = "cosine",
        warmup_steps: int = 0,
        lovasz_weight: float = 0.0,
    ) -> None:
        super().__init__()
        at_least(0, **{"task.lovasz_weight": lovasz_weight})
        check_descent(learning_rate, weight_decay, warmup_steps, momentum)
        classifier = getattr(network, "classifier", None)
        if not isinstance(classifier, nn.Conv2d):
            raise RecipeError(
                "the network has no classifier of pixels; choose one for system semantic-segmentation, "
                "such as network.name=refinenet_mobile"
            )
        for start in frozen:
            named = [p for n, p in network.named_parameters() if n.startswith(start)]
            if not named:
                raise RecipeError(f"task.frozen has {start!r}; no parameter's name begins so")
            for parameter in named:
                parameter.requires_grad_(False)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.fixed_batch_norm = fixed_batch_norm
        self.optimizer: Optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.schedule: Schedule = schedule
        self.warmup_steps = warmup_steps
        self.lovasz_weight = lovasz_weight
        self.num_classes = classifier.out_channels
        self.metric = Segmentation(self.num_classes)

    def on_fit_start(self) -> None:
        names = self.trainer.datamodule.classes  # type: ignore[attr-defined]
        if self.num_classes != len(names):
            raise RecipeError(
                f"the network tells {self.num_classes} classes apart, the data have {len(names)}; "
                f"give network.num_classes={len(names)}"
            )

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        for module in self.network.modules():
            if self.fixed_batch_norm and isinstance(module, nn.BatchNorm2d | nn.SyncBatchNorm):
                module.eval()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        answer = self.network(images.contiguous(memory_format=torch.channels_last))
        logits = resize(answer.float(), labels.shape[1:])
        loss = cross_entropy(logits, labels)
        if self.lovasz_weight:
            thin = slice(2, None, 4)
            loss = loss + self.lovasz_weight * lovasz_softmax(
                logits[..., thin, thin], labels[..., thin, thin]
            )
        self.log("loss", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.metric = Segmentation(self.num_classes)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Any:
        image, labels = batch  # one photo: 1×3×h×w and 1×H×W
        spec = self.trainer.datamodule.input  # type: ignore[attr-defined]
        logits = self.network(image)[0].float().cpu().numpy()
        found = most_likely(logits, spec, labels.shape[2], labels.shape[1])
        self.metric.update(found, labels[0].cpu().numpy())
        return found

    def configure_optimizers(self) -> Any:
        steps = int(self.trainer.estimated_stepping_batches)
        return descent(
            norms_spared(self.network),
            self.optimizer,
            self.learning_rate,
            self.weight_decay,
            factor_of(self.schedule, steps, self.warmup_steps),
            self.momentum,
        )


def semantic_data(
    root: Path,
    name: str = "voc2012",
    pictures: Literal["published", "varied"] = "published",
    scales: tuple[float, float] = (0.5, 3.0),
    val_split: str = "val",
    val_share: float = 0.05,
    sizes: list[tuple[int, int]] = [(513, 513)],  # noqa: B006 - never changed
    input: Input = form("refinenet101").input,  # noqa: B008 - immutable
    batch_size: int = 32,
    steps_per_epoch: int = 500,
    workers: int = 1,
    seed: int = 0,
) -> Epochs:
    """Photos with class labels of the data set `name` at `root`, in epochs of `steps_per_epoch` batches.

    pictures "published": see data.pictures.refinenet, scaled by a factor within `scales`; "varied": ours,
    see there. val_split, val_share: what is validated, see epochs.learnt_and_held. sizes: (width,
    height) of the training pictures; each batch has one of them, drawn at random.
    """
    if not 0 < scales[0] <= scales[1] <= 16:
        raise RecipeError(
            f"data.scales is {list(scales)}; expected two factors, from above 0 up to 16"
        )
    root = root.expanduser()
    learnt, held = learnt_and_held(name, root, val_split, val_share)
    fill = tuple(round(255 * mean) for mean in input.mean)
    pipeline = partial(refinenet, scales=scales, fill=fill) if pictures == "published" else varied
    samples = Samples(Photos(learnt, with_labels, pipeline), sizes, batch_size, seed, input)
    validation = Validation(held, with_labels, input)
    classes = class_names(name, root)
    return Epochs(samples, validation, input, steps_per_epoch, workers, classes)


SYSTEMS = {"semantic-segmentation": (SemanticTask, semantic_data)}

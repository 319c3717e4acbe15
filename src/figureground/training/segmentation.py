"""Person segmentation: batch to loss, photo to prediction; the data that go with them."""

from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from figureground import data
from figureground.data.pictures import pp_humanseg
from figureground.data.samples import Photos, Samples, Source, Validation, with_mask
from figureground.losses.distillation import distillation_loss
from figureground.losses.pp_humanseg import pp_humanseg_loss
from figureground.metrics.segmentation import Segmentation
from figureground.networks.pp_humansegv2_lite import resize
from figureground.recipes import at_least
from figureground.runtime.prepare import Input
from figureground.training.epochs import Epochs, beside, compositions
from figureground.training.schedule import check_descent, descent, polynomial
from figureground.training.teacher import teacher_of


class SegmentationTask(pl.LightningModule):
    """PP-HumanSegV2's way to learn: mixed loss per level, SGD or AdamW, polynomial decay.

    lovasz_stride: the Lovász term sees every n-th pixel along each axis; sorting all of them costs
    as much as the network on a CPU. Weight decay spares the batch norms of the backbone, as published.
    teacher: a model whose soft masks are learnt from too, see training.teacher; teacher_weight: its share.
    """

    def __init__(
        self,
        network: nn.Module,
        cross_entropy_weight: float = 0.8,
        lovasz_weight: float = 0.2,
        lovasz_stride: int = 1,
        optimizer: Literal["sgd", "adamw"] = "sgd",
        learning_rate: float = 1e-3,
        momentum: float = 0.9,
        weight_decay: float = 5e-4,
        power: float = 0.9,
        warmup_steps: int = 0,
        teacher: str = "",
        teacher_weight: float = 0.5,
    ) -> None:
        super().__init__()
        at_least(1, **{"task.lovasz_stride": lovasz_stride})
        at_least(
            0,
            **{
                "task.cross_entropy_weight": cross_entropy_weight,
                "task.lovasz_weight": lovasz_weight,
            },
        )
        check_descent(learning_rate, weight_decay, warmup_steps, momentum, power)
        self.teacher = teacher_of(teacher, teacher_weight)
        self.teacher_weight = teacher_weight
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss_weights = cross_entropy_weight, lovasz_weight, lovasz_stride
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.power = power
        self.warmup_steps = warmup_steps
        self.metric = Segmentation()

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, labels = batch
        levels = self.network(images.contiguous(memory_format=torch.channels_last))
        loss = pp_humanseg_loss(levels, labels, *self.loss_weights)
        if self.teacher:
            taught = self.teacher(images, self.trainer.datamodule.input)  # type: ignore[attr-defined]
            share = self.teacher_weight
            loss = (1 - share) * loss + share * distillation_loss(levels, taught)
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.metric = Segmentation()

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> Any:
        image, label = batch  # one photo: 1×3×h×w and 1×H×W
        logits = resize(self.network(image), label.shape[1:])
        found = logits.argmax(1)[0].cpu().numpy()
        self.metric.update(found, label[0].cpu().numpy())
        return found

    def configure_optimizers(self) -> Any:
        spared = {
            name
            for name, _ in self.network.named_parameters()
            if name.startswith("backbone.") and ".bn." in name
        }
        named = list(self.network.named_parameters())
        groups: list[dict[str, Any]] = [
            {"params": [p for n, p in named if n not in spared]},
            {"params": [p for n, p in named if n in spared], "weight_decay": 0.0},
        ]
        steps = int(self.trainer.estimated_stepping_batches)
        factor = polynomial(steps, self.power, self.warmup_steps)
        return descent(
            groups, self.optimizer, self.learning_rate, self.weight_decay, factor, self.momentum
        )


def segmentation_data(
    root: Path,
    name: str = "people",
    pictures: Literal["published", "compositions"] = "published",
    collection: Path | None = None,
    nobody: list[str] = [],  # noqa: B006 - never changed
    scenes: list[str] = [],  # noqa: B006
    photo_share: float = 0.42,
    empty_share: float = 0.13,
    sizes: list[tuple[int, int]] = [(192, 192)],  # noqa: B006 - never changed
    input: Input = Input(192, 192),  # noqa: B008 - immutable
    batch_size: int = 8,
    steps_per_epoch: int = 500,
    workers: int = 1,
    seed: int = 0,
) -> Epochs:
    """Reads the data set `name` at `root` and cuts it into epochs of `steps_per_epoch` batches.

    pictures "published": PaddleSeg's pipeline on single photos. "compositions": figureground's own,
    which also use photos of the folder `collection` (default: the one that holds root): those of
    `nobody` show no person, in those of `scenes` the mask outlines every person. Both are names of list
    files, in the collection or else among the package's recipes/lists. photo_share and
    empty_share: see Compositions.
    sizes: (width, height) of the training pictures; each batch has one of them, drawn at random.
    input: how a photo is prepared for validation and use, see runtime.prepare.Input.
    """
    root = root.expanduser()
    place = beside(root, collection)
    examples = data.read(name, root, "train")
    source: Source
    if pictures == "published":
        source = Photos(examples, with_mask, pp_humanseg)
    else:
        source = compositions(examples, place, nobody, scenes, photo_share, empty_share)
    samples = Samples(source, sizes, batch_size, seed, input)
    validation = Validation(data.read(name, root, "val"), with_mask, input)
    return Epochs(samples, validation, input, steps_per_epoch, workers)


SYSTEMS = {"person-segmentation": (SegmentationTask, segmentation_data)}

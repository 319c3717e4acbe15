"""Human matting by Semantic Human Matting's three stages, batch to loss; the data that go with them."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor, nn

from figureground.data import Example
from figureground.data.pictures import shm, varied
from figureground.data.samples import Photos, Samples, Source, Validation, with_soft
from figureground.data.transforms import Layers
from figureground.data.trimap import Protocol, trimap
from figureground.errors import RecipeError
from figureground.losses.cross_entropy import cross_entropy
from figureground.losses.shm import alpha_loss, shm_loss
from figureground.metrics.matting import Matting
from figureground.metrics.segmentation import Segmentation
from figureground.published import TRIMAP, form
from figureground.recipes import at_least, within
from figureground.runtime.labels import most_likely
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


class MattingTask(pl.LightningModule):
    """What is learnt follows the network's stage.

    shm_trimap: cross-entropy of the trimap; validated by its mIoU. shm_matte: the alpha from true trimaps.
    shm: both end to end, the trimap's loss times trimap_weight. The latter two are validated by SAD, MAD
    and MSE at the photo's size. Weight decay spares the batch norms.
    """

    def __init__(
        self,
        network: nn.Module,
        trimap_weight: float = 0.01,
        optimizer: Optimizer = "adam",
        learning_rate: float = 1e-3,
        weight_decay: float = 5e-4,
        schedule: Schedule = "constant",
        warmup_steps: int = 0,
    ) -> None:
        super().__init__()
        check_descent(learning_rate, weight_decay, warmup_steps)
        at_least(0, **{"task.trimap_weight": trimap_weight})
        if not hasattr(network, "stage"):
            raise RecipeError(
                "system matting learns shm_trimap, shm_matte or shm; give network.name=shm"
            )
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.stage = str(network.stage)
        self.trimap_weight = trimap_weight
        self.optimizer: Optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.schedule: Schedule = schedule
        self.warmup_steps = warmup_steps
        self.metric = self._metric()

    def _metric(self) -> Matting | Segmentation:
        if self.stage == "trimap":
            return Segmentation(len(TRIMAP))
        return Matting(light=True)

    def on_fit_start(self) -> None:
        if self.stage == "matte" and self.trainer.datamodule.input.resize == "pad":  # type: ignore[attr-defined]
            raise RecipeError("data.input.resize is pad; shm_matte needs stretch or fit")

    def training_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Tensor:
        images, alphas, trimaps = batch
        images, alphas = images.contiguous(memory_format=torch.channels_last), alphas[:, None]
        if self.stage == "trimap":
            loss = cross_entropy(self.network(images).float(), trimaps)
        elif self.stage == "matte":
            loss = alpha_loss(self.network(images, _probabilities(trimaps)).float(), alphas, images)
        else:
            logits, found = (answer.float() for answer in self.network(images))
            loss = shm_loss(logits, found, trimaps, alphas, images, self.trimap_weight)
        self.log("loss", loss)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.metric = self._metric()

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Any:
        image, alpha, labels = batch  # one photo: 1×3×h×w and 1×H×W
        spec = self.trainer.datamodule.input  # type: ignore[attr-defined]
        size = alpha.shape[2], alpha.shape[1]
        if self.stage == "matte":
            shown = F.interpolate(_probabilities(labels), image.shape[2:], mode="nearest")
            answer = self.network(image, shown)
        else:
            answer = self.network(image)
        found = answer[0].float().cpu().numpy()
        if isinstance(self.metric, Segmentation):
            found = most_likely(found, spec, *size)
            self.metric.update(found, labels[0].cpu().numpy())
        else:
            found = enlarge(found[0], spec, *size)
            self.metric.update(found, alpha[0].cpu().numpy())
        return found

    def configure_optimizers(self) -> Any:
        steps = int(self.trainer.estimated_stepping_batches)
        factor = factor_of(self.schedule, steps, self.warmup_steps)
        groups = norms_spared(self.network)
        return descent(groups, self.optimizer, self.learning_rate, self.weight_decay, factor)


def _probabilities(trimaps: Tensor) -> Tensor:
    """N×H×W labels as N×3×H×W of 0 and 1; a pixel beyond the photo is of no class."""
    classes = torch.arange(len(TRIMAP), device=trimaps.device)
    return (trimaps[:, None] == classes[:, None, None]).float()


def with_trimap(example: Example, band: int, protocol: Protocol) -> Layers:
    """Photo, alpha, and the trimap of the alpha at the photo's size."""
    photo, alpha = with_soft(example)
    return photo, alpha, trimap(alpha, band, protocol)


class Banded:
    """Pictures and alphas of a source, each with its trimap."""

    def __init__(self, source: Source, band: int) -> None:
        self.source = source
        self.band = band
        self.drawn: list[Example] = []

    def __call__(self, rng: Generator, width: int, height: int) -> Layers:
        photo, alpha = self.source(rng, width, height)
        self.drawn = self.source.drawn
        return photo, alpha, trimap(alpha, self.band)


def matting_data(
    root: Path,
    name: str = "aisegment",
    pictures: Literal["published", "varied", "compositions"] = "published",
    band: int = 10,
    collection: Path | None = None,
    nobody: list[str] = [],  # noqa: B006 - never changed
    things: list[str] = [],  # noqa: B006 - never changed
    photo_share: float = 0.5,
    val_split: str = "val",
    val_share: float = 0.05,
    sizes: list[tuple[int, int]] = [(320, 320)],  # noqa: B006 - never changed
    input: Input = form("shm").input,  # noqa: B008 - immutable
    training_mean: tuple[float, float, float] | None = None,
    batch_size: int = 8,
    steps_per_epoch: int = 500,
    workers: int = 1,
    seed: int = 0,
) -> Epochs:
    """Photos with alphas of the data set `name` at `root`, in epochs of `steps_per_epoch` batches.

    pictures "published": see data.pictures.shm; trimaps are the published ones. "varied": ours, see there.
    "compositions": the people also cut out and pasted onto photos of `nobody`, behind and before
    `things`, lists of photos with masks or alphas, see training.segmentation and data.composition. band:
    diameter in pixels of the ellipse that makes the trimap, at the photo's size (in compositions: at the
    picture's).
    val_split, val_share: what is validated, see epochs.learnt_and_held. sizes: (width, height) of the
    training pictures; each batch has one of them, drawn at random. training_mean: instead of the input's,
    where training is to normalise otherwise than use does, as published.
    """
    within(1, 1000, **{"data.band": band})
    root = root.expanduser()
    learnt, held = learnt_and_held(name, root, val_split, val_share)
    protocol: Protocol = "published" if pictures == "published" else "standard"
    read = partial(with_trimap, band=band, protocol=protocol)
    source: Source
    if pictures == "compositions":
        place = beside(root, collection)
        source = Banded(
            compositions(learnt, place, nobody, (), photo_share, soft=True, things=things), band
        )
    else:
        source = Photos(learnt, read, shm if pictures == "published" else varied)
    seen = replace(input, mean=training_mean or input.mean)
    samples = Samples(source, sizes, batch_size, seed, seen)
    return Epochs(samples, Validation(held, read, input), input, steps_per_epoch, workers, TRIMAP)


SYSTEMS = {"matting": (MattingTask, matting_data)}

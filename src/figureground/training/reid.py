"""Person re-identification: batch to loss, crop to embedding; the data that go with them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from figureground import data
from figureground.data import Sighting
from figureground.data.crops import Crops
from figureground.data.samples import Onward
from figureground.data.transforms import read_photo
from figureground.errors import RecipeError
from figureground.losses.triplet import batch_hard_triplet
from figureground.metrics.reid import Retrieval
from figureground.runtime.prepare import Input, prepare
from figureground.training.schedule import cosine
from figureground.training.segmentation import at_least

IMAGENET = Input(
    128, 256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)
)  # of the published networks


class ReidTask(pl.LightningModule):
    """Classification of the training persons and, with triplet_weight, batch-hard triplets.

    The network answers class logits N×C and embeddings N×D in training, embeddings alone otherwise;
    its last layer is called `classifier`. triplet_margin None is the soft margin.
    weight_decay spares everything of one dimension (norms, biases). The rate falls along a cosine
    that moves every `schedule_every` steps. For the first classifier_only_steps the rest stands still.
    """

    def __init__(
        self,
        network: nn.Module,
        label_smoothing: float = 0.1,
        triplet_weight: float = 0.0,
        triplet_margin: float | None = None,
        optimizer: Literal["adam", "amsgrad", "adamw"] = "adam",
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 5e-4,
        warmup_steps: int = 0,
        schedule_every: int = 1,
        classifier_only_steps: int = 0,
    ) -> None:
        super().__init__()
        at_least(1, **{"task.schedule_every": schedule_every})
        at_least(
            0,
            **{
                "task.triplet_weight": triplet_weight,
                "task.weight_decay": weight_decay,
                "task.warmup_steps": warmup_steps,
                "task.classifier_only_steps": classifier_only_steps,
            },
        )
        if not learning_rate > 0 or not 0 <= label_smoothing < 1:
            raise RecipeError(
                f"task has learning_rate {learning_rate} and label_smoothing {label_smoothing}; "
                "expected more than 0, and 0 up to below 1"
            )
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.label_smoothing = label_smoothing
        self.triplet_weight = triplet_weight
        self.triplet_margin = triplet_margin
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.betas = betas
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self.schedule_every = schedule_every
        self.classifier_only_steps = classifier_only_steps
        self.metric = Retrieval()

    def on_fit_start(self) -> None:
        classes = self.network.classifier.out_features  # type: ignore[union-attr]
        persons = len(self.trainer.datamodule.crops.persons)  # type: ignore[attr-defined]
        if classes < persons:
            raise RecipeError(
                f"the network tells {classes} persons apart, the data have {persons}; "
                f"give network.num_classes={persons}"
            )

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        waits = self.trainer.global_step < self.classifier_only_steps
        for name, parameter in self.network.named_parameters():
            parameter.requires_grad_(name.startswith("classifier.") or not waits)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        images, persons = batch
        images = images.contiguous(memory_format=torch.channels_last)
        logits, embeddings = self.network(images)
        loss = F.cross_entropy(logits.float(), persons, label_smoothing=self.label_smoothing)
        self.log("cross_entropy", loss)
        if self.triplet_weight:
            triplet = batch_hard_triplet(embeddings, persons, self.triplet_margin)
            self.log("triplet", triplet)
            loss = loss + self.triplet_weight * triplet
        if not loss.isfinite():
            raise RecipeError(
                f"the loss is {loss.item()} at step {self.trainer.global_step}: lower "
                "task.learning_rate; the weights of the last epoch are kept"
            )
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.metric = Retrieval()

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> None:
        images, persons, cameras = batch
        embeddings = F.normalize(self.network(images).float())
        self.metric.update(embeddings.cpu().numpy(), persons.cpu().numpy(), cameras.cpu().numpy())

    def configure_optimizers(self) -> Any:
        parameters = list(self.network.parameters())
        groups: list[dict[str, Any]] = [
            {"params": [p for p in parameters if p.ndim > 1]},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        rate, decay = self.learning_rate, self.weight_decay
        optimizer: torch.optim.Optimizer
        if self.optimizer == "adamw":
            optimizer = torch.optim.AdamW(groups, rate, self.betas, weight_decay=decay)
        else:
            amsgrad = self.optimizer == "amsgrad"
            optimizer = torch.optim.Adam(
                groups, rate, self.betas, weight_decay=decay, amsgrad=amsgrad
            )
        steps = int(self.trainer.estimated_stepping_batches)
        factor = cosine(steps, self.warmup_steps, self.schedule_every)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


class Sightings(Dataset[tuple[Tensor, int, int]]):
    """Crops as a search sees them: 3×H×W float32, number of the person, number of the camera."""

    def __init__(self, sightings: list[Sighting], spec: Input) -> None:
        self.sightings = sightings
        self.spec = spec
        persons = sorted({s.person for s in sightings})
        cameras = sorted({_camera(s) for s in sightings})
        self.persons = {name: number for number, name in enumerate(persons)}
        self.cameras = {name: number for number, name in enumerate(cameras)}

    def __len__(self) -> int:
        return len(self.sightings)

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        sighting = self.sightings[index]
        image = torch.from_numpy(prepare(read_photo(sighting.image), self.spec)[0])
        return image, self.persons[sighting.person], self.cameras[_camera(sighting)]


def _camera(sighting: Sighting) -> str:
    return str(sighting.image) if sighting.camera is None else sighting.camera


class ReidData(pl.LightningDataModule):
    """Reads the data set `name` at `root` and cuts its training crops into epochs.

    sets: folders below root that are such a data set each, learnt together; [.] is root itself.
    val_share: the share of each set's training persons, evenly spread over their names, that is not
    learnt but searched for in validation, all against all. The test split is never looked at.
    input: size and normalisation of crops. For the other arguments see data.crops.Crops.
    """

    def __init__(
        self,
        root: Path,
        name: str = "market1501",
        sets: list[str] = ["."],  # noqa: B006 - never changed
        val_share: float = 0.1,
        input: Input = IMAGENET,
        pictures_per_person: int = 0,
        padding: int = 0,
        erasing: float = 0.5,
        colour: float = 0.0,
        batch_size: int = 64,
        steps_per_epoch: int = 500,
        workers: int = 1,
        cache: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        at_least(2, **{"data.batch_size": batch_size})
        at_least(1, **{"data.steps_per_epoch": steps_per_epoch})
        at_least(
            0,
            **{
                "data.workers": workers,
                "data.pictures_per_person": pictures_per_person,
                "data.padding": padding,
                "data.erasing": erasing,
                "data.colour": colour,
            },
        )
        if not 0 < val_share < 1 or not sets:
            raise RecipeError(
                f"data has val_share {val_share} and sets {sets}; expected a share above 0 and below "
                "1, which validation needs, and at least one folder"
            )
        if input.resize != "stretch":
            raise RecipeError("data.input.resize is fit; re-identification needs stretch")
        if pictures_per_person and batch_size % pictures_per_person:
            raise RecipeError(
                f"data.batch_size is {batch_size}; expected a multiple of pictures_per_person, "
                f"{pictures_per_person}"
            )
        learnt: list[Sighting] = []
        searched: list[Sighting] = []
        for folder in sets:
            sightings = list(_of_set(folder, data.read_sightings(name, root / folder, "train")))
            held = _spread(sorted({s.person for s in sightings}), val_share)
            learnt += [s for s in sightings if s.person not in held]
            searched += [s for s in sightings if s.person in held]
        self.input = input
        self.batch_size = batch_size
        self.workers = workers
        self.crops = Crops(
            learnt, input, pictures_per_person, padding, erasing, colour, seed, cache
        )
        self.sampler = Onward(steps_per_epoch * batch_size, self._seen)
        self.validation = Sightings(searched, input)

    def _seen(self) -> int:
        assert self.trainer is not None
        return self.trainer.global_step * self.batch_size

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        return DataLoader(
            self.crops,
            self.batch_size,
            sampler=self.sampler,
            num_workers=self.workers,
            persistent_workers=self.workers > 0,
        )

    def val_dataloader(self) -> DataLoader[tuple[Tensor, int, int]]:
        return DataLoader(self.validation, self.batch_size)


def _of_set(folder: str, sightings: list[Sighting]) -> Iterator[Sighting]:
    """Person 7 and camera 1 of one set are not those of another."""
    for s in sightings:
        camera = None if s.camera is None else f"{folder}/{s.camera}"
        yield replace(s, person=f"{folder}/{s.person}", camera=camera)


def _spread(persons: list[str], share: float) -> set[str]:
    """ceil(share · n) of n persons, the same in each run, so that a later stage learns none of them."""
    count = max(1, round(share * len(persons)))
    return {persons[i] for i in np.linspace(0, len(persons) - 1, count).round().astype(int)}


SYSTEMS = {"re-identification": (ReidTask, ReidData)}

"""Person re-identification: from a batch to the loss, from a crop to its embedding."""

from typing import Any, Literal

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from figureground.errors import RecipeError
from figureground.losses.triplet import batch_hard_triplet
from figureground.metrics.reid import Retrieval
from figureground.recipes import at_least, within
from figureground.training.reid_data import ReidData
from figureground.training.schedule import check_descent, cosine


class ReidTask(pl.LightningModule):
    """Classification of the training persons and, with triplet_weight, batch-hard triplets.

    The network answers class logits N×C and embeddings N×D in training, embeddings alone otherwise;
    its last layer is called `classifier`. triplet_margin None is the soft margin;
    triplet_distance cosine: between embeddings brought to length 1, as they are searched.
    weight_decay spares everything of one dimension (norms, biases). The rate falls along a cosine
    that moves every `schedule_every` steps. For the first classifier_only_steps the rest stands still.
    """

    def __init__(
        self,
        network: nn.Module,
        label_smoothing: float = 0.1,
        triplet_weight: float = 0.0,
        triplet_margin: float | None = None,
        triplet_distance: Literal["euclidean", "cosine"] = "euclidean",
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
                "task.classifier_only_steps": classifier_only_steps,
            },
        )
        check_descent(learning_rate, weight_decay, warmup_steps)
        within(0, 1000, **{"task.triplet_margin": triplet_margin or 0.0})
        if not all(0 <= beta < 1 for beta in betas):
            raise RecipeError(f"task.betas is {list(betas)}; expected two numbers, 0 up to below 1")
        if not 0 <= label_smoothing < 1:
            raise RecipeError(
                f"task.label_smoothing is {label_smoothing}; expected 0 up to below 1"
            )
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.label_smoothing = label_smoothing
        self.triplet_weight = triplet_weight
        self.triplet_margin = triplet_margin
        self.triplet_distance = triplet_distance
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.betas = betas
        self.weight_decay = weight_decay
        self.warmup_steps = warmup_steps
        self.schedule_every = schedule_every
        self.classifier_only_steps = classifier_only_steps
        self.metric = Retrieval()

    def on_fit_start(self) -> None:
        classes = getattr(getattr(self.network, "classifier", None), "out_features", None)
        if classes is None:
            raise RecipeError(
                "the network has no classifier of persons to learn by; choose one that embeds persons, "
                "such as network.name=osnet_x0_25"
            )
        persons = len(self.trainer.datamodule.samples.persons)  # type: ignore[attr-defined]
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
            if self.triplet_distance == "cosine":
                embeddings = F.normalize(embeddings.float())
            triplet = batch_hard_triplet(embeddings, persons, self.triplet_margin)
            self.log("triplet", triplet)
            loss = loss + self.triplet_weight * triplet
        self.log("loss", loss, prog_bar=True)
        return loss

    def on_validation_epoch_start(self) -> None:
        self.metric = Retrieval()

    def validation_step(self, batch: tuple[Tensor, Tensor, Tensor], index: int) -> Any:
        images, persons, cameras = batch
        embeddings = F.normalize(self.network(images).float())
        found = embeddings.cpu().numpy()
        self.metric.update(found, persons.cpu().numpy(), cameras.cpu().numpy())
        return found

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


SYSTEMS = {"re-identification": (ReidTask, ReidData)}

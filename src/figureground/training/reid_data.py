"""The data of person re-identification: crops to learn from, crops to search for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from figureground import data
from figureground.data import Sighting
from figureground.data.crops import Crops
from figureground.data.transforms import read_photo
from figureground.errors import DataError, RecipeError
from figureground.recipes import at_least, within
from figureground.runtime.prepare import Input, prepare
from figureground.training.devices import learning_batches, validation_batches
from figureground.training.epochs import MOST_STEPS

IMAGENET = Input(128, 256, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))


class Sightings(Dataset[tuple[Tensor, int, int]]):
    """Crops as a search sees them: 3×H×W float32, number of the person, number of the camera."""

    def __init__(self, sightings: list[Sighting], spec: Input) -> None:
        self.sightings = sightings
        self.spec = spec
        persons = sorted({s.person for s in sightings})
        cameras = sorted({s.view for s in sightings})
        self.persons = {name: number for number, name in enumerate(persons)}
        self.cameras = {name: number for number, name in enumerate(cameras)}

    def __len__(self) -> int:
        return len(self.sightings)

    def __getitem__(self, index: int) -> tuple[Tensor, int, int]:
        sighting = self.sightings[index]
        image = torch.from_numpy(prepare(read_photo(sighting.image), self.spec)[0])
        return image, self.persons[sighting.person], self.cameras[sighting.view]


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
        zoom: float = 0.0,
        erasing: float = 0.5,
        colour: float = 0.0,
        hue: float = 0.0,
        batch_size: int = 64,
        steps_per_epoch: int = 500,
        workers: int = 1,
        cache: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        at_least(2, **{"data.batch_size": batch_size})
        within(1, MOST_STEPS, **{"data.steps_per_epoch": steps_per_epoch})
        at_least(0, **{"data.workers": workers, "data.pictures_per_person": pictures_per_person})
        within(0, 1, **{"data.erasing": erasing, "data.zoom": zoom})
        within(0, 10, **{"data.colour": colour})
        within(0, 180, **{"data.hue": hue})
        within(0, max(input.width, input.height), **{"data.padding": padding})
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
        by: dict[str, set[str]] = {}
        for s in searched:
            by.setdefault(s.person, set()).add(s.view)
        if not learnt or all(len(cameras) < 2 for cameras in by.values()):
            raise DataError(
                f"of the persons of {root}, {len(by)} would be held out and {len(learnt)} pictures of "
                "others learnt, but validation needs one whom two cameras saw; change data.val_share"
            )
        self.input = input
        self.batch_size = batch_size
        self.group = pictures_per_person or 1
        self.workers = workers
        self.steps_per_epoch = steps_per_epoch
        self.samples = Crops(
            learnt, input, pictures_per_person, padding, zoom, erasing, colour, hue, seed, cache
        )
        self.validation = Sightings(searched, input)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        return learning_batches(self)

    def val_dataloader(self) -> DataLoader[tuple[Tensor, int, int]]:
        return validation_batches(self, 4)  # few, so that each of many devices has some


def _of_set(folder: str, sightings: list[Sighting]) -> Iterator[Sighting]:
    """Person 7 and camera 1 of one set are not those of another."""
    for s in sightings:
        camera = None if s.camera is None else f"{folder}/{s.camera}"
        yield replace(s, person=f"{folder}/{s.person}", camera=camera)


def _spread(persons: list[str], share: float) -> set[str]:
    """ceil(share · n) of n persons, the same in each run, so that a later stage learns none of them."""
    count = max(1, round(share * len(persons)))
    return {persons[i] for i in np.linspace(0, len(persons) - 1, count).round().astype(int)}

"""The data of a training: samples by number cut into epochs, and what is validated after each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from figureground import data, recipes
from figureground.data.composition import Compositions
from figureground.data.listed import listed
from figureground.data.samples import Samples
from figureground.errors import DataError, RecipeError
from figureground.recipes import at_least, within
from figureground.runtime.prepare import Input
from figureground.training.devices import learning_batches, validation_batches

LARGEST = 8192  # side of a training picture
MOST_STEPS = 10_000_000  # of an epoch, whose samples are numbered beforehand


class Epochs(pl.LightningDataModule):
    """Epochs of `steps_per_epoch` batches of samples that none has had before.

    input: how a photo is prepared for validation and use. classes: names of the labels, if there are any.
    """

    def __init__(
        self,
        samples: Samples,
        validation: Dataset[tuple[Tensor, ...]],
        input: Input,
        steps_per_epoch: int,
        workers: int,
        classes: Sequence[str] = (),
    ) -> None:
        super().__init__()
        at_least(1, **{"data.batch_size": samples.batch_size})
        within(1, MOST_STEPS, **{"data.steps_per_epoch": steps_per_epoch})
        at_least(0, **{"data.workers": workers})
        for size in samples.sizes:
            for side in size:
                within(32, LARGEST, **{f"data.sizes {size}": side})
        if not samples.sizes:
            raise RecipeError("data.sizes is empty; expected [[width, height], ...]")
        self.samples = samples
        self.validation = validation
        self.input = input
        self.classes = tuple(classes)
        self.batch_size = samples.batch_size
        self.group = 1
        self.steps_per_epoch = steps_per_epoch
        self.workers = workers

    def train_dataloader(self) -> DataLoader[Any]:
        return learning_batches(self)

    def val_dataloader(self) -> DataLoader[Any]:
        return validation_batches(self, 1)


def learnt_and_held(
    name: str, root: Path, val_split: str, val_share: float
) -> tuple[list[data.Example], list[data.Example]]:
    """The training examples of a data set and those to validate on: its split `val_split`, or, where that
    is empty, the share `val_share` of the training examples, evenly spread, which then are not learnt."""
    examples = data.read(name, root, "train")
    if val_split:
        return examples, data.read(name, root, val_split)
    if not 0 < val_share < 1 or len(examples) < 2:
        raise RecipeError(
            f"data.val_share is {val_share} of {len(examples)} examples; expected a share above 0 and "
            "below 1 of two or more, or data.val_split=SPLIT"
        )
    count = min(max(1, round(val_share * len(examples))), len(examples) - 1)
    held = {(2 * i + 1) * len(examples) // (2 * count) for i in range(count)}
    return (
        [example for i, example in enumerate(examples) if i not in held],
        [example for i, example in enumerate(examples) if i in held],
    )


def beside(root: Path, collection: Path | None = None) -> Path:
    """The folder that lists of photos are relative to: the collection, or else the one that holds root."""
    return (collection or root.expanduser().resolve().parent).expanduser()


def picked(collection: Path, listings: Sequence[str], unsplit: str = "test") -> list[data.Example]:
    """The examples of list files in a folder, or else among the package's recipes/lists, that are for
    training; unsplit as of data.listed."""
    examples: list[data.Example] = []
    for name in listings:
        listing = collection / name
        if not listing.exists():
            listing = recipes.FOLDER / "lists" / name
        examples += data.checked(listed(collection, listing, "train", unsplit), str(listing))
    return examples


def compositions(
    people: list[data.Example],
    collection: Path,
    nobody: list[str],
    scenes: Sequence[str] = (),
    photo_share: float = 0.42,
    empty_share: float = 0.13,
    soft: bool = False,
    things: Sequence[str] = (),
) -> Compositions:
    """Pictures of these people before photos of nobody; nobody, scenes and things are list files, see
    `picked`."""
    within(0, 1, **{"data.photo_share": photo_share, "data.empty_share": empty_share})
    scenery = _outlined(picked(collection, scenes), "scenes")  # else people would be background
    objects = _outlined(picked(collection, things, unsplit="train"), "things")
    empty = picked(collection, nobody)
    return Compositions(people, empty, scenery, photo_share, empty_share, soft, objects)


def _outlined(examples: list[data.Example], what: str) -> list[data.Example]:
    """The examples, all of which have a mask or an alpha."""
    for example in examples:
        if example.mask is None and example.alpha is None:
            raise DataError(f"{example.image} is one of data.{what} but has no mask")
    return examples

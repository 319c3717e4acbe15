"""What a training leaves to look at: pictures of what is validated, with truth and answer side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from PIL import Image
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from figureground.data import Pixels
from figureground.evaluation.pictures import CELL, GAP, coloured, grey, ranked, side_by_side
from figureground.imaging.size import within
from figureground.imaging.write import encode, write
from figureground.runtime.prepare import Input, enlarge

SHOWN = 6
CROPS = 512  # of persons, among whom those shown are looked for


class Pictures(Callback):
    """RUN/pictures/step-….jpg, at the first validation after every so many steps, and at the last.

    A row per photo as the network sees it, its truth and the answer of the averaged weights; or per person
    searched for, the nearest by other cameras. From what the task's validation_step gives: the answer for
    one photo, H×W labels or floats, or the embeddings of a batch. every: 0 for no pictures.
    """

    def __init__(self, run: Path, every: int) -> None:
        self.folder = run / "pictures"
        self.every = every
        self.step = 0  # of the last validation
        self.due = False
        self.rows: list[Image.Image] = []
        self.crops: list[tuple[Pixels, int, int, NDArray[np.float32]]] = []

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]

    def on_validation_epoch_start(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        step, self.rows, self.crops = trainer.global_step, [], []
        passed = self.every and step // self.every > self.step // self.every
        last = self.every and step >= trainer.max_steps
        self.due, self.step = bool(passed or last) and trainer.is_global_zero, step

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,
        task: pl.LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if not self.due or outputs is None:
            return
        data: Any = trainer.datamodule  # type: ignore[attr-defined]
        if batch[1].ndim == 1:  # persons, by number
            images, persons, cameras = batch
            for each in zip(images, persons.tolist(), cameras.tolist(), outputs):
                if len(self.crops) < CROPS:
                    self.crops.append((_seen(each[0], data.input), *each[1:]))
        elif len(self.rows) < SHOWN:
            self.rows.append(_row(batch, outputs, data.input, len(data.classes)))

    def on_validation_epoch_end(self, trainer: pl.Trainer, task: pl.LightningModule) -> None:
        rows = self.rows + _searches(self.crops)
        if rows:
            size = max(row.width for row in rows), sum(row.height + GAP for row in rows)
            page = Image.new("RGB", size, "white")
            y = 0
            for row in rows:
                page.paste(row, (0, y))
                y += row.height + GAP
            write(self.folder / f"step-{self.step:06}.jpg", encode(np.asarray(page), "JPEG"))
        self.rows, self.crops = [], []


def _row(batch: Any, found: NDArray[Any], spec: Input, classes: int) -> Image.Image:
    """One photo 1×3×h×w with truths 1×H×W, and the answer H×W."""
    soft = np.issubdtype(found.dtype, np.floating)
    truth = batch[1 if soft else -1][0].cpu().numpy()  # of matting: alpha, trimap
    size = found.shape[1], found.shape[0]
    small = within(*size, CELL)
    photo = _seen(batch[0][0], spec, size, small)
    maps = [np.asarray(each if soft else each.astype(np.uint8)) for each in (truth, found)]
    if soft or classes <= 2:
        return side_by_side(photo, *(grey(each) for each in maps))
    nearest = [np.asarray(Image.fromarray(each).resize(small, 0)) for each in maps]
    return side_by_side(photo, *(coloured(photo, each) for each in nearest))


def _seen(
    image: Tensor,
    spec: Input,
    size: tuple[int, int] | None = None,
    shown: tuple[int, int] | None = None,
) -> Pixels:
    """What the network sees, 3×h×w, as H×W×3; if the photo's size is given, without padding."""
    values = image.float().cpu().numpy()
    mean, std = (np.array(each, np.float32)[:, None, None] for each in (spec.mean, spec.std))
    values = (values * std + mean) * 255
    if spec.channels == "bgr":
        values = values[::-1]
    if size is not None:
        values = np.stack([enlarge(channel, spec, *size, shown) for channel in values])
    return np.rint(values.clip(0, 255)).astype(np.uint8).transpose(1, 2, 0)


def _searches(crops: list[tuple[Pixels, int, int, NDArray[np.float32]]]) -> list[Image.Image]:
    """Some crops, each with those by other cameras that look most alike."""
    if not crops:
        return []
    vectors = np.stack([crop[3] for crop in crops])
    rows = []
    for asked in np.linspace(0, len(crops) - 1, min(SHOWN, len(crops))).round().astype(int):
        query, person, camera, vector = crops[asked]
        order = np.argsort(-(vectors @ vector), kind="stable").tolist()
        others = [crops[i] for i in order if crops[i][2] != camera]
        rows.append(ranked(query, [(crop[0], crop[1] == person) for crop in others[:SHOWN]]))
    return rows

"""What a training leaves behind or says at once: curves and pictures as files, a batch learnt by heart."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from figureground.cli import main
from figureground.runtime.prepare import Input, prepare
from figureground.training import overfit
from figureground.training.leaves import Pictures


def test_a_batch_is_learnt_by_heart(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    start = ["train", "osnet-x0.25/cuhk", "--smoke", "--overfit"]
    assert main([*start, "1"]) == 0
    shown = capsys.readouterr().out
    assert "by heart" in shown
    assert main([*start, "-1"]) == 1
    assert "--overfit is -1; expected" in capsys.readouterr().err


def test_what_stands_still_is_not_learnt(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overfit, "STEPS", 3)
    explodes = ["train", "osnet-x0.25/cuhk", "task.learning_rate=1e30", "--smoke"]
    assert main([*explodes, "--overfit", "1"]) == 1
    assert "lower task.learning_rate" in capsys.readouterr().err
    start = ["train", "osnet-x0.25/cuhk", "task.learning_rate=1e-9", "--smoke"]
    assert main([*start, "--overfit", "2"]) == 1
    shown = capsys.readouterr().out
    assert "in 6 steps the loss went from" in shown
    assert "not below half" in shown


class Validated:
    """What the callback asks of a trainer, and validations of it."""

    is_global_zero = True

    def __init__(self, pictures: Pictures, spec: Input, classes: int = 0, last: int = 1000) -> None:
        self.pictures = pictures
        self.max_steps = last
        self.datamodule = SimpleNamespace(input=spec, classes=range(classes))

    def __call__(self, step: int, *batches: tuple) -> None:
        self.global_step = step
        self.pictures.on_validation_epoch_start(self, None)
        for index, (batch, found) in enumerate(batches):
            self.pictures.on_validation_batch_end(self, None, found, batch, index)
        self.pictures.on_validation_epoch_end(self, None)

    def written(self) -> list[int]:
        return sorted(int(file.stem[5:]) for file in self.pictures.folder.glob("*.jpg"))


def halves(spec: Input) -> tuple:
    """A photo of 60×100, dark above and red below, and what is true: the lower half."""
    photo, truth = np.full((100, 60, 3), 40, np.uint8), np.zeros((100, 60), np.float32)
    photo[50:], truth[50:] = (200, 30, 30), 1
    return torch.from_numpy(prepare(photo, spec)), torch.from_numpy(truth)[None]


def test_pictures_are_made_every_so_many_steps(tmp_path: Path) -> None:
    spec = Input(32, 32)
    one = halves(spec), np.zeros((100, 60), np.float32)
    validated = Validated(Pictures(tmp_path, 100), spec)
    for step in (40, 80, 120, 160, 240):
        validated(step, one)
    assert validated.written() == [120, 240]
    again = Pictures(tmp_path, 100)  # gone on with
    again.load_state_dict(validated.pictures.state_dict())
    validated = Validated(again, spec)
    for step in (280, 320, 1000):
        validated(step, one)
    assert validated.written() == [120, 240, 320, 1000]
    validated = Validated(Pictures(tmp_path / "none", 0), spec)
    validated(1000, one)
    assert validated.written() == []


@pytest.mark.parametrize("resize", ["stretch", "fit", "pad"])
@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_photo_truth_and_answer_are_side_by_side(
    resize: str, channels: str, tmp_path: Path
) -> None:
    spec = Input(64, 64, resize, channels=channels)  # type: ignore[arg-type]
    image, truth = halves(spec)
    validated = Validated(Pictures(tmp_path, 1), spec)
    validated(1, ((image, truth), 1 - truth[0].numpy()))
    row = np.asarray(Image.open(tmp_path / "pictures" / "step-000001.jpg"), int)
    assert row.shape == (244, 440, 3)
    for x, above, below in ((72, 40, (200, 30, 30)), (220, 0, 255), (368, 255, 0)):
        assert abs(row[48, x] - above).max() < 12
        assert abs(row[192, x] - below).max() < 12


def test_classes_are_coloured_and_photos_counted(tmp_path: Path) -> None:
    spec = Input(64, 64)
    image, truth = halves(spec)
    labels = (2 * truth).long()
    validated = Validated(Pictures(tmp_path, 1), spec, classes=3)
    validated(1, *[((image, truth, labels), labels[0].numpy())] * 9)
    page = np.asarray(Image.open(tmp_path / "pictures" / "step-000001.jpg"), int)
    assert len(page) == 6 * 244  # of nine
    assert abs(page[48, 220] - 40).max() < 12
    assert abs(page[192, 220] - page[192, 368]).max() < 12
    assert abs(page[192, 220] - page[192, 72]).max() > 30


def test_those_found_are_framed(tmp_path: Path) -> None:
    """Two persons by two cameras; the second looks like the first to camera 1."""
    spec = Input(16, 32)
    batch = torch.zeros(4, 3, 32, 16), torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    found = np.float32([[1, 0], [0.9, 0.1], [0, 1], [0.8, 0.2]])
    validated = Validated(Pictures(tmp_path, 1), spec)
    validated(1, (batch, found))
    page = np.asarray(Image.open(tmp_path / "pictures" / "step-000001.jpg"), int)
    green, red = (31, 157, 97), (224, 69, 123)
    width = 60 + 8 + 4
    for row, colours in enumerate([(green, red)] * 3 + [(red, green)]):
        for place, colour in enumerate(colours, 1):
            x, y = place * width + 30, row * 132 + 1
            assert abs(page[y, x] - colour).max() < 40

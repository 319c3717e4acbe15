"""Bad input and bad luck: each ends in one clear line, nothing half-written, the last state whole."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from figureground import recipes
from figureground.cli import main
from figureground.errors import DataError, TrainingError
from figureground.training.saving import save_weights
from figureground.training.smoke import smoke
from figureground.training.stop import explained


def small(recipe: str, folder: Path, *overrides: str) -> str:
    """A recipe file for drawn data in folder/drawn."""
    file = folder / "small.yaml"
    file.write_text(yaml.safe_dump(smoke(recipes.load(recipe, overrides), folder)))
    return str(file)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line of the error."""
    errors = capsys.readouterr().err
    assert "Traceback" not in errors
    line = errors.strip().splitlines()[-1]
    assert line.startswith("figureground: ")
    return line


def train(recipe: str, run: Path, *overrides: str) -> int:
    return main(["train", recipe, *overrides, "--run", str(run)])


def test_an_empty_set_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = small("pp-humanseg-lite/people", tmp_path)
    for photo in (tmp_path / "drawn" / "train" / "images").iterdir():
        photo.unlink()
    assert train(recipe, tmp_path / "run") == 1
    assert "train" in said(capsys)
    assert not (tmp_path / "run").exists()


def test_one_class_only_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = small("u2netp/saliency", tmp_path, "data.name=pairs")
    for mask in (tmp_path / "drawn" / "train").glob("*/*.png"):
        Image.new("L", (72, 96)).save(mask)
    assert train(recipe, tmp_path / "run") == 1
    assert "hold 0 and nothing else: there are no two classes" in said(capsys)
    assert not list((tmp_path / "run").glob("*.safetensors"))


def test_one_person_only_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = small("osnet-x0.25/cuhk", tmp_path)
    for crop in (tmp_path / "drawn" / "bounding_box_train").iterdir():
        if not crop.name.startswith(("0001", "0002")):
            crop.unlink()
    assert train(recipe, tmp_path / "run", "data.val_share=0.5") == 1
    assert "no two classes" in said(capsys)


def test_a_batch_larger_than_the_set_is_said_and_learnt(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = small("osnet-x0.25/cuhk", tmp_path)
    more = ["data.batch_size=48", "data.pictures_per_person=4", "loop.max_steps=2"]
    assert train(recipe, tmp_path / "run", *more) == 0
    assert "data.batch_size is 48, more than the 32 pictures to learn" in capsys.readouterr().out


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_picture_is_passed_over_and_listed(
    workers: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe = small("pp-humanseg-lite/people", tmp_path, "data.pictures=published")
    photo = tmp_path / "drawn" / "train" / "images" / "3.jpg"
    photo.write_bytes(b"no picture")
    more = [f"data.workers={workers}", "loop.max_steps=2"]
    assert train(recipe, tmp_path / "run", *more) == 0
    shown = capfd.readouterr()
    assert (
        f"skipped 1 pictures that cannot be read, listed in {tmp_path}/run/skipped.txt" in shown.out
    )
    assert str(photo) in (tmp_path / "run" / "skipped.txt").read_text()
    assert str(photo) in shown.err
    assert train(recipe, tmp_path / "strict", *more, "loop.unreadable=stop") == 1
    assert str(photo) in said(capfd)
    assert not (tmp_path / "strict" / "skipped.txt").exists()


def test_an_unreadable_crop_gives_way_to_another_of_the_person(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = small("osnet-x0.25/cuhk", tmp_path)
    crops = sorted((tmp_path / "drawn" / "bounding_box_train").glob("0003*"))
    crops[0].write_bytes(b"no picture")
    more = ["loop.max_steps=4", "data.steps_per_epoch=4", "data.batch_size=16"]
    assert train(recipe, tmp_path / "run", *more) == 0
    assert "skipped 1 pictures" in capsys.readouterr().out
    for crop in crops:
        crop.write_bytes(b"no picture")
    assert train(recipe, tmp_path / "none", *more) == 1
    assert f"none of the {len(crops)} pictures of person ./0003 can be read" in said(capsys)


def test_an_unreadable_photo_of_validation_ends_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its figures tell which weights are best: they must be of the same photos each time."""
    recipe = small("pp-humanseg-lite/people", tmp_path)
    photo = tmp_path / "drawn" / "val" / "images" / "1.jpg"
    photo.write_bytes(b"no picture")
    assert train(recipe, tmp_path / "run", "loop.max_steps=1", "data.steps_per_epoch=1") == 1
    assert str(photo) in said(capsys)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Writing more to a file fails, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_leaves_the_last_state_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = small("osnet-x0.25/cuhk", tmp_path)
    run = tmp_path / "run"
    assert train(recipe, run, "loop.max_steps=2") == 0
    before = (run / "last.ckpt").read_bytes()
    with files_of_at_most(len(before) // 2):
        assert train(recipe, run) == 1
    assert f"cannot write {run}/last.ckpt (File too large)" in said(capsys)
    assert (run / "last.ckpt").read_bytes() == before
    assert not list(run.glob("*.part"))
    assert train(recipe, run) == 0
    assert torch.load(run / "last.ckpt", weights_only=False)["global_step"] == 4


def test_a_full_disk_leaves_the_last_weights_whole(tmp_path: Path) -> None:
    path = tmp_path / "last.safetensors"
    save_weights(torch.nn.Linear(9, 9), path, {})
    before = path.read_bytes()
    with files_of_at_most(50_000), pytest.raises(TrainingError, match="File too large"):
        save_weights(torch.nn.Linear(999, 999), path, {})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_loss_that_is_no_number_names_its_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for recipe, photos in (("shm/people", "train/images"), ("osnet-x0.25/cuhk", "bounding_box")):
        folder = tmp_path / recipe.replace("/", "-")
        folder.mkdir()
        file = small(recipe, folder, "task.warmup_steps=0")
        more = ["data.steps_per_epoch=1"]
        assert train(file, folder / "run", *more, "loop.max_steps=1") == 0
        state, weights = (folder / "run" / name for name in ("last.ckpt", "last.safetensors"))
        before = state.read_bytes(), load_file(weights)
        values = yaml.safe_load(Path(file).read_text())
        values["task"]["learning_rate"] = 1e30
        (folder / "wild.yaml").write_text(yaml.safe_dump(values))
        more = [
            "data.steps_per_epoch=4",
            "loop.max_steps=4",
            "loop.gradient_clip=0",
            f"init={weights}",
        ]
        assert train(str(folder / "wild.yaml"), folder / "wild", *more) == 1
        line = said(capsys)
        assert "lower task.learning_rate" in line
        named = (folder / "wild" / "not_a_number.txt").read_text().splitlines()
        assert named
        assert any(photos in name for name in named)
        assert all(Path(name).is_file() for name in named)
        assert named[0] in line
        assert state.read_bytes() == before[0]


def test_errors_of_torch_are_explained(tmp_path: Path) -> None:
    known = {
        torch.OutOfMemoryError("CUDA out of memory."): "loop.accumulate=2",
        RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed."): "data.workers",
        RuntimeError("[/gloo/transport/tcp/pair.cc:547] Connection closed by peer"): "is lost",
        torch.distributed.DistNetworkError("broken"): "is lost",
    }
    for error, words in known.items():
        assert words in str(explained(error, tmp_path))
    assert explained(RuntimeError("a defect"), tmp_path) is None
    raised = DataError(
        "Caught DataError in worker.\nTraceback …\nerrors.DataError: a.jpg is gone\n"
    )
    assert str(explained(raised, tmp_path)) == "a.jpg is gone"

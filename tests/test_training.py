"""Learn, stop, go on exactly, measure, export, use: the whole path on drawn people."""

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from figureground.cli import main
from figureground.training.curves import charts
from figureground.training.fit import moving_average
from figureground.training.schedule import polynomial
from figureground.training.segmentation import SegmentationTask

SMALL = [
    "data.sizes=[[64,64]]",
    "data.input={width: 64, height: 64}",
    "data.batch_size=4",
    "data.steps_per_epoch=3",
    "loop.log_every=1",
    "data.workers=0",
    "task.optimizer=sgd",
    "task.warmup_steps=0",
    "task.learning_rate=0.01",
]


def train(people: Path, run: Path, steps: int, *more: str) -> int:
    overrides = [f"data.root={people}", "data.nobody=[no_people.txt]", "data.scenes=[]"]
    overrides += [*SMALL, f"loop.max_steps={steps}", *more]
    return main(["train", "pp-humanseg-lite/people", *overrides, "--run", str(run)])


@pytest.fixture(scope="module")
def whole_run(people_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("run") / "whole"
    assert train(people_folder, run, 6) == 0
    return run


def test_a_run_leaves_its_weights_curves_and_recipe(whole_run: Path) -> None:
    for name in ("recipe.yaml", "best.safetensors", "last.safetensors", "last.ckpt"):
        assert (whole_run / name).is_file(), name
    curves = next(whole_run.glob("curves/*/metrics.csv")).read_text()
    assert "val/mean_iou" in curves
    weights = load_file(whole_run / "last.safetensors")
    assert all(value.isfinite().all() for value in weights.values())


def test_resume_after_kill_9_is_exact(people_folder: Path, whole_run: Path, tmp_path: Path) -> None:
    """Killed in the second epoch and started again, the weights are those of the run that was not."""
    run = tmp_path / "halves"
    child = subprocess.Popen([sys.executable, __file__, str(people_folder), str(run)])
    try:
        for _ in range(600):
            if (run / "second-epoch").exists():
                break
            assert child.poll() is None, "the training ended before it could be killed"
            time.sleep(0.1)
    finally:
        child.kill()
        child.wait()
    assert (run / "last.ckpt").is_file()
    assert train(people_folder, run, 6) == 0
    whole, halves = (load_file(folder / "last.safetensors") for folder in (whole_run, run))
    assert whole.keys() == halves.keys()
    for name in whole:
        assert torch.equal(whole[name], halves[name]), name
    assert charts(run) == charts(whole_run)
    written = [(folder / "last.safetensors").read_bytes() for folder in (whole_run, run)]
    assert written[0] == written[1]


def hang_in_second_epoch(people: Path, run: Path) -> None:
    """What the killed process runs: it stops to be killed once its second epoch is under way."""
    step = SegmentationTask.training_step

    def hang(self: SegmentationTask, *arguments: Any) -> torch.Tensor:
        if self.trainer.global_step == 4:
            (run / "second-epoch").touch()
            time.sleep(600)
        return step(self, *arguments)

    SegmentationTask.training_step = hang  # type: ignore[method-assign]
    train(people, run, 6)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loop.max_steps=-3", "loop.max_steps is -3"),
        ("data.seed=-1", "data.seed is -1; expected a whole number"),
        ("task.momentum=-1", "task.momentum is -1"),
        ("task.power=.nan", "task.power is nan"),
        ("task.weight_decay=.inf", "task.weight_decay is inf"),
        ("task.cross_entropy_weight=-1", "task.cross_entropy_weight is -1"),
        ("data.batch_size=1", "a share of data.batch_size being one picture"),
    ],
)
def test_what_cannot_be_trained_is_said(
    people_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    override: str,
    message: str,
) -> None:
    assert train(people_folder, tmp_path / "run", 2, override) == 1
    assert message in capsys.readouterr().err


def test_a_refused_command_leaves_the_run_as_it_was(people_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(people_folder, run, 3) == 0
    recipe = (run / "recipe.yaml").read_text()
    assert train(people_folder, run, 3, "loop.max_steps=-3") == 1
    assert (run / "recipe.yaml").read_text() == recipe
    assert train(people_folder, tmp_path / "new", 3, "loop.accumulate=3") == 1
    assert not (tmp_path / "new").exists()


def test_smoke_keeps_what_is_given(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "pp-humanseg-lite/human", "--smoke"]
    assert main([*command, "loop.max_steps=2", "loop.log_every=1"]) == 0
    assert "step 2/2" in capsys.readouterr().out
    assert main([*command, "data.batch_size=-7"]) == 1
    assert "data.batch_size is -7" in capsys.readouterr().err


def test_a_last_epoch_cut_short_is_validated_too(people_folder: Path, tmp_path: Path) -> None:
    assert train(people_folder, tmp_path / "short", 2) == 0
    assert (tmp_path / "short" / "best.safetensors").is_file()
    assert train(people_folder, tmp_path / "short", 4) == 0  # and a run can be made longer
    with safe_open(tmp_path / "short" / "last.safetensors", "np") as weights:
        assert weights.metadata()["step"] == "4"


def test_a_start_that_failed_does_not_spoil_the_folder(people_folder: Path, tmp_path: Path) -> None:
    assert train(people_folder, tmp_path / "run", 3, "task.learning_rate=1e18") == 1
    assert train(people_folder, tmp_path / "run", 3) == 0


def test_another_recipe_does_not_continue_a_run(
    people_folder: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(whole_run, tmp_path / "run"))
    assert train(people_folder, run, 6, "data.seed=5") == 1
    assert "holds a run by another recipe" in capsys.readouterr().err
    (run / "last.ckpt").unlink()
    assert train(people_folder, run, 6, "data.seed=5") == 1
    assert "holds a run by another recipe" in capsys.readouterr().err


def test_a_state_that_cannot_be_read_is_said(
    people_folder: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Path(shutil.copytree(whole_run, tmp_path / "run"))
    state = (run / "last.ckpt").read_bytes()
    for damaged in (state[: len(state) // 2], b"", b"not a state"):
        (run / "last.ckpt").write_bytes(damaged)
        assert train(people_folder, run, 9) == 1
        assert "last.ckpt cannot be read" in capsys.readouterr().err


def test_it_learns(people_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "longer"
    more = ["task.learning_rate=0.005", "task.optimizer=adamw", "data.steps_per_epoch=30"]
    assert train(people_folder, run, 60, *more, "loop.ema=0.9") == 0
    curves = next(run.glob("curves/*/metrics.csv")).read_text().splitlines()
    column = curves[0].split(",").index("val/mean_iou")
    figures = [line.split(",")[column] for line in curves[1:]]
    assert max(float(f) for f in figures if f) > 0.5


def test_evaluate_and_export_a_run(
    people_folder: Path, whole_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--root", str(people_folder), "--json"]
    assert main(["evaluate", str(whole_run), *options]) == 0
    by_torch = capsys.readouterr().out
    assert main(["export", str(whole_run), "-o", str(tmp_path), "--storage", "float32"]) == 0
    assert "answers differ by at most" in capsys.readouterr().out
    card = str(tmp_path / "my-people.md")
    assert main(["evaluate", card, *options]) == 0
    by_onnx = capsys.readouterr().out
    for name, value in json.loads(by_torch).items():
        if name != "model":
            assert json.loads(by_onnx)[name] == pytest.approx(value, abs=1e-6), name
    assert main(["models", "verify", card]) == 0
    assert main(["export", str(whole_run), "-o", str(tmp_path), "--name", "half"]) == 0
    assert main(["export", str(whole_run), "-o", str(tmp_path), "--name", "../up"]) == 1
    small, large = (tmp_path / f"{name}.onnx" for name in ("half", "my-people"))
    assert small.stat().st_size < 0.6 * large.stat().st_size


def test_export_refuses_a_file_that_answers_otherwise(
    whole_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from figureground import export
    from figureground.errors import ExportError

    true = export.to_onnx

    def wrong(network: torch.nn.Module, *others: object) -> None:
        with torch.no_grad():
            next(network.parameters()).add_(0.5)
            true(network, *others)  # type: ignore[arg-type]
            next(network.parameters()).sub_(0.5)

    monkeypatch.setattr(export, "to_onnx", wrong)
    with pytest.raises(ExportError, match="nothing was written"):
        export.export_run(whole_run, tmp_path, "wrong")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data.root=/none"], "not a folder"),
        (["network.name=nope"], "network.name is 'nope'"),
        (["loop.device=cuda"], "no CUDA device"),
        (["optimiser.lr=1"], "unknown recipe sections: optimiser"),
        (["init=/none.safetensors"], "no weights at /none.safetensors"),
        (["data.nobody=[none.txt]"], "cannot read the list"),
        (["data.root=["], "data.root is not YAML"),
        (["data.sizes=[[64,100000]]"], "data.sizes (64, 100000) is 100000; expected 32 up to 8192"),
        (["data.photo_share=2"], "data.photo_share is 2.0; expected 0 up to 1"),
        (["loop.devices=500", "data.batch_size=500"], "loop.devices is 500; expected at most"),
        (
            ["data.steps_per_epoch=99999999999"],
            "data.steps_per_epoch is 99999999999; expected 1 up to",
        ),
        (["network.num_classes=2000000"], "num_classes is 2000000; expected a whole number"),
        (["loop.threads=99999"], "loop.threads is 99999; expected 1 up to"),
        (["data.workers=9999999"], "data.workers is 9999999; expected at most"),
        (["network.num_classes=-3"], "num_classes is -3; expected a whole number, 1 up to"),
        (["network=foo"], "network is 'foo'; expected network.KEY=VALUE"),
        (["loop.max_steps=0"], "loop.max_steps is 0; expected 1 or more"),
        (["data.batch_size=0"], "data.batch_size is 0; expected 1 or more"),
        (["data.sizes=[]"], "data.sizes is empty"),
        (["task.learning_rate=nan"], "task.learning_rate"),
        (["task.learning_rate=1e18"], "lower task.learning_rate"),
        (["loop.monitor=bogus"], "bogus"),
        (["task.warmup_steps=null"], "task.warmup_steps is empty; expected a value"),
        (["data.sizes="], "data.sizes is empty"),
        (["loop.precision=null"], "loop.precision is empty"),
        (["init=null"], "init is None; expected a model"),
    ],
)
def test_bad_recipes_end_in_one_line(
    people_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    overrides: list[str],
    message: str,
) -> None:
    if torch.cuda.is_available() and "CUDA" in message:
        pytest.skip("there is a CUDA device")
    assert train(people_folder, tmp_path / "run", 3, *overrides) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert message in errors[-1]
    assert errors[-1].startswith("figureground: ")


def test_a_run_is_no_place_for_other_files(
    people_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(people_folder.rglob("*"))
    assert train(people_folder, people_folder, 3) == 1
    assert "is not empty and holds no run; choose another --run" in capsys.readouterr().err
    assert sorted(people_folder.rglob("*")) == before


@pytest.mark.parametrize("init", ["", "last.ckpt"])
def test_a_run_starts_from_another(
    people_folder: Path,
    whole_run: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    init: str,
) -> None:
    start = f"init={whole_run / init}"
    assert train(people_folder, tmp_path / "run", 1, start, "loop.max_steps=1") == 0
    tensors = len(load_file(whole_run / "last.safetensors"))
    assert f": {tensors} tensors matched" in capsys.readouterr().out


def test_polynomial_decay_is_paddles(goldens: Path) -> None:
    expected = json.loads((goldens / "losses_metrics_paddle.json").read_text())
    values = expected["poly_lr_0.001_1000[0,1,500,999,1000]"]
    factor = polynomial(1000)
    found = [0.001 * factor(t) for t in (0, 1, 500, 999, 1000)]
    np.testing.assert_allclose(found, values, rtol=1e-6, atol=1e-12)
    assert [polynomial(10, 1.0, warmup=4)(t) for t in (0, 1)] == [0.25, 0.5 * 0.9]


def test_the_average_starts_at_the_weights() -> None:
    average = moving_average(0.99)
    for updates, share in ((1, 2 / 11), (10**6, 0.99)):
        means = [torch.zeros(1), torch.ones(2, 3)]
        average(means, [torch.ones(1), torch.full((2, 3), 3.0)], torch.tensor(updates))
        assert means[0].item() == pytest.approx(1 - share)
        torch.testing.assert_close(means[1], torch.full((2, 3), 1 + 2 * (1 - share)))
    counters = [torch.tensor(3)]
    average(counters, [torch.tensor(7)], torch.tensor(1))
    assert counters[0].item() == 7


if __name__ == "__main__":
    hang_in_second_epoch(Path(sys.argv[1]), Path(sys.argv[2]))

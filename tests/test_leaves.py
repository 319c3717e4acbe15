"""What a training leaves behind or says at once: curves and pictures as files, a batch learnt by heart."""

from pathlib import Path

import pytest

from figureground.cli import main
from figureground.training import overfit


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
    start = ["train", "osnet-x0.25/cuhk", "task.learning_rate=1e-9", "--smoke"]
    assert main([*start, "--overfit", "2"]) == 1
    shown = capsys.readouterr().out
    assert "in 6 steps the loss went from" in shown
    assert "not below half" in shown

"""Eight-bit variants of a model that ships; other exports are in test_training and test_import."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground.cli import main


def test_int8(photo: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for turned in range(2):
        Image.fromarray(np.ascontiguousarray(photo[:, :: 1 - 2 * turned])).save(
            photos / f"{turned}.png"
        )
    out = tmp_path / "out"
    options = ["--storage", "int8", "-o", str(out), "--name", "small"]
    assert main(["export", "pp-humanseg-lite", *options, "--photos", str(photos)]) == 0
    assert "on 2 photos" in capsys.readouterr().out
    small, full = fg.load(out / "small.md"), fg.load("pp-humanseg-lite")
    assert np.abs(small(photo) - full(photo)).mean() < 0.02
    assert (out / "small.onnx").stat().st_size < 4e6
    assert main(["models", "verify", str(out / "small.md")]) == 0
    assert fg.load(out / "small.onnx").name == "small"  # the card inside


def test_int8_needs_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--storage", "int8", "-o", str(tmp_path / "out")]
    for extra, message in (
        ([], "--photos is ''"),
        (["--photos", str(tmp_path)], "there are no photos"),
    ):
        assert main(["export", "pp-humanseg-lite", *options, *extra]) == 1
        assert message in capsys.readouterr().err
    assert main(["export", "pp-humanseg-lite", "-o", str(tmp_path)]) == 1
    assert "no run folder" in capsys.readouterr().err

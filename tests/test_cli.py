"""The command line as a whole: quick, light, and never a traceback."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from figureground.cli import VERBS, main

HEAVY = ("torch", "onnxruntime", "numpy", "PIL", "cv2", "yaml", "jsonargparse")


@pytest.mark.parametrize(
    "code", ["import figureground", "from figureground.cli import main; main(['cutout', '--help'])"]
)
def test_starting_loads_nothing_heavy(code: str) -> None:
    check = f"import sys\ntry:\n    {code}\nexcept SystemExit: pass\n"
    check += f"sys.exit(' '.join(m for m in {HEAVY} if m in sys.modules) or 0)"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_use_needs_no_torch(photo_path: Path, people_folder: Path, tmp_path: Path) -> None:
    """The base install: with torch, OpenCV and the rest of [train] out of reach, the main job works."""
    absent = ("torch", "cv2", "pytorch_lightning", "jsonargparse", "safetensors", "onnx", "rich")
    check = f"import sys\nfor name in {absent}: sys.modules[name] = None\n"
    check += "from figureground.cli import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", check]
    cut = [*command, "cutout", str(photo_path), "-o", str(tmp_path / "a.png")]
    subprocess.run(cut, check=True, capture_output=True)
    assert Image.open(tmp_path / "a.png").mode == "RGBA"
    evaluate = [*command, "evaluate", "pp-humanseg-lite", "--root", str(people_folder)]
    subprocess.run(evaluate, check=True, capture_output=True)
    train = [*command, "train", "pp-humanseg-lite/people", "data.root=x"]
    done = subprocess.run(train, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'figureground[train]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([verb, "--help"])
    assert stop.value.code == 0
    assert f"usage: figureground {verb}" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["nope"], ["cutout"], ["cutout", "a", "--nope"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("figureground")
    assert said.count("\n") == 1
    assert "--help`" in said


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("figureground 0.")


def test_demo_shows_three_panels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "demo.png"
    assert main(["demo", "-o", str(target)]) == 0
    assert np.asarray(Image.open(target)).shape == (512, 3 * 512, 3)
    assert str(target) in capsys.readouterr().out


def test_bench_measures_every_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--runs", "1"]) == 0
    table = capsys.readouterr().out
    for word in ("1 thread", "2 thread", "decode", "compose", "encode", "640x480", "12 MP", "peak"):
        assert word in table


def test_doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FIGUREGROUND_HOME", str(tmp_path / "models"))
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "onnxruntime" in said
    assert "all is well" in said
    monkeypatch.setenv("FIGUREGROUND_HOME", "/proc/figureground")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert main(["doctor", "--json"]) == 1
    assert "set FIGUREGROUND_HOME" in capsys.readouterr().out

"""`figureground parse`, by a model of one convolution."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from figureground.cli import main
from figureground.hub.card import Card, File, front_matter
from figureground.hub.digest import sha256
from figureground.runtime.prepare import Input


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class 0 where it is dark, 1 where red leads, 2 where blue does."""
    folder = tmp_path_factory.mktemp("model")
    kernel = np.array([[0, 0, 0], [1, 0, -1], [-1, 0, 1]], np.float32).reshape(3, 3, 1, 1)
    shape = ["n", 3, "h", "w"]
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "kernel"], ["logits"])],
        "one",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(kernel, "kernel")],
    )
    file = folder / "colours.onnx"
    opset = helper.make_opsetid("", 20)
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=10), file)
    card = Card(
        name="colours",
        task="semantic-segmentation",
        network={"name": "one"},
        input=Input(64, 64, "pad"),
        output="class-logits",
        classes=("dark", "red", "blue"),
        files=(File(file.name, sha256(file)),),
        path=folder / "colours.md",
    )
    card.path.write_text(f"---\n{front_matter(card)}---\n\nA test.\n")
    return card.path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    pixels = np.zeros((60, 90, 3), np.uint8)
    pixels[:, 30:60, 0] = 255
    pixels[:, 60:, 2] = 255
    path = tmp_path / "picture.png"
    Image.fromarray(pixels).save(path)
    return path


def test_labels_and_overlay(
    model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.png"
    command = ["parse", str(picture), "-o", str(out), "--model", str(model)]
    assert main([*command, "--labels", "--json"]) == 0
    line = json.loads(capsys.readouterr().out)
    assert set(line["classes"]) == {"dark", "red", "blue"}
    assert line["classes"]["red"] == pytest.approx(1 / 3, abs=0.05)
    found = np.asarray(Image.open(out))
    assert found.shape == (60, 90)
    assert [found[30, x] for x in (10, 45, 80)] == [0, 1, 2]
    assert main(command) == 0
    assert "red 3" in capsys.readouterr().out
    shown = np.asarray(Image.open(out))
    assert shown[30, 10].tolist() == [0, 0, 0]
    assert shown[30, 45].tolist() != [255, 0, 0]


def test_standard_input_to_standard_output(model: Path, picture: Path) -> None:
    command = [sys.executable, "-m", "figureground", "parse", "-", "-o", "-", "--model", str(model)]
    content = picture.read_bytes()
    done = subprocess.run([*command, "--labels"], input=content, capture_output=True, check=True)
    found = np.asarray(Image.open(io.BytesIO(done.stdout)))
    assert [found[30, x] for x in (10, 45, 80)] == [0, 1, 2]


def test_what_cannot_be_parsed(
    model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, message in (
        ([str(picture), "-o", str(picture)], "is the input"),
        ([str(picture), "-o", "a.jpg", "--labels"], "would change class numbers"),
        (["none.png", "-o", str(tmp_path / "o.png")], "none.png"),
        ([str(picture)] * 2 + ["-o", str(tmp_path / "d")], "is named twice; name it once"),
    ):
        assert main(["parse", *arguments, "--model", str(model)]) == 1
        assert message in capsys.readouterr().err
    person = ["parse", str(picture), "-o", "o.png", "--model", "pp-humanseg-lite"]
    assert main(person) == 1
    assert "gives no class labels" in capsys.readouterr().err

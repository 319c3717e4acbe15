"""Eight-bit variants of a model that ships; other exports are in test_training and test_import."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from onnx import numpy_helper
from PIL import Image

import figureground as fg
from figureground import hub
from figureground.cli import main
from figureground.hub.card import File, front_matter
from figureground.hub.digest import sha256
from figureground.training.unfold import read_onnx


def test_int8(
    photo: np.ndarray, people_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for turned in range(2):
        Image.fromarray(np.ascontiguousarray(photo[:, :: 1 - 2 * turned])).save(
            photos / f"{turned}.png"
        )
    out = tmp_path / "out"
    options = ["--storage", "int8", "-o", str(out), "--name", "small", "--photos", str(photos)]
    data = ["--root", str(people_folder), "--split", "val"]
    assert main(["export", "pp-humanseg-lite", *options, *data]) == 0
    said = capsys.readouterr().out
    assert "on 2 photos" in said
    assert "on 3 photos of people/val, before and after" in said
    small, full = fg.load(out / "small.md"), fg.load("pp-humanseg-lite")
    assert np.abs(small(photo) - full(photo)).mean() < 0.02
    assert (out / "small.onnx").stat().st_size < 4e6
    assert main(["models", "verify", str(out / "small.md")]) == 0
    assert fg.load(out / "small.onnx").name == "small"  # the card inside
    again = ["--storage", "int8", "-o", str(out), "--name", "again", "--photos", str(photos)]
    for options, message in (
        (again, "computes in 8 bits already; give the model that it was made from"),
        (["--storage", "int8-weights", *again[2:6]], "holds weights of 8 bits already"),
    ):
        assert main(["export", str(out / "small.md"), *options]) == 1
        assert message in capsys.readouterr().err
    assert sorted(file.name for file in out.iterdir()) == ["small.md", "small.onnx"]


def test_int8_weights(
    photo: np.ndarray, people_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """About half of the float16 file, nearly the same answers, and still a start for training."""
    options = ["--storage", "int8-weights", "-o", str(tmp_path), "--name", "rounded"]
    data = ["--root", str(people_folder), "--split", "val"]
    assert main(["export", "pp-humanseg-lite", *options, *data]) == 0
    said = capsys.readouterr().out
    assert "weights rounded to 8 bits" in said
    assert "on 3 photos of people/val, before and after" in said
    rounded, full = tmp_path / "rounded.onnx", hub.local(hub.card("pp-humanseg-lite"))
    assert rounded.stat().st_size < 0.65 * full.stat().st_size
    assert np.abs(fg.load(rounded)(photo) - fg.load("pp-humanseg-lite")(photo)).mean() < 0.005
    stored, before = read_onnx(rounded), read_onnx(full)
    assert stored.keys() == before.keys()
    for name, values in before.items():
        step = values.flatten(1).abs().amax(1) / 127 if values.ndim > 1 else values * 0
        off = (stored[name] - values).abs().reshape(len(step), -1).amax(1)
        assert (off <= 0.501 * step + 1e-6).all(), name


def scaled(folder: Path, name: str, factor: float) -> Path:
    """The card of pp-humanseg-lite with its weights times `factor`."""
    shipped = hub.card("pp-humanseg-lite")
    model = onnx.load(hub.local(shipped))
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if np.issubdtype(values.dtype, np.floating):
            values = (values * factor).astype(values.dtype)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, folder / f"{name}.onnx")
    file = File(f"{name}.onnx", sha256=sha256(folder / f"{name}.onnx"))
    path = folder / f"{name}.md"
    path.write_text(
        f"---\n{front_matter(replace(shipped, name=name, files=[file]))}---\n\nScaled.\n"
    )
    return path


def test_a_mean_of_models(
    photo: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of weights times 0.75 and 1.25 it is the weights."""
    cards = [str(scaled(tmp_path, f"times-{factor}", factor)) for factor in (0.75, 1.25)]
    assert main(["average", *cards, "-o", str(tmp_path), "--name", "middle"]) == 0
    assert "the mean of 2 models" in capsys.readouterr().out
    middle = tmp_path / "middle.md"
    assert main(["models", "verify", str(middle)]) == 0
    assert hub.card(str(middle)).figures == {}
    shipped = fg.load("pp-humanseg-lite")
    assert np.abs(fg.load(middle)(photo) - shipped(photo)).max() < 0.02
    assert np.abs(fg.load(cards[0])(photo) - shipped(photo)).max() > 0.1
    assert fg.load(middle.with_suffix(".onnx")).name == "middle"  # the card inside
    text = Path(cards[1]).read_text()
    short = re.sub(r"  (mean|std):\n(  - 0\.5\n){3}", "", text)  # leaves out what is the default
    assert short != text
    Path(cards[1]).write_text(short)
    assert main(["average", *cards, "-o", str(tmp_path), "--name", "again"]) == 0


def test_models_that_have_no_mean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["-o", str(tmp_path), "--name"]
    rounded = str(tmp_path / "rounded.md")
    whole = ["export", "pp-humanseg-lite", "--storage", "int8-weights", *out, "rounded"]
    assert main(whole) == 0
    for cards, message in (
        (["pp-humanseg-lite"], "a mean of 1 models was asked for"),
        (["pp-humanseg-lite", "u2netp-people"], "u2netp-people is not pp-humanseg-lite's network"),
        (["pp-humanseg-lite", rounded], "holds weights of 8 bits"),
        ([rounded, rounded], "holds weights of 8 bits"),
    ):
        assert main(["average", *cards, *out, "mean"]) == 1
        assert message in capsys.readouterr().err
    assert not (tmp_path / "mean.md").exists()


def test_int8_needs_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = ["export", "pp-humanseg-lite", "--storage", "int8-weights", "-o", str(tmp_path)]
    assert main([*other, "--photos", str(tmp_path)]) == 1
    assert "--photos is for --storage int8, not int8-weights" in capsys.readouterr().err
    options = ["--storage", "int8", "-o", str(tmp_path / "out")]
    for extra, message in (
        ([], "--photos is ''"),
        (["--photos", str(tmp_path)], "there are no photos"),
    ):
        assert main(["export", "pp-humanseg-lite", *options, *extra]) == 1
        assert message in capsys.readouterr().err
    assert main(["export", "pp-humanseg-lite", "-o", str(tmp_path)]) == 1
    assert "no run folder" in capsys.readouterr().err


def test_means_of_whole_maps_are_pooled(tmp_path: Path) -> None:
    """Over both axes; others stay means."""
    import torch

    from figureground.export.graph import prove, to_onnx
    from figureground.runtime.prepare import Input

    class Means(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            whole = image.mean((2, 3), keepdim=True) * image.mean((-2, -1), keepdim=True)
            return whole + image.mean(2, keepdim=True) + image.mean((2, 3))[:, :, None, None]

    spec = Input(64, 96)
    to_onnx(Means(), spec, "saliency", tmp_path / "means.onnx")
    assert prove(tmp_path / "means.onnx", Means(), spec) < 1e-6
    graph = onnx.load(tmp_path / "means.onnx").graph
    used = {name for node in graph.node for name in node.input}
    assert {tensor.name for tensor in graph.initializer} <= used
    kinds = [node.op_type for node in graph.node]
    assert kinds.count("GlobalAveragePool") == 2
    assert kinds.count("ReduceMean") == 2


@pytest.mark.parametrize(
    ("shape", "axes", "pooled"),
    [
        ([2, 3, 8, 8], [3, 2], True),
        ([2, 3, 8, 8], [-1, 3], False),
        ([2, 8, 8], [-2, -1], False),
        ([2, 3, 4, 8, 8], [2, 3], False),
    ],
)
def test_only_maps_are_pooled(shape: list[int], axes: list[int], pooled: bool) -> None:
    from onnx import TensorProto, helper

    from figureground.export.graph import pool_whole_maps

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x", "axes"], ["y"])],
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [helper.make_tensor("axes", TensorProto.INT64, [2], axes)],
    )
    model = helper.make_model(graph)
    pool_whole_maps(model)
    assert (model.graph.node[0].op_type == "GlobalAveragePool") == pooled


@pytest.mark.parametrize("name", ["pp-humanseg-lite", "refinenet-saliency", "osnet-x0.25"])
def test_torchscript(name: str, tmp_path: Path) -> None:
    """What the engine answers, with what is behind the network (whitening) or left of it (one map)."""
    import torch

    command = ["export", name, "--storage", "torchscript", "-o", str(tmp_path), "--name", "script"]
    assert main(command) == 0
    (file,) = tmp_path.iterdir()
    said = {"figureground": ""}
    script = torch.jit.load(file, _extra_files=said)  # type: ignore[no-untyped-call]
    assert yaml.safe_load(said["figureground"])["output"] == hub.card(name).output
    pictures = np.random.default_rng(0).standard_normal((2, 3, 160, 96), np.float32)
    expected = fg.load(name).session.run(pictures)
    np.testing.assert_allclose(script(torch.from_numpy(pictures)).numpy(), expected, atol=1e-4)


def test_no_torchscript(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export = ["export", "pp-humanseg-lite", "--storage", "torchscript", "-o", str(tmp_path)]
    assert main([*export, "--root", "data"]) == 1
    assert "--root is for ONNX files" in capsys.readouterr().err
    card = hub.card("pp-humanseg-lite")
    other = tmp_path / "other.onnx"
    model = onnx.load(hub.local(card))
    for tensor in model.graph.initializer:
        tensor.name = f"x{tensor.name}"
    names = {tensor.name for tensor in model.graph.initializer}
    for node in model.graph.node:
        node.input[:] = [f"x{name}" if f"x{name}" in names else name for name in node.input]
    onnx.save(model, other)
    capsys.readouterr()
    assert main(["export", str(other), *export[2:], "--name", "foreign"]) == 1
    assert "was not written by export" in capsys.readouterr().err
    assert not (tmp_path / "foreign.torchscript").exists()

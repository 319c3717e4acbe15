"""A checkpoint of another framework becomes a model that runs, or nothing at all."""

from pathlib import Path

import numpy as np
import pytest
import torch

import figureground as fg
from figureground import hub, networks
from figureground.cli import main
from figureground.hub.card import front_matter

NAME = "osnet_x0_25"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As torchreid saves from several GPUs."""
    torch.manual_seed(0)
    network = networks.build(NAME, num_classes=7)
    state = {f"module.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path_factory.mktemp("import") / "model.pth.tar-60"
    torch.save({"state_dict": state, "epoch": 60}, path)
    return path


@pytest.fixture(scope="module")
def imported(checkpoint: Path) -> Path:
    folder = checkpoint.parent / "out"
    assert main(["import", str(checkpoint), "--as", NAME, "-o", str(folder), "--name", "mine"]) == 0
    return folder / "mine.md"


def test_what_is_imported_answers_as_the_network_does(
    imported: Path, checkpoint: Path, photo: np.ndarray
) -> None:
    card = hub.card(str(imported))
    assert card.network == {"name": NAME, "num_classes": 7}
    model = fg.load(imported)
    from figureground.runtime.prepare import prepare

    network = networks.build(NAME, num_classes=7).eval()
    tensors = networks.from_foreign(NAME, fg.checkpoints.read(checkpoint))
    network.load_state_dict(tensors)
    with torch.inference_mode():
        expected = network(torch.from_numpy(prepare(photo, card.input)))[0].numpy()
    np.testing.assert_allclose(model(photo), expected / np.linalg.norm(expected), atol=1e-4)


def test_the_onnx_file_carries_its_card(
    imported: Path, photo: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes(imported.with_suffix(".onnx").read_bytes())
    assert (
        b"networks/osnet.py" not in alone.read_bytes()
    )  # where it was traced is nobody's business
    assert hub.card(str(alone)).input == hub.card(str(imported)).input
    np.testing.assert_array_equal(fg.load(alone)(photo), fg.load(imported)(photo))
    card = hub.card(str(imported))
    assert {f.name for f in card.files} == {"mine.onnx", "mine.safetensors"}
    assert "files" in front_matter(card)
    assert main(["models", "info", str(alone)]) == 0
    assert "name: mine" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--as", "osnet_x0_5"], "mismatched: stem.conv.weight (has (16, 3, 7, 7), expected (32,"),
        (["--as", "u2netp"], "no tensor has a place in it"),
        (["--as", "resnet"], "unknown network 'resnet'; expected one of osnet_"),
        (["--as", NAME, "num_classes=8"], "2 mismatched: classifier.weight"),
        (["--as", NAME, "width=8"], "cannot build osnet_x0_25"),
        (["--as", NAME, "width"], "'width' is not KEY=VALUE"),
        (["--as", NAME, "num_classes=["], "num_classes is not YAML"),
        (
            ["--as", NAME, "num_classes=-3"],
            "num_classes is -3; expected a whole number, 1 up to 1000000",
        ),
        (["--as", "shm_matte"], "cannot answer for a photo alone"),
    ],
)
def test_what_does_not_fit_is_refused(
    checkpoint: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert main(["import", str(checkpoint), *arguments, "-o", str(tmp_path / "out")]) == 1
    errors = capsys.readouterr().err.strip()
    assert message in errors
    assert "\n" not in errors
    assert not (tmp_path / "out").exists()


def test_loose_keeps_what_fits(checkpoint: Path) -> None:
    from figureground.importing import filled, match

    tensors = networks.from_foreign(NAME, fg.checkpoints.read(checkpoint))
    del tensors["fc.0.weight"]
    tensors["extra"] = torch.zeros(1)
    network = networks.build(NAME, num_classes=8)
    found = match(network, tensors)
    assert (found.missing, found.unexpected) == (["fc.0.weight"], ["extra"])
    assert [line.split(" ")[0] for line in found.mismatched] == [
        "classifier.weight",
        "classifier.bias",
    ]
    assert "1 missing: fc.0.weight; 1 unexpected: extra; 2 mismatched" in str(found)
    kept = filled(NAME, {"num_classes": 8}, {n: tensors[n] for n in found.matched})
    for name in found.matched:
        assert torch.equal(kept.state_dict()[name], tensors[name])


@pytest.mark.parametrize("name", networks.names())
def test_our_own_names_are_left_alone(name: str) -> None:
    """Weights that figureground saved can be imported too."""
    with torch.device("meta"):
        own = networks.build(name).state_dict()
    module = __import__(networks.builders()[name].__module__, fromlist=["from_foreign"])
    assert list(module.from_foreign(own)) == list(own)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("pp_humansegv2_lite", {"levels": 3, "num_classes": 4}),
        ("pp_humansegv2_mobile", {"num_classes": 5}),
        ("refinenet50", {"num_classes": 3, "family": "torch"}),
        ("osnet_ain_x0_25", {"num_classes": 9}),
        ("u2netp", {"family": "torch"}),
        ("shm", {}),
    ],
)
def test_arguments_are_read_off_the_tensors(name: str, arguments: dict[str, object]) -> None:
    with torch.device("meta"):
        own = networks.build(name, **arguments).state_dict()
    assert networks.infer(name, own, own) == arguments


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "network"),
    [
        ("mindspore_osnet_x1_0.ckpt", "osnet_x1_0"),
        ("paddle_pphumansegv2_lite_portrait.pdparams", "pp_humansegv2_lite"),
        ("u2netp.pth", "u2netp"),
    ],
)
def test_real_files_of_each_framework(
    goldens: Path, tmp_path: Path, photo: np.ndarray, file: str, network: str
) -> None:
    path = goldens.parent / "checkpoints" / file
    assert main(["import", str(path), "--as", network, "-o", str(tmp_path), "--name", "it"]) == 0
    answer = fg.load(tmp_path / "it.md")(photo)
    assert answer.shape in (photo.shape[:2], (512,))
    assert np.isfinite(answer).all()

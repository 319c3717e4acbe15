"""Every card that ships says what it must, and its file is the one it describes."""

from pathlib import Path

import numpy as np
import pytest

import figureground as fg
from figureground import hub
from figureground.cli import main
from figureground.errors import CardError
from figureground.runtime.prepare import Input, prepare


@pytest.mark.parametrize("name", hub.names())
def test_shipped_card(name: str, photo: np.ndarray) -> None:
    card = hub.card(name)
    assert card.name == name
    assert card.weights.stat().st_size <= 8e6
    assert hub.verified(card.path) == card.weights
    assert {"code", "weights", "data", "commercial"} <= set(card.licences)
    assert card.figures
    for heading in ("Data", "Training", "Figures", "Limits", "Whom the photos show"):
        assert f"## {heading}" in card.text
    assert fg.load(name)(photo).mean() > 0.2


def test_models_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert main(["models", "info", "pp-humanseg-lite"]) == 0
    assert main(["models", "verify"]) == 0
    said = capsys.readouterr().out
    assert "sha256" in said
    assert main(["models", "info"]) == 1
    assert "expected one of pp-humanseg-lite" in capsys.readouterr().err


def test_wrong_weights_are_refused(tmp_path: Path) -> None:
    card = hub.card("pp-humanseg-lite")
    copy = tmp_path / card.path.name
    copy.write_bytes(card.path.read_bytes())
    with pytest.raises(CardError, match="should be at"):
        fg.load(str(copy))
    (tmp_path / card.file).write_bytes(card.weights.read_bytes()[:-1])
    with pytest.raises(CardError, match=r"sha256 is .*, expected"):
        fg.load(str(copy))


def test_what_is_no_card(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    for text, message in {
        "no front matter": "is not a card",
        "---\nname: [\n---\n": "is not a card",
        "---\nname: a\ninput: {width: 8, height: 8}\n---\n": "missing or unknown entry",
        "---\ninput: {width: 8, height: 8, resize: crop}\n---\n": "resize 'crop'",
        "---\ninput: {widht: 8}\n---\n": "widht",
        "---\ninput: {width: 8, height: 8, std: [0, 1, 1]}\n---\n": "std above 0",
        "---\ninput: {width: 8, height: 8, mean: [0.5]}\n---\n": "three numbers",
        "---\njust text\n---\n": "missing or unknown entry",
    }.items():
        path.write_text(text)
        with pytest.raises(CardError, match=message):
            hub.card(str(path))


def test_fit_keeps_the_shape_and_stretch_does_not() -> None:
    fit = Input(256, 256, "fit")
    assert fit.size_for(1000, 1000) == (256, 256)
    assert fit.size_for(465, 700) == (224, 320)
    assert fit.size_for(10_000, 1) == (1024, 32)
    assert Input(256, 144).size_for(465, 700) == (256, 144)
    image = np.zeros((90, 60, 3), np.uint8)
    image[..., 0] = 255
    assert prepare(image, Input(64, 48)).shape == (1, 3, 48, 64)
    assert prepare(image, Input(64, 48))[0, :, 0, 0].tolist() == [1, -1, -1]
    assert prepare(image, Input(64, 48, channels="bgr"))[0, :, 0, 0].tolist() == [-1, -1, 1]

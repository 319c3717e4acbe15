"""A re-identification model fitted to labelled crops by a linear layer behind it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import figureground as fg
from figureground import hub
from figureground.cli import main
from figureground.errors import DataError
from figureground.export.whitening import whitening
from gallery_model import draw_crops, unit_vectors, write_model


@pytest.fixture
def crops(tmp_path: Path) -> list[Path]:
    return draw_crops(tmp_path / "set" / "bounding_box_train", persons=20, cameras=4, noise=40)


def within(vectors: np.ndarray, persons: np.ndarray) -> np.ndarray:
    """The covariance of the vectors about the mean of each person, who has as many as another."""
    groups = np.stack([vectors[persons == p] for p in np.unique(persons)])
    off = (groups - groups.mean(1, keepdims=True)).reshape(-1, vectors.shape[1])
    return off.T @ off / (len(off) - len(groups))


def test_pictures_of_one_person_lie_as_near_in_each_direction() -> None:
    rng = np.random.default_rng(0)
    persons = np.repeat(np.arange(50), 6)
    spread = np.linspace(0.02, 0.5, 8)
    vectors = unit_vectors(rng, 50, 8)[persons] + spread * rng.standard_normal((300, 8))
    centre, projection = whitening(vectors, persons, shrink=1e-6)
    np.testing.assert_allclose(centre, vectors.mean(0))
    found = within((vectors - centre) @ projection, persons)
    np.testing.assert_allclose(found, np.eye(8), atol=1e-3)
    _, barely = whitening(vectors, persons, shrink=1e6)
    np.testing.assert_allclose(barely / barely[0, 0], np.eye(8), atol=1e-3)


def test_the_written_model_answers_so(
    crops: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = write_model(tmp_path)
    options = ["-o", str(tmp_path / "out"), "--name", "mine"]
    assert main(["whiten", str(plain), str(tmp_path / "set"), *options]) == 0
    assert "by 80 crops of 20 persons" in capsys.readouterr().out
    card = tmp_path / "out" / "mine.md"
    assert main(["models", "verify", str(card)]) == 0
    assert hub.card(str(card)).figures == {}
    before, after = fg.load(plain), fg.load(card)
    given = [np.asarray(Image.open(crop)) for crop in crops]
    vectors = before.batch(given)
    centre, projection = whitening(vectors, [crop.name[:4] for crop in crops])
    expected = (vectors - centre) @ projection
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(after.batch(given), expected, atol=2e-3)
    assert fg.load(card.with_suffix(".onnx")).name == "mine"  # the card inside


def test_what_cannot_be_learnt_from(
    crops: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = str(write_model(tmp_path)), str(tmp_path / "set")
    out = ["-o", str(tmp_path / "out")]
    for arguments, message in (
        (["pp-humanseg-lite", data], "pp-humanseg-lite embeds no persons"),
        ([model, str(tmp_path / "none")], "not a folder"),
        ([model, data, "--name", "a/b"], "the name 'a/b' is not letters, digits"),
        ([model, data, "--shrink", "0"], "shrink is 0.0; expected a number above 0"),
    ):
        assert main(["whiten", *arguments, *out]) == 1
        assert message in capsys.readouterr().err
    crops[5].write_bytes(b"no picture")
    assert main(["whiten", model, data, *out]) == 1
    assert crops[5].name in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="none of the 3 persons has two pictures"):
        whitening(np.eye(3, dtype=np.float32), ["a", "b", "c"])


def test_a_whitened_model_is_whitened_again(crops: list[Path], tmp_path: Path) -> None:
    """As the shipped one is by who fits it to cameras of their own."""
    data, given = str(tmp_path / "set"), [np.asarray(Image.open(crop)) for crop in crops[:8]]
    for model in (str(write_model(tmp_path)), "osnet-x0.25"):
        answers = []
        for name in ("once", "twice", "thrice"):
            assert main(["whiten", model, data, "-o", str(tmp_path), "--name", name]) == 0
            model = str(tmp_path / f"{name}.md")
            answers.append(fg.load(model).batch(given))
        assert np.isfinite(answers).all()
        assert not np.allclose(answers[0], answers[1], atol=1e-3)

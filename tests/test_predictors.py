"""Preparing a photo and reading answers of every kind, by sessions that answer what the test wants."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from figureground.errors import CardError
from figureground.imaging.regions import kept
from figureground.runtime.alpha import AlphaPredictor
from figureground.runtime.embedding import EmbeddingPredictor
from figureground.runtime.labels import LabelPredictor
from figureground.runtime.predictor import load_alpha
from figureground.runtime.prepare import Input, enlarge, prepare
from figureground.runtime.session import Flipped


class Answers:
    """A session that gives a function of what it is asked."""

    device = "cpu"

    def __init__(self, function: Callable[[np.ndarray], np.ndarray]) -> None:
        self.run = function

    def fixed(self, shape: tuple[int, int, int]) -> "Answers":
        return self


def halves(height: int, width: int) -> np.ndarray:
    """Black on the left, white on the right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    return image


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


def test_pad_keeps_the_shape_and_fills_with_zeros() -> None:
    spec = Input(64, 64, "pad")
    image = np.full((30, 60, 3), 255, np.uint8)
    values = prepare(image, spec)
    assert values.shape == (1, 3, 64, 64)
    assert (values[0, :, :32] == 1).all()
    assert (values[0, :, 32:] == 0).all()
    assert spec.content_for(60, 30) == (64, 32)


@pytest.mark.parametrize("resize", ["stretch", "fit", "pad"])
@pytest.mark.parametrize("share", [1, 4])
def test_enlarge_undoes_prepare(resize: str, share: int) -> None:
    """An answer that is the picture itself comes back in its place, whatever the padding."""
    spec = Input(128, 128, resize)  # type: ignore[arg-type]
    image = halves(60, 120)
    answer = prepare(image, spec)[0, 0, ::share, ::share]
    found = enlarge(answer, spec, 120, 60)
    assert found.shape == (60, 120)
    assert (found[:, :52] < 0).all()
    assert (found[:, 68:] > 0).all()


def test_division_by_the_largest_value() -> None:
    spec = Input(8, 8, divisor="max", mean=(0, 0, 0), std=(1, 1, 1))
    assert prepare(np.full((9, 9, 3), 51, np.uint8), spec).max() == 1
    assert prepare(np.zeros((9, 9, 3), np.uint8), spec).max() == 0


def test_alpha_from_each_output() -> None:
    spec = Input(32, 32)
    image = halves(40, 64)
    for output, answer in (
        ("saliency", lambda x: np.concatenate([(x[:, :1] + 1) / 2, 0 * x], 1)),
        ("alpha", lambda x: 3 * x[:, :1]),  # clipped
        ("person-logits", lambda x: np.concatenate([-50 * x[:, :1], 50 * x[:, :1]], 1)),
    ):
        alpha = AlphaPredictor(Answers(answer), spec, output=output)(image)
        assert alpha.shape == (40, 64)
        assert alpha.dtype == np.float32
        assert alpha[:, :28].max() < 0.01
        assert alpha[:, 36:].min() > 0.99
    with pytest.raises(CardError, match="'logits'; expected one of person-logits"):
        AlphaPredictor(Answers(answer), spec, output="logits")


def test_calibration_goes_by_the_logit() -> None:
    """sigmoid(sharpness · (logit − offset)), whether the network answers with logits or probabilities."""
    margin, spec = 0.4, Input(32, 32)
    logits = np.zeros((1, 2, 32, 32), np.float32)
    logits[:, 1] = margin
    probabilities = np.full((1, 1, 32, 32), 1 / (1 + np.exp(-margin)), np.float32)
    image = halves(32, 32)
    for output, answer in (("person-logits", logits), ("saliency", probabilities)):
        session = Answers(lambda images, answer=answer: answer)
        found = AlphaPredictor(session, spec, "", output, 3, 0.6, "fast")(image)
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-3 * (margin - 0.6))), atol=1e-5)


def test_labels() -> None:
    image = halves(40, 64)
    session = Answers(lambda x: np.concatenate([0 * x[:, :1], x[:, :1], -5 + 0 * x[:, :1]], 1))
    model = LabelPredictor(session, Input(64, 64, "pad"), classes=("background", "white", "never"))
    labels = model(image)
    assert labels.dtype == np.uint8
    assert (labels[:, :30] == 0).all()
    assert (labels[:, 34:] == 1).all()
    with pytest.raises(CardError, match="3 classes, but names 2"):
        LabelPredictor(session, Input(64, 64), "a", ("b", "c"))(image)
    with pytest.raises(CardError, match="names 0 classes"):
        LabelPredictor(session, Input(64, 64), "a")


def test_flipped_is_the_mean_over_the_mirror_image() -> None:
    """Of maps, which are turned back, and of embeddings, which are not; all at once or by a fixed size."""
    rng = np.random.default_rng(0)
    images = rng.random((2, 3, 4, 6), np.float32)
    places = rng.random((4, 6), np.float32)  # the answer depends on where something is
    found = Flipped(Answers(lambda x: x * places)).fixed((2, 4, 6)).run(images)
    np.testing.assert_allclose(found, images * (places + places[:, ::-1]) / 2, rtol=1e-6)
    found = Flipped(Answers(lambda x: (x * places).sum((2, 3)))).run(images)
    np.testing.assert_allclose(
        found, (images * (places + places[:, ::-1]) / 2).sum((2, 3)), rtol=1e-5
    )


def test_flipped_a_photo_and_its_mirror_image_have_the_same_alpha(photo: np.ndarray) -> None:
    mirrored = np.ascontiguousarray(photo[:, ::-1])
    for flip, tolerance in ((True, 1e-3), (False, None)):
        model = load_alpha("pp-humanseg-lite", edges="fast", flip=flip)
        difference = np.abs(model(mirrored)[:, ::-1] - model(photo)).max()
        assert difference > 0.05 if tolerance is None else difference < tolerance


def test_embeddings_are_of_unit_length_and_batched() -> None:
    model = EmbeddingPredictor(Answers(lambda x: x.mean((2, 3))), Input(16, 32))
    rng = np.random.default_rng(0)
    crops = [rng.integers(0, 256, (h, 20, 3), np.uint8) for h in (40, 50, 10)]
    vectors = model.batch(crops)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    for crop, vector in zip(crops, vectors):
        np.testing.assert_allclose(model(crop), vector, rtol=1e-5)


def test_fine_edges_follow_the_photo() -> None:
    """The network sees a slanted edge as steps of 8 pixels; the alpha has it where the photo has."""
    image = np.zeros((256, 256, 3), np.uint8)
    y, x = np.mgrid[:256, :256]
    inside = x > 60 + y / 2
    image[inside] = (220, 180, 160)
    spec = Input(32, 32)
    session = Answers(lambda x: np.concatenate([-9 * x[:, :1], 9 * x[:, :1]], 1))
    wrong = {}
    for edges in ("fast", "fine"):
        alpha = AlphaPredictor(session, spec, edges=edges)(image)  # type: ignore[arg-type]
        assert alpha.min() >= 0
        assert alpha.max() <= 1
        wrong[edges] = np.abs(alpha - inside).mean()
    assert wrong["fine"] < wrong["fast"] / 2


@pytest.mark.parametrize("size", [(1, 1), (3, 700), (700, 3), (33, 32)])
def test_fine_edges_of_any_size(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for resize in ("stretch", "fit", "pad"):
        spec = Input(64, 64, resize)  # type: ignore[arg-type]
        session = Answers(lambda x: x[:, :2])
        alpha = AlphaPredictor(session, spec)(image)
        assert alpha.shape == size
        assert np.isfinite(alpha).all()


def test_one_of_several_regions_is_kept() -> None:
    alpha = np.zeros((300, 400), np.float32)
    alpha[20:280, 10:150] = 1  # the largest
    alpha[120:180, 190:230] = 0.9  # in the centre
    alpha[30:60, 350:390] = 1
    alpha[100:200, 152:156] = 0.1  # a soft edge of the first
    assert kept(alpha, "all") is alpha
    largest, centre = kept(alpha, "largest"), kept(alpha, "centre")
    assert (largest[20:280, 10:150] > 0.99).all()
    assert largest[:, 180:].max() == 0
    assert largest[150, 152] == pytest.approx(0.1, abs=0.02)
    assert (centre[122:178, 192:228] > 0.89).all()
    assert centre[:, :150].max() == centre[:, 300:].max() == 0
    for one in (np.zeros((5, 7), np.float32), np.ones((1, 1), np.float32)):
        assert np.array_equal(kept(one, "centre"), one)


@pytest.mark.parametrize("size", [(640, 480), (90, 300)])
def test_for_one_size_it_answers_the_same(size: tuple[int, int]) -> None:
    """As the frames of a video are; and for no other."""
    plain = load_alpha("pp-humanseg-lite", threads=1)
    shown = plain.input.content_for(*size)
    fixed = plain.for_size(*shown)
    pixels = np.random.default_rng(0).integers(0, 256, (shown[1], shown[0], 3), np.uint8)
    np.testing.assert_allclose(fixed.small(pixels), plain.small(pixels), atol=1e-5)
    with pytest.raises(CardError, match="failed on"):
        fixed.small(np.zeros((500, 500, 3), np.uint8))


def test_nothing_is_told_to_anybody(tmp_path: Path) -> None:
    """The engine's maker is sent no events, and no number of this machine is kept for them."""
    code = "import numpy, figureground; figureground.load()(numpy.zeros((9, 9, 3), 'uint8'))"
    places = {
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LOCALAPPDATA": str(tmp_path),
    }
    known = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], env=known | places, check=True)
    assert list(tmp_path.rglob("*")) == []

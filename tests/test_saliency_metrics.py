"""Saliency figures against PySODMetrics, the model zoo's probe, slow definitions and hand cases."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from figureground.metrics.e_measure import EMeasure
from figureground.metrics.f_measure import PUBLISHED_THRESHOLDS, FMeasure, f_score, precision_recall
from figureground.metrics.relaxed_boundary_f import RelaxedBoundaryF
from figureground.metrics.s_measure import SMeasure
from figureground.metrics.saliency import Saliency
from figureground.metrics.weighted_f_measure import WeightedFMeasure


def pictures() -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """8-bit predictions and boolean truths: six blobs found more or less well, no object, all object."""
    rng = np.random.default_rng(20)
    for height, width in ((60, 80), (77, 51), (48, 48), (33, 90), (64, 64), (50, 70)):
        y, x = np.mgrid[:height, :width]
        cy, cx = rng.uniform(0.3, 0.7, 2) * (height, width)
        a, b = rng.uniform(0.12, 0.3, 2) * (height, width)
        truth = ((y - cy) / a) ** 2 + ((x - cx) / b) ** 2 < 1
        truth |= (abs(y - cy - a) < 4) & (abs(x - cx) < b)
        soft = np.roll(truth, rng.integers(-4, 5, 2), (0, 1)).astype(float)
        for _ in range(3):
            soft = (soft + sum(np.roll(soft, s, axis) for s in (-1, 1) for axis in (0, 1))) / 5
        noise = rng.uniform(0, 0.4, truth.shape) * rng.uniform(0, 1)
        yield np.round(255 * np.clip(soft * rng.uniform(0.6, 1) + noise, 0, 1)), truth
    for truth in (np.zeros((20, 30), bool), np.ones((20, 30), bool)):
        yield rng.integers(0, 200, truth.shape), truth


# What pysodmetrics 1.6.2 (NumPy 2.3.4, OpenCV 4.14, SciPy 1.17.1) answers for pictures(): Fmeasure, MAE,
# WeightedFmeasure, Smeasure, Emeasure, each step(p / 255, truth, normalize=False), or step(p, truth * 255)
# for the stretched.
PYSODMETRICS = {
    False: {
        "max_f": 0.759406994,
        "mean_f": 0.565472354,
        "adaptive_f": 0.653104906,
        "mae": 0.208813590,
        "weighted_f": 0.563028478,
        "s_measure": 0.749118795,
        "max_e": 0.847245464,
        "mean_e": 0.699222863,
        "adaptive_e": 0.844211556,
    },
    True: {
        "max_f": 0.761178054,
        "mean_f": 0.693367466,
        "adaptive_f": 0.658346842,
        "mae": 0.192160438,
        "weighted_f": 0.632192605,
        "s_measure": 0.777421865,
        "max_e": 0.848134905,
        "mean_e": 0.783701413,
        "adaptive_e": 0.845463643,
    },
}


@pytest.mark.parametrize("stretch", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_to_pysodmetrics(stretch: bool, dtype: type) -> None:
    metric = Saliency(stretch=stretch)
    for prediction, truth in pictures():
        metric.update((prediction / 255).astype(dtype), truth)
    found = metric.compute()
    for name, value in PYSODMETRICS[stretch].items():
        tolerance = 1e-4 if name == "weighted_f" else 1e-7  # ties, see its file; float32
        assert found[name] == pytest.approx(value, abs=tolerance), name


def test_published_max_f_probe(goldens: Path) -> None:
    """The model zoo's eval, and the same thresholds and soft truth with precision and recall in place."""
    inputs = np.load(goldens / "u2net_maxF_inputs.npz")
    metric, unswapped = Saliency("published"), np.zeros(255)
    for prediction, label in zip(inputs["pred"], inputs["label"], strict=True):
        metric.update(prediction / 255, label / 255)
        p, g = prediction / prediction.max(), label / label.max()
        unswapped += f_score(*precision_recall(p, g, PUBLISHED_THRESHOLDS)) / 3
    assert metric.compute() == {"max_f": pytest.approx(0.988195, abs=1e-6)}
    assert unswapped.max() == pytest.approx(0.987453, abs=1e-6)


def test_published_favours_recall_where_the_standard_favours_precision() -> None:
    truth = np.zeros((1, 20))
    truth[0, :2] = 1
    half, both, all_four = (np.arange(20)[None] < n for n in (1, 2, 4))
    for protocol, prediction, expected in (
        ("standard", half, 1.3 * 0.5 / (0.3 + 0.5)),  # precision 1, recall ½
        ("standard", all_four, 1.3 * 0.5 / (0.15 + 1)),  # precision ½, recall 1
        ("published", half, 1.3 * 0.5 / (0.15 + 1)),
        ("published", all_four, 1.3 * 0.5 / (0.3 + 0.5)),
        ("published", both * 0.1, 1),  # divided by its own maximum
    ):
        metric = FMeasure(protocol)  # type: ignore[arg-type]
        metric.update(prediction, truth)
        assert metric.compute()["max_f"] == pytest.approx(expected), (protocol, expected)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_curves_equal_their_definition(seed: int) -> None:
    """One threshold at a time, one pixel at a time; the mean over two images of curves."""
    rng = np.random.default_rng(seed)
    f, e = FMeasure(), EMeasure()
    f_curve, e_curve = np.zeros(256), np.zeros(256)
    for _ in range(2):
        levels, g = rng.integers(0, 256, (5, 6)), rng.random((5, 6)) < 0.4
        g[0, 0], g[0, 1] = True, False
        f.update(levels / 255, g)
        e.update(levels / 255, g)
        for k in range(256):
            cut = levels >= k
            hit = (cut & g).sum()
            if hit:
                precision, recall = hit / cut.sum(), hit / g.sum()
                f_curve[k] += 1.3 * precision * recall / (0.3 * precision + recall) / 2
            a, b = cut - cut.mean(), g - g.mean()
            e_curve[k] += ((2 * a * b / (a**2 + b**2) + 1) ** 2 / 4).sum() / (g.size - 1) / 2
    assert f.compute()["max_f"] == pytest.approx(f_curve.max())
    assert f.compute()["mean_f"] == pytest.approx(f_curve.mean())
    assert e.compute()["max_e"] == pytest.approx(e_curve.max())
    assert e.compute()["mean_e"] == pytest.approx(e_curve.mean())


def test_a_perfect_map_scores_full_marks() -> None:
    truth = next(pictures())[1]
    metric = Saliency()
    metric.update(truth, truth)
    figures = metric.compute()
    mean_e = figures.pop("mean_e")  # threshold 0 takes every pixel
    assert figures.pop("mean_f") < 1
    assert mean_e < figures["max_e"] == pytest.approx(truth.size / (truth.size - 1))
    assert figures.pop("max_e") == figures.pop("adaptive_e")
    assert figures.pop("mae") == 0
    assert figures == {name: pytest.approx(1) for name in figures}


def test_graded_truths_are_cut_at_one_half() -> None:
    graded, cut = Saliency(), Saliency()
    for prediction, truth in pictures():
        graded.update(prediction / 255, np.where(truth, 0.6, 0.5))
        cut.update(prediction / 255, truth)
    assert graded.compute() == cut.compute()


def test_s_measure_by_hand() -> None:
    metric = SMeasure()
    metric.update([[0.5, 0.5, 0.0, 0.0]], [[1, 1, 0, 0]])
    # object: ½ · 2 · 0.5 / (0.25 + 1) + ½ · 1. The centroid 0.5 rounds to 0, so the left part is the first
    # pixel, alike but for its value: 1. Right of it x̄ = 1/6, ȳ = 1/3, σ_x² = 1/12, σ_y² = 1/3, σ_xy = 1/6
    right = 4 * (1 / 6) * (1 / 3) * (1 / 6) / ((1 / 36 + 1 / 9) * (1 / 12 + 1 / 3))
    assert metric.compute()["s_measure"] == pytest.approx(
        (0.4 + 0.5) / 2 + (0.25 + 0.75 * right) / 2
    )
    metric.update(np.full((3, 3), 0.25), np.zeros((3, 3)))
    metric.update(np.full((3, 3), 0.25), np.ones((3, 3)))
    assert metric.values[1:] == [0.75, 0.25]


def test_weighted_f_by_hand() -> None:
    """A column of the object missed at its left edge, and a far false alarm counted nearly twice."""
    truth = np.zeros((1, 60))
    truth[0, :10] = 1
    prediction = truth.copy()
    prediction[0, 59] = 1
    metric = WeightedFMeasure()
    metric.update(prediction, truth)
    precision = 10 / (10 + 2 - 0.5 ** (50 / 5))
    assert metric.compute()["weighted_f"] == pytest.approx(2 * precision / (precision + 1))
    metric.update(prediction, np.zeros((1, 60)))
    assert metric.values[1] == 0


def test_relaxed_boundary_f_forgives_three_pixels() -> None:
    truth = np.zeros((40, 60))
    truth[10:30, 20:40] = 1
    metric = RelaxedBoundaryF()
    for shift in (3, 4):
        metric.update(np.roll(truth, shift, 1), truth)
    # at 4, too far are the 20 pixels of one side, and of the other the 12 that are not within 3 of the
    # top or bottom; each outline has 76
    assert metric.values == [1, pytest.approx(1 - 32 / 76)]
    metric.update(np.zeros((4, 4)), np.zeros((4, 4)))
    metric.update(np.zeros((4, 4)), np.eye(4))
    assert metric.values[2:] == [1, 0]


def test_wrong_input_is_refused() -> None:
    metric = Saliency()
    with pytest.raises(ValueError, match="no image was seen"):
        metric.compute()
    with pytest.raises(ValueError, match=r"prediction is \(1, 2\), truth is \(2, 1\)"):
        metric.update(np.zeros((1, 2)), np.zeros((2, 1)))
    with pytest.raises(ValueError, match=r"truth holds 0 … 255; expected 0 … 1 \(divide"):
        metric.update(np.zeros((1, 2)), np.array([[0, 255]]))
    with pytest.raises(ValueError, match="prediction holds nan"):
        metric.update(np.array([[np.nan, 0]]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="protocol is 'new'"):
        FMeasure("new")  # type: ignore[arg-type]

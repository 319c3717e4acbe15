"""Matting figures against the model zoo's probe, by hand, and against slow definitions."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from figureground.metrics.connectivity_error import connectivity_error
from figureground.metrics.dtssd import DtSSD
from figureground.metrics.gradient_error import gradient_error
from figureground.metrics.matting import Matting

seeds = given(st.integers(0, 2**32 - 1))


def alphas(seed: int, count: int = 2) -> list[np.ndarray]:
    """Random H×W alphas of one size, mostly 1 so that a main region stands out, else in eighths."""
    rng = np.random.default_rng(seed)
    size = rng.integers(3, 14, 2)
    return [np.maximum(rng.integers(0, 9, size) / 8, rng.random(size) < 0.8) for _ in range(count)]


def figures(prediction: np.ndarray, truth: np.ndarray, *unknown: np.ndarray) -> dict[str, float]:
    metric = Matting()
    metric.update(prediction, truth, *unknown)
    return metric.compute()


def test_published_sad_probe(goldens: Path) -> None:
    """MindSpore's Sad was given a batch of two, then of its first alone, and averaged the two sums."""
    inputs = np.load(goldens / "losses_metrics_inputs.npz")
    expected = json.loads((goldens / "losses_metrics_mindspore.json").read_text())
    sads = []
    for prediction, truth in zip(inputs["shm_alpha_pre"][:, 0], inputs["shm_alpha_gt"][:, 0]):
        metric = Matting("published")
        metric.update(prediction, truth)
        sads.append(metric.compute()["sad"])
    probe = ((sads[0] + sads[1]) + sads[0]) / 2
    assert probe == pytest.approx(expected["shm_Sad_metric_2batches"][0], abs=1e-8)


def test_by_hand() -> None:
    truth = np.zeros((10, 10))
    prediction = np.full((10, 10), 0.25)
    found = figures(prediction, truth)
    assert found == {
        "sad": pytest.approx(0.025),
        "mad": 0.25,
        "mse": 0.0625,
        "grad": pytest.approx(0),  # both are flat
        "conn": pytest.approx(0.025),  # no pixel is connected, so all its 0.25 hang loose
    }


def test_published_does_not_clip_and_averages_over_images() -> None:
    standard, published = Matting(), Matting("published")
    for metric in (standard, published):
        metric.update(np.full((1, 1000), 1.5), np.ones((1, 1000)))
        metric.update(np.zeros((1, 10)), np.zeros((1, 10)))
    assert standard.compute()["sad"] == 0
    assert published.compute() == {"sad": 0.25}


def test_only_unknown_pixels_count() -> None:
    prediction, truth = np.zeros((20, 20)), np.zeros((20, 20))
    prediction[:4], truth[:4] = 1, 1
    prediction[10, 10] = 0.5
    unknown = np.zeros((20, 20), bool)
    unknown[10, 9:11] = True
    found = figures(prediction, truth, unknown)
    assert (found["sad"], found["mad"], found["mse"]) == (0.0005, 0.25, 0.125)
    assert 0 < found["grad"] < figures(prediction, truth)["grad"]
    assert found["conn"] == 0.0005


def test_a_blob_apart_is_loose() -> None:
    """Of two equal alphas nothing is wrong; of a blob that the truth lacks, all."""
    truth = np.zeros((9, 30))
    truth[2:7, 2:12] = 1
    prediction = truth.copy()
    prediction[3:5, 20:23] = 1
    assert connectivity_error(prediction, truth).sum() == 6
    assert connectivity_error(prediction, prediction).sum() == 0
    joined = truth.copy()
    joined[4, 12:20] = 0.1  # less than 0.15 above its level
    assert connectivity_error(joined, truth).sum() == 0


@seeds
@settings(max_examples=40, deadline=None)
def test_properties(seed: int) -> None:
    p, t = alphas(seed)
    assert figures(t, t) == dict.fromkeys(("sad", "mad", "mse", "grad", "conn"), 0)
    forth, back = figures(p, t), figures(t, p)
    assert forth == pytest.approx(back)
    assert figures(p.T, t.T)["grad"] == pytest.approx(forth["grad"])
    assert figures(p[::-1], t[::-1])["grad"] == pytest.approx(forth["grad"])
    nearer = figures(t + (p - t) / 2, t)
    assert nearer["sad"] == pytest.approx(forth["sad"] / 2)
    assert nearer["mse"] == pytest.approx(forth["mse"] / 4)
    assert forth["mse"] <= forth["mad"] == pytest.approx(forth["sad"] * 1000 / p.size)
    assert figures(p / 2, t / 2)["grad"] == pytest.approx(forth["grad"] / 4)


@seeds
@settings(max_examples=15, deadline=None)
def test_gradient_equals_its_definition(seed: int) -> None:
    """The authors' kernel in two dimensions, pixel by pixel."""
    sigma, radius = 1.4, 4  # ⌈σ √(−2 ln(√(2π) σ · 0.01))⌉
    assert np.ceil(sigma * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * sigma * 0.01))) == radius

    def gauss(x: int) -> float:
        return float(np.exp(-(x**2) / (2 * sigma**2)) / (sigma * np.sqrt(2 * np.pi)))

    span = range(-radius, radius + 1)
    kernel = np.array([[gauss(y) * -x * gauss(x) / sigma**2 for x in span] for y in span])
    kernel /= np.sqrt((kernel**2).sum())

    def steepness(alpha: np.ndarray) -> np.ndarray:
        padded = np.pad(alpha, radius, mode="edge")
        found = np.zeros_like(alpha)
        for y, x in np.ndindex(*alpha.shape):
            window = padded[y : y + 9, x : x + 9]
            found[y, x] = np.hypot((window * kernel).sum(), (window * kernel.T).sum())
        return found

    p, t = alphas(seed)
    expected = (steepness(p) - steepness(t)) ** 2
    np.testing.assert_allclose(gradient_error(p, t), expected, atol=1e-12)


@seeds
@settings(max_examples=40, deadline=None)
def test_connectivity_equals_its_definition(seed: int) -> None:
    """Regions by flood fill; for each pixel the first threshold at which it has left."""
    p, t = alphas(seed)

    def regions(mask: np.ndarray) -> list[set[tuple[int, int]]]:
        rest, found = {(int(y), int(x)) for y, x in np.argwhere(mask)}, []
        while rest:
            region, front = set(), [min(rest)]
            while front:
                y, x = front.pop()
                if (y, x) in rest:
                    rest.remove((y, x))
                    region.add((y, x))
                    front += [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
            found.append(region)
        return found

    main = []
    for k in range(1, 11):
        found = regions((p >= k / 10) & (t >= k / 10))
        largest = max((len(region) for region in found), default=0)
        if sum(len(region) == largest for region in found) > 1:
            return  # which of two equal ones is the main region is not defined
        main.append(next((region for region in found if len(region) == largest), set()))
    for y, x in np.ndindex(*p.shape):
        level = next((k for k in range(10) if (y, x) not in main[k]), 10) / 10
        phi = [1 - (d if (d := alpha[y, x] - level) >= 0.15 else 0) for alpha in (p, t)]
        assert connectivity_error(p, t)[y, x] == pytest.approx(abs(phi[0] - phi[1]))


def test_dtssd_by_hand() -> None:
    metric = DtSSD()
    still = np.zeros((2, 2))
    metric.update(still, still)
    with pytest.raises(ValueError, match="no image was seen"):
        metric.compute()
    metric.update(still + 0.5, still)  # flickers by ½ everywhere
    metric.update(still + 0.5, still)  # wrong, but steadily so
    metric.update([[1, 0.5], [0.5, 0.5]], [[0.5, 0], [0, 0]])  # changes as the truth does
    metric.cut()
    metric.update(np.ones((3, 3)), np.ones((3, 3)))
    metric.update(np.ones((3, 3)), [[0, 1, 1], [1, 1, 1], [1, 1, 1]])
    assert metric.values == [50, 0, 0, pytest.approx(100 / 3)]
    assert metric.compute()["dtssd"] == pytest.approx((50 + 100 / 3) / 4)
    with pytest.raises(ValueError, match=r"the frame is \(2, 2\), the one before \(3, 3\)"):
        metric.update(still, still)


def test_eight_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="divide 8-bit maps by 255"):
        Matting(light=True).update(np.full((2, 2), 255, np.uint8), np.ones((2, 2)))


def test_wrong_input_is_refused() -> None:
    metric = Matting()
    with pytest.raises(ValueError, match="no image was seen"):
        metric.compute()
    with pytest.raises(ValueError, match="truth holds 0 … 255"):
        metric.update(np.zeros((1, 2)), np.array([[0, 255]]))
    with pytest.raises(ValueError, match="prediction holds nan"):
        metric.update(np.array([[np.nan, 0]]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"unknown is \(1, 2\) with 0 pixels; expected \(1, 2\)"):
        metric.update(np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)))
    with pytest.raises(ValueError, match="give no unknown"):
        Matting("published").update(np.zeros((1, 2)), np.zeros((1, 2)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="protocol is 'new'"):
        Matting("new")  # type: ignore[arg-type]

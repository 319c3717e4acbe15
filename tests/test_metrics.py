"""Segmentation figures against PaddleSeg's probes and by hand."""

import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import numpy as np
import pytest

from figureground import metrics
from figureground.metrics.boundary_iou import BoundaryIoU
from figureground.metrics.segmentation import Segmentation


def test_every_metric_is_at_hand() -> None:
    """By its name in figureground.metrics, and each that there is in a file."""
    found = {}
    for file in pkgutil.iter_modules(metrics.__path__):
        module = importlib.import_module(f"figureground.metrics.{file.name}")
        for name, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == module.__name__ and hasattr(kind, "compute"):
                found[name] = kind
    assert found == {name: getattr(metrics, name) for name in metrics.METRICS}
    with pytest.raises(AttributeError, match="has no attribute 'Mating'"):
        _ = metrics.Mating


def test_paddleseg_probes(goldens: Path) -> None:
    inputs = np.load(goldens / "losses_metrics_inputs.npz")
    expected = json.loads((goldens / "losses_metrics_paddle.json").read_text())
    metric = Segmentation()
    for prediction, label in zip(inputs["pd_pred"], inputs["pd_labels"], strict=True):
        metric.update(prediction, label)
    found = metric.compute()
    for name, theirs in (
        ("miou", "miou"),
        ("accuracy", "acc"),
        ("kappa", "kappa"),
        ("dice", "mdice"),
    ):
        assert found[name] == pytest.approx(expected[theirs], abs=1e-6), name


def test_by_hand() -> None:
    metric = Segmentation()
    metric.update(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 0, 255]]))
    figures = metric.compute()
    assert figures["mean_iou"] == 1 / 2
    assert figures["miou"] == (1 / 2 + 1 / 2) / 2
    assert figures["accuracy"] == 2 / 3


def test_mean_iou_weighs_photos_alike_and_counts_rightly_empty_ones() -> None:
    metric = Segmentation()
    metric.update(np.ones((10, 10), int), np.ones((10, 10), int))
    metric.update(np.zeros((2, 2), int), np.zeros((2, 2), int))
    metric.update(np.array([[1, 0]]), np.array([[0, 1]]))
    assert metric.compute()["mean_iou"] == pytest.approx(2 / 3)


def test_absent_class_counts_as_paddleseg_counts_it() -> None:
    metric = Segmentation()
    metric.update(np.zeros((2, 2), int), np.zeros((2, 2), int))
    figures = metric.compute()
    assert (figures["miou"], figures["dice"]) == (1.0, 0.5)


def test_kappa_of_a_set_of_billions_of_pixels() -> None:
    metric = Segmentation()
    metric.confusion = np.array([[3_000_000_000, 100_000_000], [100_000_000, 2_000_000_000]])
    metric.image_iou = [1.0]
    assert metric.compute()["kappa"] == pytest.approx(0.92013, abs=1e-4)


def test_wrong_input_is_refused() -> None:
    metric = Segmentation()
    with pytest.raises(ValueError, match="no labelled pixel"):
        metric.compute()
    with pytest.raises(ValueError, match=r"prediction is \(1, 2\), label is \(2, 1\)"):
        metric.update(np.zeros((1, 2), int), np.zeros((2, 1), int))
    with pytest.raises(ValueError, match="label holds 0 … 7"):
        metric.update(np.zeros((1, 2), int), np.array([[0, 7]]))
    for refusing in (metric, BoundaryIoU()):
        with pytest.raises(ValueError, match="prediction is float64; expected whole numbers"):
            refusing.update(np.full((2, 2), 0.9), np.ones((2, 2), int))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="at least 1×1"):
            refusing.update(np.zeros((0, 2), int), np.zeros((0, 2), int))
    with pytest.raises(ValueError, match="prediction holds 255; expected class numbers"):
        BoundaryIoU().update(np.full((2, 2), 255), np.ones((2, 2), int))


def test_figures_of_each_class() -> None:
    """21 classes, of which three occur; pixels labelled 255 count in none."""
    metric = Segmentation(21)
    metric.update(
        np.array([[0, 0, 15, 15], [20, 0, 0, 3]]), np.array([[0, 0, 0, 15], [20, 20, 0, 255]])
    )
    figures = metric.per_class()
    seen = [0, 15, 20]
    np.testing.assert_allclose(figures["iou"][seen], [3 / 5, 1 / 2, 1 / 2])
    np.testing.assert_allclose(figures["precision"][seen], [3 / 4, 1 / 2, 1])
    np.testing.assert_allclose(figures["recall"][seen], [3 / 4, 1, 1 / 2])
    for values in figures.values():
        assert np.flatnonzero(~np.isnan(values)).tolist() == seen
    assert np.nanmean(figures["iou"]) == pytest.approx(1.6 / 3)
    assert metric.compute()["miou"] == pytest.approx((1.6 + 18) / 21)  # an absent class counts 1
    with pytest.raises(ValueError, match="no labelled pixel"):
        Segmentation(21).per_class()


def test_boundary_iou_by_hand() -> None:
    """In 60×80 pixels the band is 2 wide: 2 % of the diagonal of 100."""
    label = np.zeros((60, 80), np.uint8)
    label[20:40, 20:60] = 1
    hollow = label.copy()
    hollow[24:36, 24:56] = 0  # its band has an inner side too
    metric = BoundaryIoU()
    metric.update(label, label)
    band = 20 * 40 - 16 * 36
    inner = 16 * 36 - 12 * 32
    metric.update(hollow, label)
    assert metric.values == [1, band / (band + inner)]
    metric.update(np.ones((60, 80), int), np.ones((60, 80), int))  # the image's edge bounds it
    metric.update(np.zeros((60, 80), int), np.zeros((60, 80), int))
    metric.update(np.zeros((60, 80), int), label)
    assert metric.values[2:] == [1, 1, 0]
    ignored = np.where(np.arange(80) < 40, label, 255)
    for end in (40, 50, 60):  # where nobody knows, the prediction may end anywhere
        metric.update(np.where(np.arange(80) < end, label, 0), ignored)
    assert metric.values[5:] == [1, 1, 1]
    assert metric.compute() == {"boundary_iou": pytest.approx(np.mean(metric.values))}
    with pytest.raises(ValueError, match=r"prediction is \(1, 2\), label is \(2, 1\)"):
        metric.update(np.zeros((1, 2), int), np.zeros((2, 1), int))


def test_boundary_iou_equals_its_definition() -> None:
    """Bands by distance, pixel by pixel; the image lies in a frame of background."""
    rng = np.random.default_rng(3)
    p, g = rng.random((2, 30, 40)) < 0.97
    bands = []
    for mask in (p, g):
        outside = np.argwhere(~np.pad(mask, 1)) - 1
        inside = np.argwhere(mask)
        steps = abs(inside[:, None] - outside).max(2).min(1)
        bands.append({tuple(pixel) for pixel in inside[steps <= 1]})
    metric = BoundaryIoU()
    metric.update(p.astype(int), g.astype(int))
    assert metric.values == [len(bands[0] & bands[1]) / len(bands[0] | bands[1])]

"""Segmentation figures against PaddleSeg's probes and by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from figureground.metrics.segmentation import Segmentation


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

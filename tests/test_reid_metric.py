"""Places are counted as a sort would give them, with a tie always to the person's disadvantage."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from figureground.metrics.reid import Retrieval, figures, places


def test_probe_of_torchreid_and_the_model_zoo(goldens: Path) -> None:
    inputs = np.load(goldens / "losses_metrics_inputs.npz")
    expected = json.loads((goldens / "losses_metrics_torch.json").read_text())
    names = ("distmat", "qpid", "gpid", "qcam", "gcam")
    found = places(*(inputs[f"reid_{name}"] for name in names))
    assert figures(found)["map"] == pytest.approx(expected["reid_mAP"], abs=1e-6)
    first = np.array([p[0] for p in found if len(p)])
    cmc = [float((first <= rank).mean()) for rank in range(1, 11)]
    assert cmc == pytest.approx(expected["reid_cmc"], abs=1e-6)


def sorted_figures(
    query, gallery, persons, theirs, cameras, cameras_there
) -> dict[str, float] | None:
    """The protocol word by word: leave out, sort (strangers first in a tie), walk down the list."""
    precisions, firsts, inverse = [], [], []
    for x, person, camera in zip(query, persons, cameras):
        rest = (theirs != person) | (cameras_there != camera)
        match = (theirs == person)[rest]
        if not match.any():
            continue
        distance = ((gallery[rest] - x) ** 2).sum(1)
        ranked = match[np.lexsort((match, distance))]
        at = np.flatnonzero(ranked) + 1
        precisions.append(np.mean([(ranked[:p].sum()) / p for p in at]))
        firsts.append(at[0])
        inverse.append(match.sum() / at[-1])
    if not firsts:
        return None
    ranks = {f"rank{r}": np.mean(np.array(firsts) <= r) for r in (1, 5, 10)}
    return {"map": np.mean(precisions), **ranks, "minp": np.mean(inverse)}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 9), st.integers(1, 30), st.integers(1, 100))
def test_counting_is_sorting(seed: int, queries: int, pictures: int, chunk: int) -> None:
    rng = np.random.default_rng(seed)
    # whole numbers, so that distances are exact and ties many
    query = rng.integers(-2, 3, (queries, 3)).astype(np.float32)
    gallery = rng.integers(-2, 3, (pictures, 3)).astype(np.float32)
    persons, theirs = rng.integers(0, 5, queries), rng.integers(0, 5, pictures)
    cameras, cameras_there = rng.integers(0, 3, queries), rng.integers(0, 3, pictures)
    metric = Retrieval(chunk)
    metric.update(query, persons, cameras, gallery=False)
    cut = pictures // 2
    metric.update(gallery[:cut], theirs[:cut], cameras_there[:cut], query=False)
    metric.update(gallery[cut:], theirs[cut:], cameras_there[cut:], query=False)
    expected = sorted_figures(query, gallery, persons, theirs, cameras, cameras_there)
    if expected is None:
        with pytest.raises(ValueError, match="no query has a match"):
            metric.compute()
        return
    assert metric.compute() == pytest.approx(expected)


def test_an_answer_that_is_always_the_same_earns_nothing() -> None:
    metric = Retrieval()
    persons, cameras = np.repeat(np.arange(20), 2), np.tile([0, 1], 20)
    metric.update(np.ones((40, 8), np.float32), persons, cameras)
    found = metric.compute()
    assert found["rank10"] == 0
    assert found["map"] == pytest.approx(1 / 39)


def test_what_counts_is_counted() -> None:
    """Person a by camera 1: the same camera's picture does not count, the distractor's does."""
    metric = Retrieval()
    ask = np.array([[0.0], [5.0]], np.float32), np.array(["a", "b"]), np.array([1, 1])
    metric.update(*ask, gallery=False)
    answers = np.array([[0.0], [0.1], [0.2], [5.0]], np.float32)
    there = np.array(["a", "0000", "a", "b"]), np.array([1, 2, 2, 1])
    metric.update(answers, *there, query=False)
    assert metric.compute() == {"map": 0.5, "rank1": 0, "rank5": 1, "rank10": 1, "minp": 0.5}
    assert metric.counts == {"queries": 2, "skipped": 1, "gallery": 4}


def test_one_camera_only() -> None:
    """Each picture as a camera of its own: nothing but the picture itself is left out."""
    metric = Retrieval()
    x = np.array([[0.0], [0.1], [3.0], [3.1]], np.float32)
    metric.update(x, np.array([0, 0, 1, 1]), np.arange(4))
    assert metric.compute()["map"] == 1


def test_wrong_input_is_refused() -> None:
    metric = Retrieval()
    with pytest.raises(ValueError, match="no queries or no gallery"):
        metric.compute()
    with pytest.raises(ValueError, match="2 embeddings of 1 persons by 2 cameras"):
        metric.update(np.zeros((2, 3), np.float32), np.zeros(1), np.zeros(2))
    with pytest.raises(ValueError, match="not finite"):
        metric.update(np.full((1, 3), np.nan, np.float32), np.zeros(1), np.zeros(1))

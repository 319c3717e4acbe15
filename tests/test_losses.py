"""Losses against the originals' probes and against their own definition."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from figureground.losses.lovasz_softmax import lovasz_softmax
from figureground.losses.pp_humanseg import pp_humanseg_loss


def test_paddleseg_probes(goldens: Path) -> None:
    inputs = np.load(goldens / "losses_metrics_inputs.npz")
    expected = json.loads((goldens / "losses_metrics_paddle.json").read_text())
    logits = torch.from_numpy(inputs["pd_logits"])
    labels = torch.from_numpy(inputs["pd_labels"]).long()
    entropy = pp_humanseg_loss([logits], labels, 1.0, 0.0)
    assert entropy.item() == pytest.approx(expected["ce"], abs=1e-5)
    assert lovasz_softmax(logits, labels).item() == pytest.approx(expected["lovasz"], abs=1e-5)
    total = pp_humanseg_loss([logits, logits * 0.5, logits * 2], labels)  # the probe's three heads
    assert total.item() == pytest.approx(expected["total_3heads_same_logits_coef111"], abs=1e-5)


def test_lovasz_of_hard_answers_is_the_jaccard_loss() -> None:
    """On a vertex of the cube the extension equals the set function (definition in the paper)."""
    rng = np.random.default_rng(0)
    truth = torch.from_numpy(rng.integers(0, 3, (2, 8, 9)))
    answer = torch.from_numpy(rng.integers(0, 3, (2, 8, 9)))
    logits = torch.nn.functional.one_hot(answer, 3).permute(0, 3, 1, 2) * 200.0
    jaccard = [
        1 - ((truth == c) & (answer == c)).sum() / ((truth == c) | (answer == c)).sum()
        for c in range(3)
    ]
    assert lovasz_softmax(logits, truth).item() == pytest.approx(float(np.mean(jaccard)), abs=1e-6)


def test_ignored_pixels_change_nothing() -> None:
    logits, labels = torch.randn(1, 2, 6, 6), torch.randint(0, 2, (1, 6, 6))
    labels[0, 3:] = 255
    other = logits.clone()
    other[:, :, 3:] += 5
    assert pp_humanseg_loss([logits], labels) == pp_humanseg_loss([other], labels)
    nothing = pp_humanseg_loss([logits], torch.full_like(labels, 255))
    assert nothing.item() == 0


def test_stride_thins_the_lovasz_term() -> None:
    logits, labels = torch.randn(1, 2, 8, 8), torch.randint(0, 2, (1, 8, 8))
    thinned = pp_humanseg_loss([logits], labels, 0.0, 1.0, 4)
    assert thinned == lovasz_softmax(logits[..., 2::4, 2::4], labels[..., 2::4, 2::4])

"""Losses against the originals' probes and against their own definition."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from figureground.losses.cross_entropy import cross_entropy
from figureground.losses.iou import iou_loss
from figureground.losses.lovasz_softmax import lovasz_softmax
from figureground.losses.pp_humanseg import pp_humanseg_loss
from figureground.losses.shm import alpha_loss, shm_loss
from figureground.losses.u2net import u2net_loss


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


def test_u2net_shm_and_refinenet_probes(goldens: Path) -> None:
    """PyTorch's originals and MindSpore's answer alike to seven digits."""
    inputs = {
        name: torch.from_numpy(value)
        for name, value in np.load(goldens / "losses_metrics_inputs.npz").items()
    }
    for framework in ("torch", "mindspore"):
        expected = json.loads((goldens / f"losses_metrics_{framework}.json").read_text())
        if framework == "torch":
            u2net = expected["u2net_[loss0,sum]"][1]
            shm, _, _, trimap = expected["shm_end_to_end_[loss,L_alpha,L_comp,L_t]"]
        else:
            u2net, shm, trimap = (
                expected[name] for name in ("u2net_total_loss", "shm_total", "shm_L_t")
            )
            entropy = cross_entropy(inputs["rf_logits"], inputs["rf_labels"].long())
            assert entropy.item() == pytest.approx(expected["refinenet_ce"], rel=1e-6)
            matte = alpha_loss(inputs["shm_alpha_pre"], inputs["shm_alpha_gt"], inputs["shm_img"])
            assert matte.item() == pytest.approx(expected["shm_L_p"], rel=1e-6)
        maps, truth = inputs["u2_pred"], inputs["u2_gt"]
        assert u2net_loss(maps, truth, logits=False).item() == pytest.approx(u2net, rel=1e-6)
        assert u2net_loss(maps.logit(), truth).item() == pytest.approx(u2net, rel=1e-6)
        labels = inputs["shm_trimap_gt"][:, 0].long()
        entropy = cross_entropy(inputs["shm_trimap_logits"], labels)
        assert entropy.item() == pytest.approx(trimap, rel=1e-6)
        total = shm_loss(
            inputs["shm_trimap_logits"],
            inputs["shm_alpha_pre"],
            labels,
            inputs["shm_alpha_gt"],
            inputs["shm_img"],
        )
        assert total.item() == pytest.approx(shm, rel=1e-6)


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([0.0, 0.0, 5.0]).view(1, 3, 1, 1).log1p().repeat(1, 1, 1, 3)  # 1 : 1 : 6
    labels = torch.tensor([[[2, 0, 255]]])
    expected = -(np.log(6 / 8) + np.log(1 / 8)) / 2
    assert cross_entropy(logits, labels).item() == pytest.approx(expected)
    assert cross_entropy(logits, torch.full_like(labels, 255)).item() == 0


def test_u2net_loss_by_hand() -> None:
    """Six maps sure of nothing, one that gives the truth 4/5."""
    truth = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    logits = torch.zeros(1, 7, 2, 2)
    logits[:, 0] = (truth * 2 - 1) * np.log(4)
    expected = 6 * np.log(2) + np.log(5 / 4)
    for target in (truth, truth[:, None]):
        assert u2net_loss(logits, target).item() == pytest.approx(expected)
        assert u2net_loss(logits.sigmoid(), target, logits=False).item() == pytest.approx(expected)


def test_a_map_wrong_with_certainty_still_learns() -> None:
    """From logits; through probabilities, float32 has lost the gradient."""
    logits = torch.full((1, 7, 1, 1), -200.0, requires_grad=True)
    truth = torch.ones(1, 1, 1, 1)
    assert u2net_loss(logits.sigmoid(), truth, logits=False).item() == 700
    loss = u2net_loss(logits, truth)
    loss.backward()
    assert loss.item() == 1400
    assert logits.grad is not None
    assert (logits.grad == -1).all()


def test_shm_losses_by_hand() -> None:
    """An alpha off by 0.3 over an image of 2 in one channel and 0 in the others."""
    truth = torch.full((2, 1, 4, 4), 0.5)
    image = torch.zeros(2, 3, 4, 4)
    image[:, 0] = 2
    coloured = (np.sqrt(0.36 + 1e-6) + 2e-3) / 3
    expected = (np.sqrt(0.09 + 1e-6) + coloured) / 2
    assert alpha_loss(truth + 0.3, truth, image).item() == pytest.approx(expected, rel=1e-5)
    trimap = torch.zeros(2, 4, 4, dtype=torch.long)
    total = shm_loss(torch.zeros(2, 3, 4, 4), truth + 0.3, trimap, truth, image)
    assert total.item() == pytest.approx(expected + 0.01 * np.log(3), rel=1e-5)
    exact = truth.clone().requires_grad_()
    alpha_loss(exact, truth, image).backward()
    assert exact.grad is not None
    assert (exact.grad == 0).all()  # ε keeps the root's slope finite


def test_iou_loss_counts_pixels() -> None:
    truth = torch.zeros(2, 4, 4)
    truth[0, :2] = 1  # 8 pixels; the second picture shows nothing
    maps = torch.zeros(2, 1, 4, 4)
    maps[0, 0, 1:3] = 1  # 4 of them and 4 others
    assert iou_loss(maps, truth).item() == pytest.approx((1 - 5 / 13) / 2)
    both = torch.cat([maps, truth[:, None]], 1)
    assert iou_loss(both, truth) == iou_loss(maps, truth)
    assert iou_loss(torch.ones(2, 1, 4, 4), truth).item() == pytest.approx(
        (1 - 9 / 17 + 1 - 1 / 17) / 2
    )

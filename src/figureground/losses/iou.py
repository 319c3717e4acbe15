"""The soft IoU loss (Máttyus et al. 2017, "DeepRoadMapper"; one of three in BASNet, Qin et al. 2019)."""

from torch import Tensor


def iou_loss(maps: Tensor, truth: Tensor) -> Tensor:
    """Sum over the maps of the mean over pictures of 1 − Σ p·t / Σ (p + t − p·t).

    maps: N×K×H×W probabilities. truth: N×1×H×W or N×H×W in [0, 1]. Returns a scalar in [0, K]. One pixel is
    added to either sum, so that where the truth is empty an empty map costs nothing.
    """
    everywhere = truth.reshape(truth.shape[0], 1, *truth.shape[-2:]).to(maps)
    both = (maps * everywhere).sum((2, 3))
    either = maps.sum((2, 3)) + everywhere.sum((2, 3)) - both
    return (1 - (both + 1) / (either + 1)).mean(0).sum()

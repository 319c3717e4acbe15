"""Learning from a larger model's soft answers (Hinton et al. 2015, arXiv 1503.02531; temperature 1)."""

import torch.nn.functional as F
from torch import Tensor


def distillation_loss(levels: list[Tensor], taught: Tensor) -> Tensor:
    """Sum over the levels' logits (each N×2×H×W, background and person) of the mean binary cross-entropy
    of their person against `taught`, N×H×W probabilities in [0, 1]. Returns a scalar."""
    total = taught.new_zeros(())
    for logits in levels:
        margin = (logits[:, 1] - logits[:, 0]).float()
        total = total + F.binary_cross_entropy_with_logits(margin, taught)
    return total

"""U²-Net's loss (Qin et al. 2020, arXiv 2005.09007, eq. 1): binary cross-entropy of all seven maps, summed
with weights of 1."""

import torch.nn.functional as F
from torch import Tensor


def u2net_loss(maps: Tensor, truth: Tensor, logits: bool = True) -> Tensor:
    """Sum over the maps of their mean binary cross-entropy.

    maps: N×7×H×W as U2Net gives them, logits (sigmoid=False) or probabilities in [0, 1]. truth: N×1×H×W or
    N×H×W in [0, 1]. Returns a scalar.

    Logits have no limit, and a gradient however wrong they are. For probabilities torch takes logarithms no
    lower than −100, and MindSpore none below ln 1e-12 = −27.6, so a pixel that is wrong with certainty
    costs 100 here and 27.6 there; elsewhere the three agree.
    """
    everywhere = truth.reshape(truth.shape[0], 1, *truth.shape[-2:]).to(maps).expand_as(maps)
    entropy = F.binary_cross_entropy_with_logits if logits else F.binary_cross_entropy
    return entropy(maps, everywhere) * maps.shape[1]

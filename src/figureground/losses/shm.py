"""Semantic Human Matting's losses (Chen et al. 2018, arXiv 1809.01354).

Over all pixels and colour channels, with Δ the error of the alpha and c the image:

    L_p = ½ · mean √(Δ² + ε) + ½ · mean √((c·Δ)² + ε),  ε = 1e-6
    L = L_p + 0.01 · L_t

L_p asks for the alpha and for the foreground it cuts out; L_t is the cross-entropy of the trimap, the whole
loss of the trimap network's own stage (see cross_entropy). As in the originals, c is the image as the
network gets it, normalised.
"""

import torch
from torch import Tensor

from figureground.losses.cross_entropy import cross_entropy


def alpha_loss(alpha: Tensor, truth: Tensor, image: Tensor, epsilon: float = 1e-6) -> Tensor:
    """L_p of alphas N×1×H×W (the prediction not clipped) and images N×3×H×W. Returns a scalar."""
    error = alpha - truth
    absolute = torch.sqrt(error**2 + epsilon).mean()
    coloured = torch.sqrt((error * image) ** 2 + epsilon).mean()
    return (absolute + coloured) / 2


def shm_loss(
    logits: Tensor,
    alpha: Tensor,
    trimap: Tensor,
    truth: Tensor,
    image: Tensor,
    trimap_weight: float = 0.01,
) -> Tensor:
    """L of both networks, end to end. Returns a scalar.

    logits: N×3×H×W of background, foreground, unsure, and alpha: N×1×H×W, as SHM gives them in training.
    trimap: N×H×W integers in that order, 0 … 2, or 255 for none. truth: N×1×H×W in [0, 1]. image: N×3×H×W.
    """
    return alpha_loss(alpha, truth, image) + trimap_weight * cross_entropy(logits, trimap)

"""PP-HumanSegV2's loss: per pyramid level 0.8 cross-entropy + 0.2 Lovász-softmax, summed."""

from torch import Tensor

from figureground.losses.cross_entropy import cross_entropy
from figureground.losses.lovasz_softmax import lovasz_softmax


def pp_humanseg_loss(
    levels: list[Tensor],
    labels: Tensor,
    cross_entropy_weight: float = 0.8,
    lovasz_weight: float = 0.2,
    lovasz_stride: int = 1,
    ignore: int = 255,
) -> Tensor:
    """Sum over the levels' logits (each N×C×H×W) of the mixed loss against labels N×H×W.

    Cross-entropy is the mean over pixels that are not `ignore`; 0 when there are none.
    The Lovász term looks at every `lovasz_stride`-th pixel along each axis (1: all, as published).
    """
    total = labels.new_zeros((), dtype=levels[0].dtype)
    for logits in levels:
        total = total + cross_entropy_weight * cross_entropy(logits, labels, ignore)
        if lovasz_weight:
            thin = slice(lovasz_stride // 2, None, lovasz_stride)
            loss = lovasz_softmax(logits[..., thin, thin], labels[..., thin, thin], ignore)
            total = total + lovasz_weight * loss
    return total

"""Cross-entropy of class logits over the labelled pixels: RefineNet's whole loss."""

import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor, ignore: int = 255) -> Tensor:
    """Mean of −ln softmax(logits)[label] over the pixels that are not `ignore`; 0 when there are none.

    logits: N×C×H×W. labels: N×H×W integers below C, or `ignore`. Returns a scalar.
    """
    valid = (labels != ignore).sum().clamp(min=1)
    return F.cross_entropy(logits, labels, ignore_index=ignore, reduction="sum") / valid

"""Batch-hard triplet loss (Hermans et al. 2017, arXiv 1703.07737, eq. 5).

Each picture a of the batch with its farthest picture p of the same person and its nearest n of another:
L = mean over a of max(0, m + D(a, p) − D(a, n)), or ln(1 + exp(D(a, p) − D(a, n))) for the soft
margin; D is the Euclidean distance, not squared.
"""

import torch.nn.functional as F
from torch import Tensor


def batch_hard_triplet(embeddings: Tensor, persons: Tensor, margin: float | None = None) -> Tensor:
    """Embeddings N×D and persons N (integers) to a scalar; margin None is the soft margin.

    A picture without another person in the batch does not count; one without a second picture of its
    own person is its own positive, at distance 0.
    """
    x = embeddings.float()  # distances of half-precision products are too coarse
    square = (x * x).sum(1)
    squared = square[:, None] + square[None, :] - 2 * x @ x.T
    distance = squared.clamp(min=1e-12).sqrt()  # the root has no gradient at 0
    same = persons[:, None] == persons[None, :]
    positive = distance.masked_fill(~same, -1).amax(1)
    negative = distance.masked_fill(same, float("inf")).amin(1)
    usable = ~same.all(1)
    difference = positive[usable] - negative[usable]
    if not len(difference):
        return x.sum() * 0
    return (F.softplus(difference) if margin is None else F.relu(difference + margin)).mean()

"""The Lovász-softmax loss (Berman, Rannen Triki, Blaschko 2018, arXiv 1705.08790).

A convex surrogate of 1 − IoU. For class c let m_i = |[y_i = c] − p_i(c)| be the errors of the
pixels, sorted in decreasing order. The loss of c is Σ m_i · (J_i − J_{i−1}), where J_i is the Jaccard
distance of the set of the i worst pixels: 1 − (G − g_i) / (G + n_i), with G the number of pixels of
class c, g_i and n_i how many of the i worst are of class c and not.
"""

import torch
from torch import Tensor


def lovasz_softmax(logits: Tensor, labels: Tensor, ignore: int = 255) -> Tensor:
    """Mean over the classes present of the Lovász extension of the Jaccard loss, over a whole batch.

    logits: N×C×H×W. labels: N×H×W integers below C, or `ignore`. Returns a scalar in [0, 1];
    0 (with a gradient of 0) when every pixel is ignored.
    """
    classes = logits.shape[1]
    probability = logits.softmax(1).permute(0, 2, 3, 1).reshape(-1, classes)
    flat = labels.reshape(-1)
    valid = flat != ignore
    probability, flat = probability[valid], flat[valid]
    terms = []
    order = None
    for c in range(classes):
        truth = (flat == c).to(probability.dtype)
        if not truth.any():
            continue
        error = (truth - probability[:, c]).abs()
        if (
            order is None or classes > 2
        ):  # two classes err alike in every pixel: one sort serves both
            order = error.detach().argsort(descending=True)
        terms.append(error[order] @ _jaccard_steps(truth[order]))
    return torch.stack(terms).mean() if terms else logits.sum() * 0


def _jaccard_steps(truth: Tensor) -> Tensor:
    """J_i − J_{i−1} for pixels sorted by decreasing error."""
    total = truth.sum()
    jaccard = 1 - (total - truth.cumsum(0)) / (total + (1 - truth).cumsum(0))
    return torch.diff(jaccard, prepend=jaccard.new_zeros(1))

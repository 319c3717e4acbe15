"""k-reciprocal re-ranking (Zhong et al. 2017, arXiv 1701.08398) of the nearest of one query.

R*(p) is the k-reciprocal set of p, those among each other's k1 nearest, enlarged by R(q, k1/2) of every
member q of which two thirds are in it already. V_p weighs its members by exp(−d), brought to the sum
1 and averaged over the k2 nearest of p. Re-ranked distance:
(1 − λ) · Jaccard(V_p, V_g) + λ · d, with Jaccard = 1 − Σ min(V_p, V_g) / Σ max(V_p, V_g).

d is the squared Euclidean distance divided by the largest from the same p, as the authors compute it.
Everything happens among the query and its N nearest: N² memory, whatever the gallery's size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from figureground.gallery.records import Vectors


def reranked(
    query: Vectors, found: Vectors, k1: int = 20, k2: int = 6, weight: float = 0.3
) -> NDArray[np.float32]:
    """Distances, N in [0, 1], of N×D found from the D query; weight is the paper's λ."""
    everyone = np.concatenate([query[None], found])
    distance = np.maximum(2 - 2 * (everyone @ everyone.T), 0)
    np.fill_diagonal(distance, 0)
    distance /= np.maximum(distance.max(axis=1, keepdims=True), 1e-12)
    order = np.argsort(distance, axis=1, kind="stable")
    whole, half = _reciprocal(order, k1), _reciprocal(order, round(k1 / 2))
    # members of each half set that the whole set of p has too: p × q
    shared = whole.astype(np.float32) @ half.astype(np.float32).T
    joins = whole & (shared > 2 / 3 * half.sum(axis=1))
    members = whole | (joins.astype(np.float32) @ half.astype(np.float32) > 0)
    weights = np.where(members, np.exp(-distance), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    if k2 > 1:
        weights = weights[order[:, :k2]].mean(axis=1)
    common = np.minimum(weights[0], weights[1:]).sum(axis=1)
    jaccard = 1 - common / (2 - common)  # each sums to 1, so max and min sum to 2
    return ((1 - weight) * jaccard + weight * distance[0, 1:]).astype(np.float32)


def _reciprocal(order: NDArray[np.intp], k: int) -> NDArray[np.bool_]:
    """p × q: whether each is among the other's k nearest (and itself)."""
    near = np.zeros(order.shape, np.bool_)
    np.put_along_axis(near, order[:, : k + 1], True, axis=1)
    return near & near.T

"""Connectivity error of alphas (Rhemann et al. 2009): what hangs loose from the main object.

A pixel's level l is the highest of 0, 0.1, … 1 up to which it stays within the largest 4-connected region
where both alphas reach the threshold. φ(α) = 1 − d where d = α − l is at least 0.15, else 1, and the error
is Σ |φ(α) − φ(α*)| / 1000. Implementations are known to differ by some per cent: compare figures of
one tool only. Needs OpenCV (the extra [train]).
"""

import numpy as np

from figureground.metrics import Map


def connectivity_error(prediction: Map, truth: Map) -> Map:
    """Per pixel |φ(α) − φ(α*)|, of two H×W alphas in [0, 1]."""
    import cv2

    level = np.zeros_like(truth)
    connected = np.ones(truth.shape, bool)
    lower = np.minimum(prediction, truth)
    for threshold in np.arange(1, 11) / 10:
        reached = (lower >= threshold).astype(np.uint8)
        _, regions, sizes, _ = cv2.connectedComponentsWithStats(reached, connectivity=4)
        areas = sizes[1:, cv2.CC_STAT_AREA]
        if not areas.size:
            break
        connected &= regions == 1 + areas.argmax()
        level[connected] = threshold
    loose, loose_truth = prediction - level, truth - level
    return abs(loose * (loose >= 0.15) - loose_truth * (loose_truth >= 0.15))

"""Gradient error of alphas (Rhemann et al. 2009): how differently steep prediction and truth are.

Σ (|∇α| − |∇α*|)² / 1000, with gradients by first derivatives of a Gaussian, σ = 1.4, 9×9, scaled to unit
energy, the edge pixels repeated beyond the image. The authors' MATLAB code (and most that follow it) first
stretches each alpha to 0 … 1; here alphas are taken as they are, which is the same for all that hold
both 0 and 1. Needs OpenCV (the extra [train]).
"""

import numpy as np

from figureground.metrics import Map

SIGMA = 1.4
RADIUS = 4  # the first whole pixel at which the Gaussian is below 0.01


def gradient_error(prediction: Map, truth: Map) -> Map:
    """Per pixel (|∇α| − |∇α*|)², of two H×W alphas in [0, 1]."""
    return (_steepness(prediction) - _steepness(truth)) ** 2


def _steepness(alpha: Map) -> Map:
    import cv2

    x = np.arange(-RADIUS, RADIUS + 1)
    gaussian = np.exp(-(x**2) / (2 * SIGMA**2))
    derivative = x * gaussian
    gaussian, derivative = (k / np.linalg.norm(k) for k in (gaussian, derivative))
    border = cv2.BORDER_REPLICATE
    across = cv2.sepFilter2D(alpha, cv2.CV_64F, derivative, gaussian, borderType=border)
    down = cv2.sepFilter2D(alpha, cv2.CV_64F, gaussian, derivative, borderType=border)
    return np.hypot(across, down)

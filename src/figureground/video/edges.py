"""A small alpha made large along the edges of a frame: imaging.edges, in the frame's own planes."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from figureground.video.canvas import Planes

RADIUS = 2  # cells of the halved alpha on each side of the window
EPSILON = 1e-4  # of (0 … 1)²: how little a frame may vary and still steer the alpha


def guided(
    planes: Planes, guide: Planes, alpha: NDArray[np.float32], contrast: float = 1.0
) -> NDArray[np.uint8]:
    """(Y, U, V) in 4:2:0, the same h×w each, and the h×w alpha of the frame to H×W uint8.

    The guided filter of imaging.edges, whose docstring has formulas and papers: in each window alpha is
    linear in colour, for which YUV is as good as RGB. What it is there is found on half of h×w (He and
    Sun 2015). Slopes of U, V and the constant meet at half the size, where the chroma is, so that the
    full size sees one multiplication. contrast: about 0.5.
    """
    height, width = planes[0].shape
    y, u, v, rest = _coefficients(
        [_halved(plane).astype(np.float32) * np.float32(1 / 255) for plane in guide], _halved(alpha)
    )
    # 255 · (contrast · (slope · colour + rest − 1/2) + 1/2), colour in 0 … 255
    gain = np.float32(contrast)
    half = planes[1].shape[::-1]
    flat = cv2.resize((rest - np.float32(0.5)) * (255 * gain) + np.float32(127.5), half)
    for slope, plane in ((u, planes[1]), (v, planes[2])):
        flat += cv2.multiply(cv2.resize(slope * gain, half), plane, dtype=cv2.CV_32F)
    steep = cv2.resize(y * gain, (width, height))
    luma = cv2.blur(planes[0], (3, 3))  # the alpha takes over less of the picture's noise
    result = cv2.multiply(steep, luma, dst=steep, dtype=cv2.CV_32F)
    result += cv2.resize(flat, (width, height))
    return cv2.convertScaleAbs(cv2.max(result, 0))  # rounds, and stops at 255


def _halved(plane: NDArray[Any]) -> NDArray[Any]:
    height, width = plane.shape
    size = max(width // 2, 1), max(height // 2, 1)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA)


def _coefficients(
    guide: list[NDArray[np.float32]], alpha: NDArray[np.float32]
) -> tuple[NDArray[np.float32], ...]:
    """Slopes for the three planes of the guide, and the constant; all h×w."""

    def mean(plane: NDArray[np.float32]) -> NDArray[np.float32]:
        side = 2 * RADIUS + 1
        return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REPLICATE)

    # the middle of each plane is taken away: variances are small differences of large numbers
    y, u, v = (plane - np.float32(0.5) for plane in guide)
    my, mu, mv, level = mean(y), mean(u), mean(v), mean(alpha)
    yy, uu, vv = (mean(p * p) - m * m + np.float32(EPSILON) for p, m in ((y, my), (u, mu), (v, mv)))
    yu, yv, uv = mean(y * u) - my * mu, mean(y * v) - my * mv, mean(u * v) - mu * mv
    ya, ua, va = (mean(p * alpha) - m * level for p, m in ((y, my), (u, mu), (v, mv)))
    # the symmetric 3×3 system by its cofactors
    c00, c01, c02 = uu * vv - uv * uv, yv * uv - yu * vv, yu * uv - yv * uu
    c11, c12, c22 = yy * vv - yv * yv, yv * yu - yy * uv, yy * uu - yu * yu
    scale = 1 / (yy * c00 + yu * c01 + yv * c02)
    slopes = (
        (c00 * ya + c01 * ua + c02 * va) * scale,
        (c01 * ya + c11 * ua + c12 * va) * scale,
        (c02 * ya + c12 * ua + c22 * va) * scale,
    )
    rest = level - slopes[0] * my - slopes[1] * mu - slopes[2] * mv
    sy, su, sv, rest = (mean(plane) for plane in (*slopes, rest))
    return sy, su, sv, rest - np.float32(0.5) * (sy + su + sv)

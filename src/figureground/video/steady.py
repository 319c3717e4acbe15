"""Alphas of a video without flicker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Steady:
    """To be replaced."""

    def __call__(
        self, pixels: NDArray[np.uint8], alpha: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        return alpha

"""dtSSD, the flicker of video alphas (Erofeev et al. 2015, "Perceptually motivated benchmark for video
matting"): how differently prediction and truth change from one frame to the next.

Per pair of frames 100 · √(mean over the pixels of ((α_t − α_{t−1}) − (α*_t − α*_{t−1}))²), averaged
over the pairs. The paper sums where this takes the mean: the mean, and the factor, are those of Robust
Video Matting (Lin et al. 2021) and of the tables since, independent of the size. (Its script also counts
a 0 for the first frame of each clip; this does not.)
"""

import numpy as np
from numpy.typing import ArrayLike

from figureground.metrics import Map, average, checked


class DtSSD:
    """Accumulates frames in order; call cut() between clips."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self.last: Map | None = None

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """The next frame: two H×W alphas in [0, 1]. Raises ValueError on other shapes or values, or
        on a size that changes within a clip."""
        p, t = checked(prediction, truth)
        error = p - t  # the change of the error is the error of the change
        if self.last is not None:
            if self.last.shape != error.shape:
                raise ValueError(
                    f"the frame is {error.shape}, the one before {self.last.shape}; cut() starts a new clip"
                )
            self.values.append(float(100 * np.sqrt(((error - self.last) ** 2).mean())))
        self.last = error

    def cut(self) -> None:
        """The next frame belongs to another clip."""
        self.last = None

    def compute(self) -> dict[str, float]:
        """dtssd, in [0, 200]. Raises ValueError when no two frames of a clip were seen."""
        return {"dtssd": average(self.values)}

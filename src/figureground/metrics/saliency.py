"""The figures that salient object detection reports, at once: each from its own file."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from figureground.metrics import Metric, checked
from figureground.metrics.e_measure import EMeasure
from figureground.metrics.f_measure import FMeasure
from figureground.metrics.mean_absolute_error import MeanAbsoluteError
from figureground.metrics.relaxed_boundary_f import RelaxedBoundaryF
from figureground.metrics.s_measure import SMeasure
from figureground.metrics.weighted_f_measure import WeightedFMeasure


class Saliency:
    """Accumulates saliency maps; every figure is the mean over the images, of truths cut at g > 0.5.

    stretch: first stretch each prediction to its own full range, (p − min) / (max − min), as PySODMetrics
    and the papers' tables do; it flatters maps that are sure of nothing, so it is off by default.
    protocol: "published" gives the model zoo's max_f alone, of truths as they are (see f_measure).
    light: the F-measures and the MAE alone, which take least time.
    Needs OpenCV (the extra [train]) except for the published protocol.
    """

    names = ("max_f", "mean_f", "adaptive_f", "mae")  # of light
    smaller = ("mae",)

    def __init__(
        self,
        protocol: Literal["standard", "published"] = "standard",
        stretch: bool = False,
        light: bool = False,
    ) -> None:
        self.standard = protocol == "standard"
        self.stretch = stretch
        self.metrics: list[Metric] = [FMeasure(protocol)]
        if self.standard:
            self.metrics.append(MeanAbsoluteError())
        if self.standard and not light:
            others = WeightedFMeasure, SMeasure, EMeasure, RelaxedBoundaryF
            self.metrics += [metric() for metric in others]

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, g = checked(prediction, truth)
        if self.stretch and np.ptp(p) > 0:
            p = (p - p.min()) / np.ptp(p)
        if self.standard:
            g = (g > 0.5).astype(np.float64)
        for metric in self.metrics:
            metric.update(p, g)

    def compute(self) -> dict[str, float]:
        """max_f, mean_f, adaptive_f, mae, weighted_f, s_measure, max_e, mean_e, adaptive_e, relaxed_f.

        Raises ValueError when nothing was seen.
        """
        return {name: value for metric in self.metrics for name, value in metric.compute().items()}

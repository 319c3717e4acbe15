"""The figures of image matting: per image over all its pixels or the trimap's unknown ones, averaged.

With Δ = α − α* and N pixels counted (Rhemann et al. 2009; scaled as since Xu et al. 2017):

- SAD = Σ |Δ| / 1000; MAD = Σ |Δ| / N; MSE = Σ Δ² / N
- Grad: see gradient_error; Conn: see connectivity_error; both computed on the whole image, then summed over
  the pixels counted.

Papers on trimap matting count unknown pixels, those on portraits mostly the whole image: say which.

protocol="published" is the model zoo's Semantic Human Matting: SAD alone, over the whole image at its
original size, of an alpha that is not clipped to [0, 1].
"""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from figureground.metrics import average, checked
from figureground.metrics.connectivity_error import connectivity_error
from figureground.metrics.gradient_error import gradient_error


class Matting:
    """Accumulates alphas. light: without Grad and Conn, which take longest.

    Needs OpenCV (the extra [train]) except for the published protocol.
    """

    names: tuple[str, ...] = ("sad", "mad", "mse", "grad", "conn")
    smaller = names

    def __init__(
        self, protocol: Literal["standard", "published"] = "standard", light: bool = False
    ) -> None:
        if protocol not in ("standard", "published"):
            raise ValueError(f"protocol is {protocol!r}; expected standard or published")
        self.published = protocol == "published"
        if self.published or light:
            self.names = ("sad",) if self.published else ("sad", "mad", "mse")
        self.values: dict[str, list[float]] = {name: [] for name in self.names}

    def update(
        self, prediction: ArrayLike, truth: ArrayLike, unknown: NDArray[np.bool_] | None = None
    ) -> None:
        """One image: two H×W alphas, the prediction clipped to [0, 1], the truth within it.

        unknown: H×W, true for the pixels that count, such as trimap == 128; all where it is not given.
        Raises ValueError on other shapes, a truth or whole numbers beyond [0, 1], or when no pixel counts.
        """
        raw = np.asarray(prediction)
        whole = raw.dtype.kind in "biu"  # 8-bit alphas are refused, not clipped to 1
        p, t = checked(raw if whole else raw.clip(0, 1), truth)
        if self.published:
            if unknown is not None:
                raise ValueError("the published protocol counts the whole image; give no unknown")
            self.values["sad"].append(float(abs(raw - t).sum() / 1000))
            return
        counted = np.ones(t.shape, bool) if unknown is None else np.asarray(unknown, bool)
        if counted.shape != t.shape or not counted.any():
            raise ValueError(
                f"unknown is {counted.shape} with {counted.sum()} pixels; expected {t.shape} with some"
            )
        difference = abs(p - t)[counted]
        figures = [difference.sum() / 1000, difference.mean(), (difference**2).mean()]
        if "grad" in self.names:
            errors = gradient_error(p, t), connectivity_error(p, t)
            figures += [error[counted].sum() / 1000 for error in errors]
        for name, value in zip(self.names, figures):
            self.values[name].append(float(value))

    def compute(self) -> dict[str, float]:
        """sad, mad, mse, grad, conn; light: the first three; published: sad.

        Raises ValueError when nothing was seen.
        """
        return {name: average(values) for name, values in self.values.items()}

"""Mean absolute error of soft maps (Perazzi et al. 2012): mean |p − g| per image, averaged."""

from numpy.typing import ArrayLike

from figureground.metrics import average, checked


class MeanAbsoluteError:
    """The truth is taken as it is, soft or binary."""

    def __init__(self) -> None:
        self.values: list[float] = []

    def update(self, prediction: ArrayLike, truth: ArrayLike) -> None:
        """One image: two H×W maps in [0, 1]. Raises ValueError on other shapes or values."""
        p, g = checked(prediction, truth)
        self.values.append(float(abs(p - g).mean()))

    def compute(self) -> dict[str, float]:
        """mae, in [0, 1]. Raises ValueError when nothing was seen."""
        return {"mae": average(self.values)}

"""Learning-rate schedules as factors of the base rate."""

from collections.abc import Callable


def polynomial(steps: int, power: float = 0.9, warmup: int = 0) -> Callable[[int], float]:
    """(1 − t/steps)^power at step t (DeepLab, arXiv 1606.00915); rises linearly over `warmup`."""

    def factor(step: int) -> float:
        rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
        return rise * max(0.0, 1 - step / steps) ** power

    return factor

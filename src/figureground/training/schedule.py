"""Learning-rate schedules as factors of the base rate."""

import math
from collections.abc import Callable


def polynomial(steps: int, power: float = 0.9, warmup: int = 0) -> Callable[[int], float]:
    """(1 − t/steps)^power at step t (DeepLab, arXiv 1606.00915); rises linearly over `warmup`."""

    def factor(step: int) -> float:
        rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
        return rise * max(0.0, 1 - step / steps) ** power

    return factor


def cosine(steps: int, warmup: int = 0, every: int = 1) -> Callable[[int], float]:
    """(1 + cos(π t/steps)) / 2 (Loshchilov and Hutter, arXiv 1608.03983, eq. 5 without restarts), which
    changes every so many steps; rises linearly over `warmup`."""

    def factor(step: int) -> float:
        rise = min(1.0, (step + 1) / warmup) if warmup else 1.0
        return rise * (1 + math.cos(math.pi * min(step // every * every, steps) / steps)) / 2

    return factor

"""These rules change the learning rate, the weight of the KL and the decay of the averaged weights with the step."""

import hashlib
import math

from labkit.training.settings import Settings


def rate(settings: Settings, step: int, steps: int) -> float:
    """Return the learning rate of step 0 .. steps - 1: lr (1 + cos(pi step / steps)) / 2, or lr."""
    if settings.schedule == "constant":
        return settings.lr
    return settings.lr * (1 + math.cos(math.pi * step / steps)) / 2


def beta(settings: Settings, step: int) -> float:
    """Return the weight of the KL in the loss of a step: (step + 1) / warmup, at most 1."""
    return 1.0 if settings.warmup == 0 else min(1.0, (step + 1) / settings.warmup)


def decay(settings: Settings, step: int) -> float:
    """Return the decay of the averaged weights; at first it is below `ema`, so that the average forgets the start."""
    return min(settings.ema, (1 + step) / (10 + step))


def seed(*what: int | str) -> int:
    """Return a seed of 63 bits for one purpose of a run, such as (seed, "order", epoch).

    Different purposes get different seeds.
    """
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], "little") >> 1

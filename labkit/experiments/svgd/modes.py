"""Edits of the modes of a mixture on a line: lists of means, and of weights that sum to 1."""

import math

Modes = tuple[list[float], list[float]]
LEAST = 0.02  # the smallest weight of a mode that is moved, and 1 minus the largest


def moved(means: list[float], weights: list[float], scale: float, i: int, x: float, height: float) -> Modes:
    """Return the modes with mode i at x and its weight given by its height; the other weights share the rest."""
    peak = 1 / (scale * (2 * math.pi) ** 0.5)
    weight = min(max(height / peak, LEAST), 1 - LEAST) if len(weights) > 1 else 1.0
    rest = sum(w for j, w in enumerate(weights) if j != i) or 1.0
    shared = [weight if j == i else w / rest * (1 - weight) for j, w in enumerate(weights)]
    return [float(x) if j == i else m for j, m in enumerate(means)], shared


def added(means: list[float], weights: list[float], x: float) -> Modes:
    """Return the modes with one more at x, which gets an equal share of the weight."""
    n = len(means)
    return [*means, float(x)], [*(w * n / (n + 1) for w in weights), 1 / (n + 1)]


def removed(means: list[float], weights: list[float], i: int) -> Modes:
    """Return the modes without mode i; the last one stays."""
    if len(means) == 1 or not 0 <= i < len(means):
        return means, weights
    left = [w for j, w in enumerate(weights) if j != i]
    return [m for j, m in enumerate(means) if j != i], [w / sum(left) for w in left]

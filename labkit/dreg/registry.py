"""Names for a user's own estimators."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from labkit import registry
from labkit.dreg.estimators import ESTIMATORS, Estimator, Pair
from labkit.dreg.weights import Weights

_SHIPPED = (*ESTIMATORS,)


def register(name: str, rule: Callable[..., Pair], *, unbiased: bool = False, **facts: Any) -> None:
    """Give an estimator a name for `surrogate`, the laboratory, the pages and the command line.

        dreg.register("half", lambda s: (0.5 * s.w + 0.5 * s.w2, 0))

    Args:
        rule: weights s -> (path, score), each [K, ...] like `s.w`, or 0.
        unbiased: whether its mean is the gradient of its bound; pictures rely on it, so measure it first.
        facts: more fields of `Estimator`, such as `bound`, `least`, `parameters` or `polynomial`.

    Raises:
        ValueError: the name belongs to labkit, or has other characters than letters, digits, "-", "_" and "."; or the
            rule does not return a path and a score of the shape of the weights.
        TypeError: the rule is not a function, or `Estimator` has no such field.
    """
    if not callable(rule):
        raise TypeError(f"rule must be a function s -> (path, score), got {type(rule).__name__}; pass a function")
    registry.check(name, "estimator", _SHIPPED)
    estimator = Estimator(rule, unbiased, **facts)
    _check(name, estimator)
    ESTIMATORS[name] = estimator


def _check(name: str, estimator: Estimator) -> None:
    """Raise ValueError unless the rule returns a path and a score of the shape of the weights."""
    k = max(2, estimator.least)
    s = Weights(torch.linspace(-1, 1, 3 * k, dtype=torch.float64).reshape(k, 3))
    made = estimator.rule(s)
    shapes = [_shape(each) for each in made] if isinstance(made, tuple) else [type(made).__name__]
    if len(shapes) != 2 or any(shape not in (list(s.w.shape), 0) for shape in shapes):
        raise ValueError(
            f"the rule of {name!r} must return (path, score), each of the shape of the weights or 0, "
            f"got {' and '.join(map(str, shapes))} for weights {list(s.w.shape)}; do not sum over the samples"
        )


def _shape(part: Any) -> Any:
    return list(part.shape) if isinstance(part, Tensor) else part

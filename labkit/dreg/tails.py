"""This module computes how many replicates the confidence band of a measured mean or variance needs.

A sample variance does not include replicates that did not occur. Suppose one large weight in ten thousand replicates
causes a good part of the variance. Then a thousand replicates without it show a variance that is too small, and their
band misses the true value. In the Gaussian model this part is known. A rare replicate has a heaviest sample of weight
W, while the other K - 1 have their mean, so w = W / (W + K - 1). Its gradient is F = c(w) G + s(w) H. Of N replicates,
with x = |F - E F|^2,

    hidden = K E[x; rare],   rare: K P(x or more) < 1 / N,                                                      (1)
    error  = sqrt((2/D (K E x)^2 + K E[x^2; not rare]) / N)                                                     (2)

are the part of the variance that N replicates usually miss, and the standard error that they show; 2/D comes from D
normal coordinates. A band is trusted from the N on at which hidden is at most `HIDDEN` errors. For a mean x is F
itself. At K = 1 all weights are 1 and F is normal. As K grows, the variance of the sample variance of DReG needs eight
moments of the weights, which exist only for V > 7/16. Below, hidden falls so slowly that at large K no run is long
enough. This ends only if q is so narrow that in each replicate one weight dominates.

An estimator's polynomial in w gives c and s, or the polynomial that its row in `ESTIMATORS` names as similar. Without
both, c and s are the rule's coefficients of the heaviest sample. Those of the other samples are left out.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from labkit.dreg import exact
from labkit.dreg.estimators import DREG, NO_TAIL, Estimator, Polynomial, find
from labkit.dreg.gaussian import Gaussian
from labkit.dreg.weights import Weights

HIDDEN = 1 / 3  # in errors; bands then contain the true value in at least 93 % of runs (simulated)
COUNTS = 2.0 ** torch.arange(1, 41, 0.5, dtype=torch.float64)  # candidates for the number of replicates
LOGITS = torch.arange(-30, 30.1, 0.125, dtype=torch.float64)  # logit w at which a rule is evaluated
LEAST = float(COUNTS[0]), float(COUNTS[0])


class Enough(NamedTuple):
    """The numbers of replicates from which bands are trusted, [E, S] each; infinite if 2^40 are too few."""

    variance: Tensor
    mean: Tensor


def enough(toy: Gaussian, estimators: Sequence[str], sizes: Sequence[int]) -> Enough:
    """Return the replicates that each estimator needs at each K, for its variance and for its mean minus DReG's."""
    nodes, known = exact.nodes(toy), {}
    for name in estimators:
        kind = _kind(find(name))
        if kind not in known:
            known[kind] = [_needed(nodes, toy, kind, k) for k in sizes]
    rows = [known[_kind(find(name))] for name in estimators]
    return Enough(*torch.tensor(rows, dtype=torch.float64).unbind(-1))


def _kind(estimator: Estimator) -> Polynomial | Estimator:
    """Return the polynomial with the tail of the estimator, or the estimator itself, whose rule is then evaluated."""
    known = estimator.polynomial or estimator.tail
    return estimator if known is None else known


def _needed(nodes: exact.Nodes, toy: Gaussian, kind: Polynomial | Estimator, k: int) -> tuple[float, float]:
    if k == 1 or kind == NO_TAIL or (isinstance(kind, Estimator) and k < kind.least):
        return LEAST
    p = k * nodes.p
    along, across = _gradient(nodes, toy, kind, k)
    away = along - nodes.p @ along
    square = away.square() + across.square() * nodes.across
    variance = _trusted(square, square, square.square(), p, 2 / toy.dim * (p @ square) ** 2)
    quiet = find("dreg") if isinstance(kind, Estimator) else DREG  # in the same way, so that equal parts cancel
    along = along - _gradient(nodes, toy, quiet, k)[0]
    away = along - nodes.p @ along
    return variance, _trusted(away.abs(), along.abs(), away.square(), p, torch.zeros(()))


def _gradient(nodes: exact.Nodes, toy: Gaussian, kind: Polynomial | Estimator, k: int) -> tuple[Tensor, Tensor]:
    """Return F along the true gradient, and the factor of the noise across it."""
    logit = nodes.log_w - math.log(k - 1)
    if isinstance(kind, Estimator):
        c, s = _of_rule(kind, logit, k)
    else:
        w = torch.sigmoid(logit)
        c, s = (first * w + second * w * w for first, second in kind)
    return c * nodes.path + s * nodes.score, c * toy.path_slope + s / toy.sigma


def _of_rule(estimator: Estimator, logit: Tensor, k: int) -> Iterator[Tensor]:
    """Yield c(w) and s(w) of a rule: those of the first of K samples, if the others have equal weights."""
    heaviest = (LOGITS + math.log(k - 1)).split(max(1, exact.ENTRIES // k))
    weights = (Weights(torch.cat([each[None], each.new_zeros(k - 1, len(each))])) for each in heaviest)
    firsts = [torch.stack([(c + torch.zeros_like(s.log_w))[0] for c in estimator.rule(s)]) for s in weights]
    for coefficients in torch.cat(firsts, 1).numpy():
        yield torch.from_numpy(np.interp(logit.numpy(), LOGITS.numpy(), coefficients))


def _trusted(order: Tensor, x: Tensor, square: Tensor, p: Tensor, base: Tensor) -> float:
    """Return the smallest of `COUNTS` from which on (1) is at most `HIDDEN` times (2)."""
    first = order.argsort(descending=True)
    x, square, p = x[first], square[first], p[first]
    rare = torch.searchsorted(p.cumsum(0), 1 / COUNTS)
    zero = p.new_zeros(1)
    hidden = torch.cat([zero, (p * x).cumsum(0)])[rare]
    shown = torch.cat([(p * square).flip(0).cumsum(0).flip(0), zero])[rare]
    bad = (hidden > HIDDEN * ((base + shown) / COUNTS).sqrt()).nonzero()
    least = int(bad[-1]) + 1 if len(bad) else 0
    return float(COUNTS[least]) if least < len(COUNTS) else math.inf

"""Replicates of the laboratory: every estimator at every K from one set of samples, without a graph.

On the Gaussian model G and H are linear in the noise e. So a gradient is a product of coefficients and noise. It
equals the gradient of `dreg.surrogate` for the same samples. The noise has the resolution of float32, because float64
noise would take most of the time. float32 cuts it off beyond 5.8 standard deviations. Everything else is float64.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from labkit.dreg.estimators import ESTIMATORS
from labkit.dreg.gaussian import POSTERIOR_VARIANCE, Gaussian
from labkit.dreg.weights import Weights, pareto_k

ENTRIES = {"cpu": 1 << 20, "cuda": 1 << 24}  # entries of noise at a time: they fit into a cache, or fill a device


class Replicates(NamedTuple):
    """R replicates of E estimators at S sizes.

    gradients: in the mean of q, [R, E, S, D].
    bounds: the bounds that the estimators report, [R, E, S].
    sample_size, entropies: of the weights, [R, S].
    tail: Pareto's k, fitted once to pooled weights, [1].
    """

    gradients: Tensor
    bounds: Tensor
    sample_size: Tensor
    entropies: Tensor
    tail: Tensor


def measured(
    toy: Gaussian,
    names: Sequence[str],
    sizes: Sequence[int],
    parameters: Mapping[str, Mapping[str, Any]],
    *,
    replicates: int,
    generator: torch.Generator,
) -> Replicates:
    """Return the replicates, sampled some at a time; NaN if an estimator has no value at that K."""
    most = max(1, ENTRIES["cuda" if toy.mean.is_cuda else "cpu"] // (sizes[-1] * toy.dim))
    parts = []
    for begin in range(0, replicates, most):
        e = noise(min(most, replicates - begin), sizes[-1], toy, generator)
        parts.append(of_noise(e, toy, names, sizes, parameters))
    gradients, bounds, sample_size, entropies, tail = (torch.cat(each) for each in zip(*parts, strict=True))
    return Replicates(gradients, bounds, sample_size, entropies, tail[:1])


def noise(replicates: int, k: int, toy: Gaussian, generator: torch.Generator) -> Tensor:
    """Return standard normal e, [R, K, D], in float64 with float32 resolution.

    This takes a fifth of the time of float64 noise.
    """
    return torch.randn(replicates, k, toy.dim, generator=generator, device=toy.mean.device).double()


def of_noise(
    e: Tensor, toy: Gaussian, names: Sequence[str], sizes: Sequence[int], parameters: Mapping[str, Mapping[str, Any]]
) -> Replicates:
    """Return the replicates for noise [R, K, D]."""
    log_w = toy.log_weights(e).mT  # [K, R]
    every = [Weights(log_w[:k]) for k in sizes]
    pooled = log_w.flatten()
    tail = pareto_k(pooled) if len(pooled) >= 25 else pooled.new_tensor(torch.nan)
    return Replicates(
        torch.stack([_gradients(names, s, e[:, : s.count], toy, parameters) for s in every], 2),
        torch.stack([_bounds(names, s) for s in every], 2),
        torch.stack([s.effective_size for s in every], 1),
        torch.stack([s.entropy for s in every], 1),
        tail[None],
    )


def _gradients(
    names: Sequence[str], s: Weights, e: Tensor, toy: Gaussian, parameters: Mapping[str, Mapping[str, Any]]
) -> Tensor:
    """Return the gradients in the mean of q, [R, E, D], from noise [R, K, D]."""
    none = torch.full_like(s.log_w, torch.nan)
    pairs = [
        ESTIMATORS[n].rule(s, **parameters.get(n, {})) if s.count >= ESTIMATORS[n].least else (none, none)
        for n in names
    ]
    slopes = torch.stack([torch.as_tensor(path * toy.path_slope + score / toy.sigma) for path, score in pairs])
    paths = torch.stack([path.sum(0) if isinstance(path, Tensor) else torch.zeros_like(s.total) for path, _ in pairs])
    return slopes.permute(2, 0, 1) @ e - paths.mT[..., None] * (toy.offset / POSTERIOR_VARIANCE)


def _bounds(names: Sequence[str], s: Weights) -> Tensor:
    """Return the bounds that the estimators report, [R, E]."""
    none = torch.full_like(s.total, torch.nan)
    least = {ESTIMATORS[n].bound: ESTIMATORS[n].bound_least for n in names}
    made = {kind: kind(s.log_w) if s.count >= few else none for kind, few in least.items()}
    return torch.stack([made[ESTIMATORS[n].bound] for n in names], 1)

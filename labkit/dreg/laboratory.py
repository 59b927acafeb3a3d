"""The laboratory measures every estimator at every K on the Gaussian model, from the same samples.

A measurement is a stream of states:

    toy, generator = gaussian.instance(), torch.Generator().manual_seed(0)
    first = laboratory.start(toy, ("iwae", "stl", "dreg"))
    for state in islice(stream.iterate(partial(laboratory.step, toy=toy, generator=generator), first), 10):
        state.variance, state.snr                       # [estimators, sizes]

A replicate is ONE set of K_max samples; its first K serve each K. `labkit.dreg.fast.laboratory` computes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import reduce
from typing import Any, ClassVar

import torch
from torch import Tensor

from labkit.dreg.estimators import ESTIMATORS, find
from labkit.dreg.fast import laboratory as fast
from labkit.dreg.gaussian import Gaussian
from labkit.dreg.statistics import RunningMoments, crossed, empty, hotelling, merge, moments, t_test
from labkit.summary import Summary

SIZES = tuple(2**i for i in range(11))
REFERENCE = "dreg"  # unbiased with low variance; the bias of the others is measured against it, on the same samples
REPLICATES = 128  # replicates per step: tens of milliseconds at K = 1024, D = 20


@dataclass(frozen=True, eq=False, repr=False)
class State(Summary):
    """The measurements of n replicates for E estimators at S sizes K; NaN if an estimator has no value at that K.

    gradients: moments of the gradient in the mean of q, [E, S, D]; reference: those of DReG, [S, D].
    differences: moments of gradient minus DReG's of the same samples, with covariances, [E, S, D] and [E, S, D, D].
    straightness: moments of |part along the true gradient| / |rest|, [E, S]; NaN if D = 1 or q has the right mean.
    bounds: moments of the bound that each estimator reports, [E, S], in nats.
    sample_size, entropies: moments of ESS and of the weights' entropy, [S].
    tail: moments of Pareto's k, fitted once per step to pooled weights, []; NaN if there are fewer than 25 weights.
    parameters: the parameters of the estimators.
    """

    line: ClassVar[dict[str, str]] = {"estimators": "estimators", "n": "replicates", "t": "t"}

    estimators: tuple[str, ...]
    sizes: tuple[int, ...]
    gradients: RunningMoments
    reference: RunningMoments
    differences: RunningMoments
    straightness: RunningMoments
    bounds: RunningMoments
    sample_size: RunningMoments
    entropies: RunningMoments
    tail: RunningMoments
    parameters: Mapping[str, Mapping[str, Any]]
    t: int = 0

    @property
    def n(self) -> int:
        """The number of replicates so far."""
        return self.gradients.n

    @property
    def variance(self) -> Tensor:
        """The variance of the gradient, a mean over its coordinates, [E, S]."""
        return self.gradients.variance.mean(-1)

    @property
    def signal(self) -> Tensor:
        """|mean gradient|, [E, S]; for estimators that are unbiased for L it uses DReG's mean, which is less noisy."""
        steady = [ESTIMATORS[e].steady for e in self.estimators]
        own, quiet = self.gradients.mean.norm(dim=-1), self.reference.mean.norm(dim=-1)
        chosen = torch.where(torch.tensor(steady, device=own.device)[:, None], quiet, own)
        return torch.where(own.isnan(), own, chosen)

    @property
    def snr(self) -> Tensor:
        """The signal divided by the root of the total variance, [E, S]."""
        return self.signal / self.gradients.variance.sum(-1).sqrt()

    @property
    def direction_snr(self) -> Tensor:
        """The mean of |part along the true gradient| / |rest|, [E, S] (Rainforth et al. 2018, eq. 12)."""
        return self.straightness.mean

    @property
    def bias(self) -> Tensor:
        """Mean gradient minus that of L, estimated by DReG's on the same samples, [E, S, D]."""
        return self.differences.mean

    @property
    def mean_squared_error(self) -> Tensor:
        """E |gradient - true gradient of L|^2, a sum over coordinates: |bias|^2 plus the total variance, [E, S]."""
        return self.bias.square().sum(-1) + self.gradients.variance.sum(-1)

    def bias_test(self) -> tuple[Tensor, Tensor]:
        """Return Hotelling's T^2 and p of the bias, [E, S] each; 0 and 1 for DReG itself, NaN before n > D."""
        return hotelling(self.n, self.bias, self.differences.variance)

    def bias_t(self) -> tuple[Tensor, Tensor]:
        """Return Student's t and p of the bias for each coordinate, [E, S, D] each."""
        return t_test(self.n, self.bias, self.differences.variance.diagonal(dim1=-2, dim2=-1))


def start(
    toy: Gaussian,
    estimators: Sequence[str] = ("iwae", "stl", "dreg"),
    sizes: Sequence[int] = SIZES,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
) -> State:
    """Return the state before the first replicate.

    Args:
        toy: the Gaussian model.
        estimators: names of `ESTIMATORS`.
        sizes: the K, in increasing order.
        parameters: parameters of an estimator by its name, for example {"dreg-alpha": {"alpha": 0.5}}.

    Raises:
        ValueError: there is no estimator, or an unknown one, or sizes are not increasing whole numbers >= 1.
        TypeError: an estimator does not have a parameter.
    """
    if not estimators:
        raise ValueError(f"name at least one estimator of {', '.join(ESTIMATORS)}; got none")
    parameters = {name: dict(each) for name, each in (parameters or {}).items()}
    for name in (*estimators, *parameters):
        find(name, parameters.get(name, ()))
    if not sizes or any(not isinstance(k, int) for k in sizes) or list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
        raise ValueError(f"sizes must be whole numbers K >= 1 in increasing order, got {tuple(sizes)}; use 1, 2, 4")
    zero = toy.mean.new_zeros(len(estimators), len(sizes), toy.dim)
    each, one = empty(zero[..., 0]), empty(zero[0, :, 0])
    cross = RunningMoments(0, zero, zero.new_zeros(*zero.shape, toy.dim))
    tail = empty(zero[0, 0, 0])
    measured = (empty(zero), empty(zero[0]), cross, each, each, one, one, tail)
    return State(tuple(estimators), tuple(sizes), *measured, parameters)


def step(state: State, toy: Gaussian, *, generator: torch.Generator, replicates: int = REPLICATES) -> State:
    """Return the state after more replicates.

    Args:
        generator: on the device of the toy. The same seed and the same `replicates` give the same states.
        replicates: how many to add.

    Raises:
        ValueError: replicates < 1, or the toy has another number of dimensions than at the start.
    """
    if replicates < 1 or toy.dim != state.gradients.mean.shape[-1]:
        raise ValueError(
            f"there must be replicates >= 1 and a toy of {state.gradients.mean.shape[-1]} dimensions, "
            f"got {replicates} and {toy.dim}; call start for another toy"
        )
    names = list(dict.fromkeys((*state.estimators, REFERENCE)))
    found = fast.measured(toy, names, state.sizes, state.parameters, replicates=replicates, generator=generator)
    gradients, quiet = (
        found.gradients[:, : len(state.estimators)].contiguous(),
        found.gradients[:, names.index(REFERENCE)],
    )
    along = gradients @ toy.direction
    across = (gradients - along[..., None] * toy.direction).norm(dim=-1)
    new = {
        "gradients": moments(gradients),
        "reference": moments(quiet),
        "differences": crossed(gradients - quiet[:, None]),
        "straightness": moments(along.abs() / across if toy.dim > 1 else along * torch.nan),
        "bounds": moments(found.bounds[:, : len(state.estimators)]),
        "sample_size": moments(found.sample_size),
        "entropies": moments(found.entropies),
        "tail": moments(found.tail),
    }
    together: dict[str, Any] = {name: merge(getattr(state, name), each) for name, each in new.items()}
    return replace(state, t=state.t + 1, **together)


def merged(one: State, other: State) -> State:
    """Return one state with the replicates of both states."""
    measured = [field.name for field in fields(one) if isinstance(getattr(one, field.name), RunningMoments)]
    together: dict[str, Any] = {name: merge(getattr(one, name), getattr(other, name)) for name in measured}
    return replace(one, t=one.t + other.t, **together)


def gathered(state: State) -> State:
    """Return the measurements of all processes of `torch.distributed`, on each of them.

    With one process this is the state itself.

    Every process uses a generator with another seed for its steps and calls this at the end:

        generator = torch.Generator().manual_seed(1000 * seed + torch.distributed.get_rank())
    """
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return state
    every: list[Any] = [None] * torch.distributed.get_world_size()
    torch.distributed.all_gather_object(every, state)
    return reduce(merged, every)

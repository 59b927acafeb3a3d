"""The noise of a VAE's inference gradient at one batch of images, for every estimator and number of samples at once.

Replicates draw anew the samples alone, never the images. The gradient is taken where the network hands over to the
estimator, in mu and sigma of q(z | x) of each image. One draw of the largest K serves all: an estimator at K sees the
first K samples, and the decoder is walked once a sample, whatever is asked of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from labkit.dreg import passes
from labkit.dreg.estimators import ESTIMATORS, find
from labkit.dreg.gradients import normal_gradients
from labkit.dreg.networks import VAE
from labkit.dreg.statistics import RunningMoments, empty, merge, moments

SIZES = (1, 2, 4, 8, 16, 32, 64)
STEADY = "dreg"  # the unbiased estimator whose mean is known best


@dataclass(frozen=True, eq=False)
class State:
    """What n replicates have told.

    gradients: of each estimator at each K, [E, S, d], NaN where it needs more samples; d is images x 2 latent, first
    mu then sigma. reference: those of `STEADY`, [S, d], whose mean stands for that of all that share it.
    """

    estimators: tuple[str, ...]
    sizes: tuple[int, ...]
    gradients: RunningMoments
    reference: RunningMoments
    t: int = 0

    @property
    def n(self) -> int:
        return self.gradients.n

    @property
    def variance(self) -> Tensor:
        """Mean over the coordinates, [E, S]; NaN before two replicates."""
        return self.gradients.variance.mean(-1)

    @property
    def snr(self) -> Tensor:
        """|mean| over the root of the summed variance, [E, S]; NaN where the mean is not told from 0 yet."""
        own = _squared_norm(self.gradients)
        steady = [ESTIMATORS[name].steady for name in self.estimators]
        square = torch.where(torch.tensor(steady, device=own.device)[:, None], _squared_norm(self.reference), own)
        return square.where(square > 0, torch.nan).sqrt() / self.gradients.variance.sum(-1).sqrt()


def _squared_norm(of: RunningMoments) -> Tensor:
    """|mean|^2 without what the noise of the mean adds to it."""
    return of.mean.square().sum(-1) - of.variance.sum(-1) / max(of.n, 1)


def start(model: VAE, images: int, estimators: Sequence[str], sizes: Sequence[int] = SIZES) -> State:
    """No replicate yet.

    Raises:
        ValueError: no estimator or an unknown one; sizes that do not grow from 1 or more; more than one layer.
    """
    for name in estimators:
        find(name)
    if not estimators:
        raise ValueError(f"name at least one estimator of {', '.join(ESTIMATORS)}, got none")
    if not sizes or sizes[0] < 1 or any(a >= b for a, b in zip(sizes, sizes[1:], strict=False)):
        raise ValueError(f"sizes must be whole numbers K >= 1 in growing order, got {tuple(sizes)}")
    if len(model.config.latent) > 1:
        raise ValueError(f"one layer of latents is wanted, got {len(model.config.latent)}; take another network")
    d = images * 2 * model.config.latent[0]
    none = torch.zeros(len(estimators), len(sizes), d, dtype=torch.float64, device=model.mean.device)
    return State(tuple(estimators), tuple(sizes), empty(none), empty(none[0]))


def step(state: State, model: VAE, x: Tensor, *, generator: torch.Generator, replicates: int) -> State:
    """So many replicates more.

    Args:
        model: its parameters want no gradient, or time is spent on theirs.
        x: images (B, 1, H, W) in [0, 1], as many as the state was made for.

    Raises:
        ValueError: replicates < 1; images of another size or number, or log p(x, z) that is not finite.
    """
    units = 2 * model.config.latent[0]
    if replicates < 1 or len(x) * units != state.reference.mean.shape[-1]:
        wanted = state.reference.mean.shape[-1] // units
        raise ValueError(f"wanted replicates >= 1 and {wanted} images, got {replicates} and {len(x)}")
    found = passes.run(model, x.repeat(replicates, 1, 1, 1), state.sizes[-1], generator=generator)
    (slope,) = torch.autograd.grad(found.log_joint.sum(), found.leaves)
    sigma = found.q[1].detach()

    def measured(name: str, k: int) -> Tensor:
        """[replicates, d]."""
        if k < find(name).least:
            return torch.full((replicates, len(x) * units), torch.nan, dtype=torch.float64, device=x.device)
        both = normal_gradients(name, found.log_w[:k], found.noise[:k], sigma, slope[:k])
        return torch.cat(both, -1).view(replicates, -1).double()

    every = torch.stack([torch.stack([measured(name, k) for k in state.sizes], 1) for name in state.estimators], 1)
    at = state.estimators.index(STEADY) if STEADY in state.estimators else None
    steady = torch.stack([measured(STEADY, k) for k in state.sizes], 1) if at is None else every[:, at]
    return replace(
        state,
        gradients=merge(state.gradients, moments(every)),
        reference=merge(state.reference, moments(steady)),
        t=state.t + 1,
    )

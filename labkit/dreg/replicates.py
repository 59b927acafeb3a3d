"""The noise of a VAE's inference gradient at one batch of images, for every estimator and number of samples at once.

Replicates have new samples but the same images. The gradient is taken where the network meets the estimator, in mu
and sigma of q(z | x) of each image. One set of samples at the largest K serves all: an estimator at K uses the first
K of them. The decoder runs once per sample, for any number of estimators.
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
STEADY = "dreg"  # the unbiased estimator with the most precise mean


@dataclass(frozen=True, eq=False)
class State:
    """The measurements of n replicates.

    gradients: of each estimator at each K, [E, S, d], NaN if it needs more samples; d is images x 2 latent, first mu
    then
        sigma.
    reference: those of `STEADY`, [S, d]; its mean is used for all estimators with the same mean.
    """

    estimators: tuple[str, ...]
    sizes: tuple[int, ...]
    gradients: RunningMoments
    reference: RunningMoments
    t: int = 0

    @property
    def n(self) -> int:
        """The number of replicates so far."""
        return self.gradients.n

    @property
    def variance(self) -> Tensor:
        """The mean variance over the coordinates, [E, S]; NaN before two replicates."""
        return self.gradients.variance.mean(-1)

    @property
    def snr(self) -> Tensor:
        """|mean| divided by the root of the total variance, [E, S]; NaN while the mean could be 0."""
        own = _squared_norm(self.gradients)
        steady = [ESTIMATORS[name].steady for name in self.estimators]
        square = torch.where(torch.tensor(steady, device=own.device)[:, None], _squared_norm(self.reference), own)
        return square.where(square > 0, torch.nan).sqrt() / self.gradients.variance.sum(-1).sqrt()


def _squared_norm(of: RunningMoments) -> Tensor:
    """Return |mean|^2 minus the part that the noise of the mean adds."""
    return of.mean.square().sum(-1) - of.variance.sum(-1) / max(of.n, 1)


def start(model: VAE, images: int, estimators: Sequence[str], sizes: Sequence[int] = SIZES) -> State:
    """Return the state before the first replicate.

    Raises:
        ValueError: there is no estimator or an unknown one, or sizes do not increase from 1 or more. Or the model has
            more than one layer of latents.
    """
    for name in estimators:
        find(name)
    if not estimators:
        raise ValueError(f"name at least one estimator of {', '.join(ESTIMATORS)}, got none")
    if not sizes or sizes[0] < 1 or any(a >= b for a, b in zip(sizes, sizes[1:], strict=False)):
        raise ValueError(f"sizes must be whole numbers K >= 1 in increasing order, got {tuple(sizes)}")
    if len(model.config.latent) > 1:
        raise ValueError(f"the network must have one layer of latents, got {len(model.config.latent)}; use another")
    d = images * 2 * model.config.latent[0]
    none = torch.zeros(len(estimators), len(sizes), d, dtype=torch.float64, device=model.mean.device)
    return State(tuple(estimators), tuple(sizes), empty(none), empty(none[0]))


def step(state: State, model: VAE, x: Tensor, *, generator: torch.Generator, replicates: int) -> State:
    """Return the state after more replicates.

    Args:
        model: its parameters should need no gradient, which saves time.
        x: images (B, 1, H, W) in [0, 1], as many as the state was made for.
        replicates: how many to add.

    Raises:
        ValueError: replicates < 1, images of another size or number, or log p(x, z) is not finite.
    """
    units = 2 * model.config.latent[0]
    if replicates < 1 or len(x) * units != state.reference.mean.shape[-1]:
        wanted = state.reference.mean.shape[-1] // units
        raise ValueError(f"there must be replicates >= 1 and {wanted} images, got {replicates} and {len(x)}")
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

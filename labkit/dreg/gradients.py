"""This module turns coefficients into gradients; one set of K samples serves every estimator.

    samples = dreg.evaluate(proposal, log_joint, 64)          # proposal: torch.distributions; log_joint: z -> log p(x,
    z) (-dreg.surrogate(samples, "dreg").mean()).backward()      # gradients of encoder and decoder samples.bound()
    # the number to report

A surrogate is a number whose gradient is the estimator; its value has no meaning.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution

from labkit.dreg import estimators, support, trail
from labkit.dreg.detach import detach_parameters
from labkit.dreg.weights import Weights, check_log_weights
from labkit.summary import Summary


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Summary):
    """K samples of a proposal and everything that estimators need of them.

    z: [K, *batch, *event]; it moves with the proposal's parameters if the proposal has `rsample`.
    log_w: [K, *batch], held constant; -inf is a weight of 0.
    log_joint: log p(x, z_k) as a function of the model only.
    log_q: log q(z_k) with z_k held constant.
    path: G = d/dz lw with q's parameters held constant, shaped like z; `None` without `rsample`.
    moving: whether the support of the proposal moves with its parameters.
    dead: whether some log_w are -inf. There log_joint has the value of the heaviest sample and path is 0, so that a
        coefficient of 0 makes both 0.
    """

    line: ClassVar[dict[str, str]] = {"z": "z", "log_w": "log_w", "moving": "moving"}

    z: Tensor
    log_w: Tensor
    log_joint: Tensor
    log_q: Tensor
    path: Tensor | None
    moving: bool = False
    dead: bool = False

    def bound(self, name: str = "iwae") -> Tensor:
        """Return the bound that an estimator reports, [*batch], in nats."""
        return estimators.bound(self.log_w, name)


def evaluate(proposal: Distribution, log_joint: Callable[[Tensor], Tensor], k: int) -> Samples:
    """Sample k points from the proposal, and evaluate model and proposal there.

    Args:
        proposal: q(z | x) with batch shape [*batch]; for vectors z wrap it: Independent(Normal(mu, sigma), 1).
        log_joint: z [K, *batch, *event] -> log p(x, z) [K, *batch], -inf if p is 0; each value depends on its own z_k.
        k: number of samples, at least 1.

    Raises:
        TypeError: the proposal is not a torch distribution, or its parameters cannot be detached.
        ValueError: k < 1, or log_joint does not return [K, *batch], or is NaN, +inf, or -inf at all samples.
    """
    held = detach_parameters(proposal)
    if k < 1:
        raise ValueError(f"the number of samples must be at least 1, got K = {k}; draw more")
    moving, drawn = support.moves(proposal), trail.draw(proposal, k)
    leaf = drawn.z.detach().requires_grad_(proposal.has_rsample)
    with torch.enable_grad():
        log_p, log_q = log_joint(leaf), trail.log_prob(held, drawn, leaf)
    _check_shape(log_p, log_q)
    log_w, spot = (log_p - log_q).detach(), leaf
    if not math.isfinite(log_w.sum()):
        _check_log_q(log_q.detach())
    dead = _beside(log_w == -math.inf, leaf) if check_log_weights(log_w) else None
    if dead is not None:  # a weight of 0 does not remove a NaN gradient, so use the heaviest sample there
        spot = torch.where(dead, _heaviest(leaf.detach(), log_w), leaf.detach())
        with torch.enable_grad():
            log_p = log_joint(spot.requires_grad_(proposal.has_rsample))
    path = _slope(log_p, spot) - _slope(log_q, leaf) if proposal.has_rsample else None
    if path is not None and dead is not None:
        path = torch.where(dead, 0, path)
    score = trail.log_prob(proposal, drawn, leaf.detach())
    return Samples(drawn.z, log_w, log_p, score, path, moving, dead is not None)


def _check_shape(log_p: object, log_q: Tensor) -> None:
    if not isinstance(log_p, Tensor) or log_p.shape != log_q.shape:
        got = tuple(log_p.shape) if isinstance(log_p, Tensor) else type(log_p).__name__
        raise ValueError(
            f"log_joint must return [K, *batch] = {tuple(log_q.shape)} like the proposal's log_prob, got {got}; "
            "sum over the latent axis, and wrap the proposal: Independent(proposal, 1)"
        )


def _check_log_q(log_q: Tensor) -> None:
    bad = int((~log_q.isfinite()).sum())
    if bad:
        raise ValueError(
            f"log q must be finite at the proposal's own samples, got {bad} of {log_q.numel()} that are not; "
            "look for NaN in its parameters. If samples round to the edge of the support, use float64"
        )


def _slope(value: Tensor, leaf: Tensor) -> Tensor:
    """Return the derivative of each value in the leaf; 0 if it does not depend on the leaf."""
    if not value.requires_grad:
        return torch.zeros_like(leaf)
    one = torch.ones_like(value)
    return torch.autograd.grad(value, leaf, one, retain_graph=True, materialize_grads=True)[0]


def _beside(x: Tensor, z: Tensor) -> Tensor:
    """Return x [K, *batch] with an axis of size 1 for every event axis of z."""
    return x.reshape(*x.shape, *[1] * (z.ndim - x.ndim))


def _heaviest(z: Tensor, log_w: Tensor) -> Tensor:
    """Return the sample with the largest weight of each element of the batch, [1, *batch, *event]."""
    index = _beside(log_w.argmax(0, keepdim=True), z).expand(1, *z.shape[1:])
    return z.gather(0, index)


def surrogate(samples: Samples, name: str, **parameters: Any) -> Tensor:
    """Return a number per element of the batch, [*batch], whose gradient is the estimator's: to be MAXIMISED.

    Its gradient in the proposal's parameters is (1) of `estimators`, in the model's parameters (2). If the estimator's
    own parameters are tensors, they get gradients of the gradient (`labkit.dreg.control`). Second derivatives in the
    other parameters have no meaning, because coefficients and path are constants.

    Raises:
        TypeError, ValueError: as `estimators.coefficients`. Or the estimator needs a path, and the proposal has no
            `rsample`. Or the support of the proposal moves, and the estimator is not iwae, jk or vae.
    """
    estimator = estimators.find(name)
    if samples.moving and not estimator.edges:
        right = ", ".join(each for each, other in estimators.ESTIMATORS.items() if other.edges)
        raise ValueError(
            f"{name} needs a proposal with a fixed support, got one that moves with its parameters. There "
            f"the mean of the score is not 0; use {right}, or a proposal such as a transformed Normal"
        )
    if samples.dead:
        check_log_weights(samples.log_w, estimator.least, name, estimator.alive)
    if samples.path is None and estimator.path:
        able = ", ".join(each for each, estimator in estimators.ESTIMATORS.items() if not estimator.path)
        raise ValueError(f"{name} needs a proposal with rsample, got one without; use {able}, or a continuous proposal")
    path, score, model = estimators.weighed(name, Weights(samples.log_w.detach()), **parameters)
    value = score * samples.log_q + model * samples.log_joint
    if samples.path is not None:
        moved = (samples.path * samples.z).reshape(*path.shape, -1).sum(-1)
        value = value + path * moved
    return value.sum(0)


def normal_gradients(
    name: str, log_w: Tensor, noise: Tensor, sigma: Tensor, score_p: Tensor, **parameters: Any
) -> tuple[Tensor, Tensor]:
    """Return the inference gradient in closed form in mu and in sigma, [*batch, d] each, for a Normal q.

    Here z = mu + sigma noise. No graph goes through q: continue with
    `torch.autograd.backward([mu, sigma], [-g_mu, -g_sigma])` into an encoder.

    Args:
        log_w: [K, *batch].
        noise: [K, *batch, d].
        sigma: standard deviation, [*batch, d].
        score_p: d/dz log p(x, z) at the samples, [K, *batch, d].

    Raises:
        TypeError, ValueError: as `estimators.coefficients`; or the shapes do not match.
    """
    if noise.shape[:-1] != log_w.shape or score_p.shape != noise.shape or sigma.shape != noise.shape[1:]:
        raise ValueError(
            "shapes must be log_w [K, *batch], noise and score_p [K, *batch, d], sigma [*batch, d]; got "
            f"{', '.join(str(tuple(each.shape)) for each in (log_w, noise, score_p, sigma))}; match them"
        )
    path, score, _ = estimators.coefficients(name, log_w, **parameters)
    slope = torch.where((log_w == -math.inf).unsqueeze(-1), 0, score_p + noise / sigma)  # beyond a wall it may be NaN
    return in_normal(path.unsqueeze(-1) * slope, score, noise, sigma)


def in_normal(along: Tensor | None, score: Tensor | None, noise: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """Return (1) of `estimators` in mu and in sigma of a Normal q, [*batch, d] each; a term of `None` is left out.

    Args:
        along: path_k G_k, [K, *batch, d].
        score: [K, *batch].
        noise: [K, *batch, d].
        sigma: [*batch, d].
    """
    mean = deviation = torch.zeros_like(sigma)
    if along is not None:
        mean, deviation = along.sum(0), (along * noise).sum(0)
    if score is not None:
        away = score.unsqueeze(-1) * noise
        mean = mean + away.sum(0) / sigma
        deviation = deviation + ((away * noise).sum(0) - score.sum(0).unsqueeze(-1)) / sigma
    return mean, deviation

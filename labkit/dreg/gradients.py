"""From coefficients to gradients: one draw of K samples serves every estimator.

samples = dreg.evaluate(proposal, log_joint, 64)          # proposal: torch.distributions; log_joint: z -> log p(x, z)
(-dreg.surrogate(samples, "dreg").mean()).backward()      # gradients of encoder and decoder
samples.bound()                                           # what to report

A surrogate is a number whose gradient is the estimator; its value means nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from labkit.dreg import estimators
from labkit.dreg.detach import detach_parameters
from labkit.dreg.weights import Weights, check_log_weights


@dataclass(frozen=True, eq=False)
class Samples:
    """K samples of a proposal and all that estimators need of them.

    z: [K, *batch, *event], moves with the proposal's parameters where the proposal has `rsample`. log_w: [K, *batch],
    held constant. log_joint: log p(x, z_k) as a function of the model alone. log_q: log q(z_k) with z_k held constant.
    path: G, d/dz lw with q's parameters held constant, like z; None without `rsample`.
    """

    z: Tensor
    log_w: Tensor
    log_joint: Tensor
    log_q: Tensor
    path: Tensor | None

    def bound(self, name: str = "iwae") -> Tensor:
        """The bound that an estimator reports, [*batch], in nats."""
        return estimators.bound(self.log_w, name)


def evaluate(proposal: Distribution, log_joint: Callable[[Tensor], Tensor], k: int) -> Samples:
    """Draw k samples and evaluate model and proposal there.

    Args:
        proposal: q(z | x), batch shape [*batch]; for vectors z wrap it: Independent(Normal(mu, sigma), 1).
        log_joint: z [K, *batch, *event] -> log p(x, z) [K, *batch]; each z_k for itself.
        k: number of samples, at least 1.

    Raises:
        TypeError: the proposal is no torch distribution, or its parameters cannot be detached.
        ValueError: k < 1; log_joint does not return [K, *batch], or is not finite.
    """
    held = detach_parameters(proposal)
    if k < 1:
        raise ValueError(f"the number of samples must be at least 1, got K = {k}")
    z = proposal.rsample((k,)) if proposal.has_rsample else proposal.sample((k,))
    leaf = z.detach().requires_grad_(proposal.has_rsample)
    with torch.enable_grad():
        log_p = log_joint(leaf)
        log_q = held.log_prob(leaf)
        if not isinstance(log_p, Tensor) or log_p.shape != log_q.shape:
            got = tuple(log_p.shape) if isinstance(log_p, Tensor) else type(log_p).__name__
            raise ValueError(
                f"log_joint must return [K, *batch] = {tuple(log_q.shape)} like the proposal's log_prob, got {got}; "
                "sum over the latent axis, and wrap the proposal: Independent(proposal, 1)"
            )
        log_w = log_p - log_q
        check_log_weights(log_w)
        path = torch.autograd.grad(log_w.sum(), leaf, retain_graph=True)[0] if proposal.has_rsample else None
    return Samples(z, log_w.detach(), log_p, proposal.log_prob(leaf.detach()), path)


def surrogate(samples: Samples, name: str, **parameters: Any) -> Tensor:
    """A number for each element of the batch, [*batch], whose gradient is the estimator's: to be MAXIMISED.

    Its gradient in the parameters of the proposal is (1) of `estimators`, in those of the model (2). Where the
    estimator's own parameters are tensors, they get gradients of the gradient (`labkit.dreg.control`).

    Raises:
        TypeError, ValueError: as `estimators.weighed`; the path is needed and the proposal has no `rsample`.
    """
    if samples.path is None and estimators.find(name).path:
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
    """The inference gradient in closed form for z = mu + sigma noise, q Normal: in mu and in sigma, [*batch, d] each.

    No graph goes through q: `torch.autograd.backward([mu, sigma], [-g_mu, -g_sigma])` carries on into an encoder.

    Args:
        log_w: [K, *batch]. noise: [K, *batch, d]. sigma: standard deviation, [*batch, d].
        score_p: d/dz log p(x, z) at the samples, [K, *batch, d].

    Raises:
        TypeError, ValueError: as `estimators.coefficients`; shapes that do not match.
    """
    if noise.shape[:-1] != log_w.shape or score_p.shape != noise.shape or sigma.shape != noise.shape[1:]:
        raise ValueError(
            "wanted log_w [K, *batch], noise and score_p [K, *batch, d], sigma [*batch, d]; got "
            f"{', '.join(str(tuple(each.shape)) for each in (log_w, noise, score_p, sigma))}; match them"
        )
    path, score, _ = estimators.coefficients(name, log_w, **parameters)
    return in_normal(path.unsqueeze(-1) * (score_p + noise / sigma), score, noise, sigma)


def in_normal(along: Tensor | None, score: Tensor | None, noise: Tensor, sigma: Tensor) -> tuple[Tensor, Tensor]:
    """(1) of `estimators` in mu and in sigma of a Normal q, [*batch, d] each; None where a term is left out.

    Args:
        along: path_k G_k, noise: both [K, *batch, d]. score: [K, *batch]. sigma: [*batch, d].
    """
    mean = deviation = torch.zeros_like(sigma)
    if along is not None:
        mean, deviation = along.sum(0), (along * noise).sum(0)
    if score is not None:
        away = score.unsqueeze(-1) * noise
        mean = mean + away.sum(0) / sigma
        deviation = deviation + ((away * noise).sum(0) - score.sum(0).unsqueeze(-1)) / sigma
    return mean, deviation

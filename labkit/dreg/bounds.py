"""Bounds of log p(x) from log-weights lw, in nats; each is maximised.

iwae       L = log 1/K sum_k exp(lw_k)                                       Burda et al. 2016
jackknife  J = K L - (K-1) mean of the L with one sample left out            Nowozin 2018
elbo       mean of lw                                                        K = 1, averaged
miwae, piwae, ciwae                                                          Rainforth et al. 2018
"""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.dreg.weights import check_log_weights, logsumexp_others


def iwae(log_w: Float[Tensor, " k *batch"]) -> Float[Tensor, " *batch"]:
    """Return the importance weighted bound L, [...], of log_w [K, ...]."""
    return log_w.logsumexp(0) - math.log(log_w.shape[0])


def jackknife(log_w: Float[Tensor, " k *batch"]) -> Float[Tensor, " *batch"]:
    """Return L without its bias of order 1/K: J, [...], which is no longer a bound; it needs K >= 2."""
    k, low = log_w.shape[0], torch.finfo(log_w.dtype).min / 4
    others = logsumexp_others(log_w.clamp(min=low))  # autograd through sums of only -inf gives NaN
    others = torch.where(others < low / 2, -math.inf, others)
    return k * iwae(log_w) - (k - 1) * (others.mean(0) - math.log(k - 1))


def elbo(log_w: Float[Tensor, " k *batch"]) -> Float[Tensor, " *batch"]:
    """Return the evidence lower bound, [...]: the mean of the log-weights."""
    return log_w.mean(0)


class Piwae(NamedTuple):
    """The two objectives, both [...]: the generative model maximises L of all M K samples, the proposal `miwae`."""

    model: Tensor
    inference: Tensor


def _check_groups(log_w: Tensor) -> None:
    if isinstance(log_w, Tensor) and log_w.ndim < 2:
        raise ValueError(f"log_w must be [M, K, ...], got {tuple(log_w.shape)}; for one group of K use log_w[None]")
    check_log_weights(log_w.transpose(0, 1) if isinstance(log_w, Tensor) else log_w)


def miwae(log_w: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Return the mean of M bounds of K samples each, from [M, K, ...].

    Raises:
        TypeError, ValueError: log_w is not a tensor [M, K, ...] of log-weights.
    """
    _check_groups(log_w)
    return iwae(log_w.transpose(0, 1)).mean(0)


def piwae(log_w: Float[Tensor, "..."]) -> Piwae:
    """Return one bound for the model and another for the proposal, from [M, K, ...].

    Raises:
        TypeError, ValueError: log_w is not a tensor [M, K, ...] of log-weights.
    """
    return Piwae(inference=miwae(log_w), model=iwae(log_w.flatten(0, 1)))


def ciwae(log_w: Float[Tensor, "..."], beta: float = 0.5) -> Float[Tensor, "..."]:
    """Return beta ELBO + (1 - beta) L, averaged over M groups, from [M, K, ...].

    Raises:
        ValueError: beta is outside [0, 1].
        TypeError, ValueError: log_w is not a tensor [M, K, ...] of log-weights.
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"beta must be from 0 (only IWAE) to 1 (only ELBO), got {beta}")
    if not beta:
        return miwae(log_w)
    _check_groups(log_w)
    every = log_w.flatten(0, 1)
    check_log_weights(every, 1, "the ELBO", lambda k: k)
    return beta * elbo(every) + (1 - beta) * miwae(log_w)

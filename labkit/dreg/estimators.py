"""Every gradient estimator is defined by its coefficients (Tucker, Lawson, Gu & Maddison 2019, arXiv 1810.04152).

With samples z_k of a proposal q and log-weights lw_k = log p(x, z_k) - log q(z_k | x), w their softmax, held constant,

    inference gradient  = sum_k path_k G_k dz_k/dphi + score_k H_k                                              (1)
    generative gradient = sum_k model_k d/dtheta log p(x, z_k)                                                  (2)

    G_k = d/dz lw with the parameters of q held constant,   H_k = d/dphi log q(z_k | x) with z_k held constant.

So (path, score, model) defines an estimator. All are gradients of an objective that is MAXIMISED.

In two cases an estimator that is otherwise unbiased is wrong:

moving support  q = Uniform(a, b), Pareto, or a scaled interval. There the mean of H_k is not 0, but all estimators
                except iwae, jk and vae need this. `labkit.dreg.surrogate` raises an error for the others.
wall            log p(x, z) jumps inside the support of q, for example where z must be > 0. An estimator with a path
                uses the slope on both sides of the jump but misses the jump itself. vimco, which has only a score,
                includes it. labkit cannot detect this case: choose a proposal that ends at the wall.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from labkit.dreg import bounds
from labkit.dreg.weights import Weights, check_count, check_log_weights, mean_of_others

Pair = tuple[Tensor | int, Tensor | int]  # path and score; 0 if there is none
Number = Tensor | float | int
Powers = tuple[float | int, float | int]  # what w and w^2 are multiplied by
Polynomial = tuple[Powers, Powers]  # path and score

CONTROLS = ("alpha", "beta", "gamma", "delta")  # the parameters of dreg-cv, learned together with the network
IWAE: Polynomial = (1, 0), (-1, 0)
DREG: Polynomial = (0, 1), (0, 0)
RWS_DREG: Polynomial = (1, -1), (0, 0)
NO_TAIL: Polynomial = (0, 0), (0, 0)  # equal weights: a sum of normal gradients


def iwae(s: Weights) -> Pair:
    """Return the coefficients of the plain gradient of L."""
    return s.w, -s.w


def stl(s: Weights) -> Pair:
    """Return those of sticking the landing, without the score (Roeder et al. 2017); its mean is not 0 for K > 1."""
    return s.w, 0


def dreg(s: Weights) -> Pair:
    """Return those of double reparameterisation: the score is turned into a path, without bias."""
    return s.w2, 0


def rws(s: Weights) -> Pair:
    """Return those of reweighted wake-sleep, wake phase (Bornschein & Bengio 2015)."""
    return 0, s.w


def rws_dreg(s: Weights) -> Pair:
    """Return those of reweighted wake-sleep with its score turned into a path."""
    return s.w - s.w2, 0


def dreg_norm(s: Weights) -> Pair:
    """Return those of DReG, scaled to sum to 1."""
    return s.w2 / s.w2.sum(0), 0


def rws_dreg_norm(s: Weights) -> Pair:
    """Return those of RWS-DReG, scaled to sum to 1; zeros if one sample has all the weight, where they would be 0/0."""
    # log w + log(1 - w), because w - w^2 itself would round to 0 at weights near 1 and 0
    log_c = s.log_w + s.loo - s.total
    return torch.where(log_c.amax(0) == -math.inf, 0, log_c.softmax(0)), 0


def dreg_alpha(s: Weights, alpha: float = 0.9) -> Pair:
    """Return those of (1 - alpha) DReG + alpha RWS-DReG."""
    return alpha * s.w + (1 - 2 * alpha) * s.w2, 0


def jk(s: Weights) -> Pair:
    """Return those of the plain gradient of the jackknife bound J."""
    c = jackknife_weights(s)
    return c, -c


def jk_dreg(s: Weights) -> Pair:
    """Return those of the gradient of J with double reparameterisation."""
    return s.count * s.w2 - (s.count - 1) * s.loo_mean(2), 0


def dreg_cv(s: Weights, alpha: Number = 0, beta: Number = 0, gamma: Number = 0, delta: Number = 0) -> Pair:
    """Return a mixture of three unbiased gradients of L; the four numbers are learned (`labkit.dreg.control`)."""
    path = (1 - alpha) * s.w + beta * (s.w2 - s.w)
    signal = bounds.iwae(s.log_w) - (1 - gamma) * s.loo
    return path, alpha * signal + (1 - beta) * ((1 - delta) / s.count - s.w)


def vae(s: Weights) -> Pair:
    """Return those of the plain gradient of the ELBO, averaged over the samples."""
    c = torch.full_like(s.w, 1 / s.count)
    return c, -c


def vimco(s: Weights) -> Pair:
    """Return only scores, each with a baseline from the other samples (Mnih & Rezende 2016, eq. 10: geometric mean)."""
    return 0, s.total - torch.logaddexp(s.loo, mean_of_others(s.log_w)) - s.w


def weights(s: Weights) -> Tensor:
    """Return the coefficients of the generative gradient of L."""
    return s.w


def jackknife_weights(s: Weights) -> Tensor:
    """Return the coefficients of the generative gradient of J: dJ/dlw."""
    return s.count * s.w - (s.count - 1) * s.loo_mean(1)


def equal_weights(s: Weights) -> Tensor:
    """Return the coefficients of the generative gradient of the ELBO."""
    return torch.full_like(s.w, 1 / s.count)


@dataclass(frozen=True)
class Estimator:
    """One row of the table: everything that labkit needs to know about an estimator.

    rule: Weights -> (path, score).
    unbiased: whether the mean of (1) is the gradient of the bound.
    bound: log_w -> the bound that it reports, [...].
    model: Weights -> the coefficients of the generative gradient.
    least: fewest samples.
    path: whether q must have `rsample`.
    edges: whether (1) is right if the support of q moves with its parameters.
    parameters: their names; learned: whether the network learns them, as for dreg-cv.
    polynomial: path and score as polynomials of w, if they are polynomials; then `exact` has exact values.
    tail: the polynomial that they resemble if one w is near 1 (`tails`). Without both, `tails` evaluates the rule.
    one_pass: whether path is `model` times a bounded number, so that one backward pass of a decoder serves both
        (`fast.gradients`).
    """

    rule: Callable[..., Pair]
    unbiased: bool
    bound: Callable[[Tensor], Tensor] = bounds.iwae
    model: Callable[[Weights], Tensor] = weights
    least: int = 1
    path: bool = True
    edges: bool = False
    parameters: tuple[str, ...] = ()
    learned: bool = False
    polynomial: Polynomial | None = None
    tail: Polynomial | None = None
    one_pass: bool = False

    def __post_init__(self) -> None:
        if self.learned and self.parameters != CONTROLS:
            raise ValueError(f"learned parameters must be {CONTROLS}, got {self.parameters}; change one of them")

    @property
    def steady(self) -> bool:
        """Whether the mean is the gradient of the importance weighted bound, so that any measured bias is chance."""
        return self.unbiased and self.bound is bounds.iwae

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parameters that a user chooses."""
        return () if self.learned else self.parameters

    @property
    def bound_least(self) -> int:
        """The fewest samples for the bound: L needs one, even if the coefficients need more."""
        return 1 if self.bound is bounds.iwae else self.least

    def alive(self, k: int) -> int:
        """Return how many of k samples must have a weight above 0.

        For the ELBO these are all k. Estimators that leave out one sample need two, the others one.
        """
        return k if self.bound is bounds.elbo else self.least


ESTIMATORS: dict[str, Estimator] = {
    "iwae": Estimator(iwae, unbiased=True, edges=True, polynomial=IWAE, one_pass=True),
    "stl": Estimator(stl, unbiased=False, polynomial=((1, 0), (0, 0)), one_pass=True),
    "dreg": Estimator(dreg, unbiased=True, polynomial=DREG, one_pass=True),
    "rws": Estimator(rws, unbiased=False, path=False, polynomial=((0, 0), (1, 0))),
    "rws-dreg": Estimator(rws_dreg, unbiased=False, polynomial=RWS_DREG, one_pass=True),
    "dreg-norm": Estimator(dreg_norm, unbiased=False, tail=DREG, one_pass=True),
    "rws-dreg-norm": Estimator(rws_dreg_norm, unbiased=False, tail=RWS_DREG),
    "dreg-alpha": Estimator(dreg_alpha, unbiased=False, parameters=("alpha",), tail=DREG, one_pass=True),
    "jk": Estimator(
        jk,
        unbiased=True,
        bound=bounds.jackknife,
        model=jackknife_weights,
        least=2,
        edges=True,
        tail=IWAE,
        one_pass=True,
    ),  # fmt: skip
    "jk-dreg": Estimator(jk_dreg, unbiased=True, bound=bounds.jackknife, model=jackknife_weights, least=2, tail=DREG),
    "dreg-cv": Estimator(dreg_cv, unbiased=True, least=2, parameters=CONTROLS, learned=True, tail=IWAE, one_pass=True),
    "vae": Estimator(
        vae, unbiased=True, bound=bounds.elbo, model=equal_weights, edges=True, tail=NO_TAIL, one_pass=True
    ),
    "vimco": Estimator(vimco, unbiased=True, least=2, path=False, tail=IWAE),
}


def find(name: str, parameters: Iterable[str] = ()) -> Estimator:
    """Return the estimator with that name, after a check that it has these parameters.

    Raises:
        ValueError: the estimator is unknown.
        TypeError: the estimator does not have a parameter.
    """
    if name not in ESTIMATORS:
        raise ValueError(f"the estimator must be one of {', '.join(ESTIMATORS)}; got {name!r}")
    if unknown := set(parameters) - set(ESTIMATORS[name].parameters):
        takes = ", ".join(ESTIMATORS[name].parameters) or "no parameters"
        raise TypeError(f"{name} takes {takes}; got {', '.join(sorted(unknown))}")
    return ESTIMATORS[name]


def coefficients(name: str, log_w: Tensor, **parameters: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return (path, score, model), each [K, ...] like log_w: the coefficients of the sums (1) and (2).

    log_w is held constant, even if it has a gradient. The parameters are alpha of dreg-alpha (default .9), and alpha,
    beta, gamma, delta of dreg-cv (default 0), which may be tensors and get gradients.

    Raises:
        TypeError, ValueError: the estimator or a parameter is unknown. Or log_w is NaN, +inf or not [K, ...]. Or there
            are too few finite log-weights: jk, jk-dreg, dreg-cv and vimco need two, vae K, the others one.
    """
    estimator = find(name, parameters)
    check_log_weights(log_w, estimator.least, name, estimator.alive)
    return weighed(name, Weights(log_w.detach()), **parameters)


def weighed(name: str, s: Weights, **parameters: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return `coefficients` of weights that may be NaN, as in a skipped training step.

    It reads nothing from the device.

    Raises:
        TypeError, ValueError: the estimator or a parameter is unknown, or there are too few samples.
    """
    estimator = find(name, parameters)
    check_count(s.count, estimator.least, name)
    made = (*estimator.rule(s, **parameters), estimator.model(s))
    path, score, model = (c if isinstance(c, Tensor) else torch.zeros_like(s.log_w) for c in made)
    return path, score, model


def bound(log_w: Tensor, name: str = "iwae") -> Tensor:
    """Return the bound that an estimator reports for log_w [K, ...], as [...] in nats.

    This is J for jk and jk-dreg, the ELBO for vae, and L for the others.

    The value of a surrogate is something else and has no meaning.

    Raises:
        TypeError, ValueError: as `coefficients`.
    """
    estimator = find(name)
    alive = None if estimator.bound is bounds.iwae else estimator.alive
    check_log_weights(log_w, estimator.bound_least, name, alive)
    return estimator.bound(log_w)

"""Every gradient estimator as its coefficients (Tucker, Lawson, Gu & Maddison 2019, arXiv 1810.04152).

With samples z_k of a proposal q and log-weights lw_k = log p(x, z_k) - log q(z_k | x), w their softmax, held constant,

    inference gradient  = sum_k path_k G_k dz_k/dphi + score_k H_k                                              (1)
    generative gradient = sum_k model_k d/dtheta log p(x, z_k)                                                  (2)

    G_k = d/dz lw with the parameters of q held constant,   H_k = d/dphi log q(z_k | x) with z_k held constant.

An estimator is a triple (path, score, model). All are gradients of something MAXIMISED. A new row adds your own, also
to the lists of pages and commands:

    dreg.ESTIMATORS["mine"] = dreg.Estimator(lambda s: (s.w**3, 0), unbiased=False)

Two cases in which an estimator that is unbiased elsewhere is wrong:

moving support  q = Uniform(a, b), Pareto, an interval that is scaled. The mean of H_k is not 0 there, and all but iwae,
                jk and vae need that it is. `labkit.dreg.surrogate` refuses the others.
a wall          log p(x, z) jumps inside the support of q, for example where z must be > 0. An estimator with a path
                uses the slope on both sides of the jump and does not see the jump. vimco, a score alone, does. labkit
                cannot detect this: choose a proposal that ends at the wall.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from labkit.dreg import bounds
from labkit.dreg.weights import Weights, check_count, check_log_weights, mean_of_others

Pair = tuple[Tensor | int, Tensor | int]  # path and score; 0 where there is none
Number = Tensor | float | int
Powers = tuple[float | int, float | int]  # what w and w^2 are multiplied by
Polynomial = tuple[Powers, Powers]  # path and score

CONTROLS = ("alpha", "beta", "gamma", "delta")  # of dreg-cv, learned together with the network
IWAE: Polynomial = (1, 0), (-1, 0)
DREG: Polynomial = (0, 1), (0, 0)
RWS_DREG: Polynomial = (1, -1), (0, 0)
NO_TAIL: Polynomial = (0, 0), (0, 0)  # equal weights: a sum of normal gradients


def iwae(s: Weights) -> Pair:
    """The plain gradient of L."""
    return s.w, -s.w


def stl(s: Weights) -> Pair:
    """Sticking the landing (Roeder et al. 2017): the score left out, though for K > 1 its mean is not zero."""
    return s.w, 0


def dreg(s: Weights) -> Pair:
    """Doubly reparameterised: the score turned into a path, without bias."""
    return s.w2, 0


def rws(s: Weights) -> Pair:
    """Reweighted wake-sleep, wake phase (Bornschein & Bengio 2015)."""
    return 0, s.w


def rws_dreg(s: Weights) -> Pair:
    """Its score turned into a path."""
    return s.w - s.w2, 0


def dreg_norm(s: Weights) -> Pair:
    """DReG with coefficients that sum to 1."""
    return s.w2 / s.w2.sum(0), 0


def rws_dreg_norm(s: Weights) -> Pair:
    """RWS-DReG with coefficients that sum to 1; zeros where one sample has all weight, and they are 0/0."""
    # log w + log(1 - w): at weights of nearly one and nearly nothing w - w^2 itself would vanish
    log_c = s.log_w + s.loo - s.total
    return torch.where(log_c.amax(0) == -math.inf, 0, log_c.softmax(0)), 0


def dreg_alpha(s: Weights, alpha: float = 0.9) -> Pair:
    """(1 - alpha) DReG + alpha RWS-DReG."""
    return alpha * s.w + (1 - 2 * alpha) * s.w2, 0


def jk(s: Weights) -> Pair:
    """The plain gradient of the jackknife bound J."""
    c = jackknife_weights(s)
    return c, -c


def jk_dreg(s: Weights) -> Pair:
    """The same, doubly reparameterised."""
    return s.count * s.w2 - (s.count - 1) * s.loo_mean(2), 0


def dreg_cv(s: Weights, alpha: Number = 0, beta: Number = 0, gamma: Number = 0, delta: Number = 0) -> Pair:
    """Three unbiased ways to L's gradient mixed; the four numbers are learned (`labkit.dreg.control`)."""
    path = (1 - alpha) * s.w + beta * (s.w2 - s.w)
    signal = bounds.iwae(s.log_w) - (1 - gamma) * s.loo
    return path, alpha * signal + (1 - beta) * ((1 - delta) / s.count - s.w)


def vae(s: Weights) -> Pair:
    """The plain gradient of the ELBO, averaged over the samples."""
    c = torch.full_like(s.w, 1 / s.count)
    return c, -c


def vimco(s: Weights) -> Pair:
    """Scores alone, each with a baseline from the others (Mnih & Rezende 2016, eq. 10: their geometric mean)."""
    return 0, s.total - torch.logaddexp(s.loo, mean_of_others(s.log_w)) - s.w


def weights(s: Weights) -> Tensor:
    """The generative gradient's coefficients for L."""
    return s.w


def jackknife_weights(s: Weights) -> Tensor:
    """The generative gradient's coefficients for J: dJ/dlw."""
    return s.count * s.w - (s.count - 1) * s.loo_mean(1)


def equal_weights(s: Weights) -> Tensor:
    """The generative gradient's coefficients for the ELBO."""
    return torch.full_like(s.w, 1 / s.count)


@dataclass(frozen=True)
class Estimator:
    """One row of the table: all that labkit needs to know of an estimator.

    rule: Weights -> (path, score). bound: log_w -> what is reported, [...]. unbiased: whether (1) is in expectation the
    gradient of that bound. least: fewest samples. path: whether q must have `rsample`.
    edges: whether (1) is right where the support of q moves with its parameters. parameters: their names; learned:
    whether the network learns them, as it does those of dreg-cv.
    polynomial: path and score as polynomials of w, if they are: `exact` has answers then. tail: the polynomial that
    they resemble where one w is near 1 (`tails`). Without both, `tails` evaluates the rule.
    one_pass: whether path is `model` times a number that stays small: one backward pass of a decoder serves both then
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
            raise ValueError(f"learned parameters must be {CONTROLS}, got {self.parameters}")

    @property
    def steady(self) -> bool:
        """Whether the mean is the gradient of the importance weighted bound, so that any bias found is chance."""
        return self.unbiased and self.bound is bounds.iwae

    @property
    def chosen(self) -> tuple[str, ...]:
        """The parameters that a person chooses."""
        return () if self.learned else self.parameters

    @property
    def bound_least(self) -> int:
        """Fewest samples for the bound: L needs one, even if the coefficients need more."""
        return 1 if self.bound is bounds.iwae else self.least

    def alive(self, k: int) -> int:
        """How many of k samples must have a weight above 0: all where they count alike, else two to leave one out."""
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
    """The estimator of that name, which takes such parameters.

    Raises:
        ValueError: no such estimator.
        TypeError: a parameter that it does not have.
    """
    if name not in ESTIMATORS:
        raise ValueError(f"the estimator must be one of {', '.join(ESTIMATORS)}; got {name!r}")
    if unknown := set(parameters) - set(ESTIMATORS[name].parameters):
        takes = ", ".join(ESTIMATORS[name].parameters) or "no parameters"
        raise TypeError(f"{name} takes {takes}; got {', '.join(sorted(unknown))}")
    return ESTIMATORS[name]


def coefficients(name: str, log_w: Tensor, **parameters: Any) -> tuple[Tensor, Tensor, Tensor]:
    """(path, score, model), each [K, ...] like log_w: what (1) and (2) are summed with.

    log_w is held constant, whatever it came with. Parameters: alpha of dreg-alpha (default .9); alpha, beta, gamma,
    delta of dreg-cv (default 0), which may be tensors and get gradients.

    Raises:
        TypeError, ValueError: no such estimator or parameter; log_w NaN, +inf or not [K, ...]; fewer than one finite
            log-weight, or than two for jk, jk-dreg, dreg-cv and vimco, which leave a sample out, or than K for vae.
    """
    estimator = find(name, parameters)
    check_log_weights(log_w, estimator.least, name, estimator.alive)
    return weighed(name, Weights(log_w.detach()), **parameters)


def weighed(name: str, s: Weights, **parameters: Any) -> tuple[Tensor, Tensor, Tensor]:
    """`coefficients` of weights that may be NaN, as in a step of training that is left out: nothing is read back.

    Raises:
        TypeError, ValueError: no such estimator or parameter, or too few samples for it.
    """
    estimator = find(name, parameters)
    check_count(s.count, estimator.least, name)
    made = (*estimator.rule(s, **parameters), estimator.model(s))
    path, score, model = (c if isinstance(c, Tensor) else torch.zeros_like(s.log_w) for c in made)
    return path, score, model


def bound(log_w: Tensor, name: str = "iwae") -> Tensor:
    """What an estimator reports of log_w [K, ...], [...], in nats: L; J for jk and jk-dreg; the ELBO for vae.

    It has nothing to do with the value of a surrogate, which means nothing.

    Raises:
        TypeError, ValueError: as `coefficients`.
    """
    estimator = find(name)
    alive = None if estimator.bound is bounds.iwae else estimator.alive
    check_log_weights(log_w, estimator.bound_least, name, alive)
    return estimator.bound(log_w)

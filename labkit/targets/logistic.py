"""Bayesian logistic regression with the original code's hierarchical model, for any table with two labels.

    α ~ Gamma(1, rate b),   w_j | α ~ N(0, 1/α) for j = 1..p,   P(y = ±1 | x, w) = σ(y x·w),   θ = (w, log α).

With λ = log α the joint density of θ and the labels, including the Jacobian dα/dλ = α, is

    log p = Σ_i log σ(y_i x_i·w) + p (λ - log 2π)/2 - e^λ |w|²/2 + log b + λ - b e^λ,                        (1)
    ∂/∂w = Σ_i σ(-y_i x_i·w) y_i x_i - e^λ w,     ∂/∂λ = p/2 + 1 - e^λ (|w|²/2 + b).                         (2)
"""

import math
from collections.abc import Iterable
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import logsigmoid, pad

from labkit.private import sklearn as private
from labkit.targets import checks, continued
from labkit.targets.base import KnownTarget
from labkit.targets.scores import Minibatch


def _range(x: Tensor) -> tuple[Tensor, Tensor]:
    low, high = x.aminmax(dim=0)
    return low, high - low


def _standard(x: Tensor) -> tuple[Tensor, Tensor]:
    deviation, mean = torch.std_mean(x, 0, correction=0)
    return mean, deviation


SCALINGS = {"standard": _standard, "range": _range}  # x [n, f] -> offset and unit of every column


def _taken(table: Tensor, rows: Tensor | slice) -> Tensor:
    return table[rows] if isinstance(rows, slice) else table.index_select(0, rows.to(table.device))


class Posterior(KnownTarget):
    """The posterior of θ given scaled rows; its moments are unknown (None).

    `log_prob` is the joint density (1), which is the posterior up to the evidence. Above λ = 40, e^λ continues as a
    straight line (`continued.exp`), so that nothing overflows in float32.

    Args:
        train, test: rows times their label -1 or 1, with the bias last, [n, p] and [m, p] float64.
        rate: b > 0.
        names: the names of the p columns.
    """

    classifies = True
    start = (0.0, 0.1)

    def __init__(self, train: Tensor, test: Tensor, rate: float, names: tuple[str, ...]):
        p = train.shape[1]
        super().__init__("logistic", p + 1, ((-3.0, 3.0),) * p + ((-3.0, 6.0),), (*names, "log α"))
        # a column of zeros for log α: then products use whole particles and return whole scores
        self.rate, self.rows, self._constants = rate, len(train), tuple(pad(rows, (0, 1)) for rows in (train, test))

    def log_prior(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return log p(w, log α), normalised, with the Jacobian of the logarithm."""
        self._check(x)
        w, lam, p = x[..., :-1], x[..., -1], self.dim - 1
        quadratic = continued.exp(lam)[0] * (0.5 * (w * w).sum(-1) + self.rate)
        return 0.5 * p * (lam - math.log(2 * math.pi)) - quadratic + math.log(self.rate) + lam

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        train, _ = self._cast(x)
        return logsigmoid(x @ train.T).sum(-1) + self.log_prior(x)

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        return self._score(x, self._cast(x)[0], 1.0)

    def score_of_rows(self, x: Float[Tensor, "*batch d"], rows: Int[Tensor, " b"] | slice) -> Float[Tensor, "*batch d"]:
        """Return the prior score plus (number of rows)/b times the likelihood score of the b given rows."""
        z = _taken(self._cast(x)[0], rows)
        return self._score(x, z, self.rows / len(z))

    def _score(self, x: Tensor, z: Tensor, factor: float) -> Tensor:
        w, (e, slope) = x[..., :-1], continued.exp(x[..., -1])
        quadratic = torch.linalg.vecdot(w, w).mul_(0.5).add_(self.rate)
        minus = x.neg()
        made = (minus @ z.mT).sigmoid_() @ z
        made = torch.add(minus.mul_(e.unsqueeze(-1)), made, alpha=factor, out=made)
        torch.sub(0.5 * (self.dim - 1) + 1, quadratic.mul_(slope), out=made[..., -1])
        return made

    @property
    def tables(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Return the training and the held-out table, float64: scaled features with bias [n, p], labels -1 or 1 [n]."""
        train, test = ((rows[:, :-1] * rows[:, -2:-1], rows[:, -2]) for rows in self._constants)
        return train, test

    def minibatch(self, size: int, order: str = "random") -> Minibatch:
        """Return a score with `.at(t, generator)` that uses `size` rows per step; order is "random" or "cyclic"."""
        return Minibatch(self, size, order)

    def initial(self, n: int, generator: torch.Generator, *, gamma_scale: bool = False) -> Float[Tensor, "n d"]:
        """Return n initial particles, float64: w ~ N(0, .1²), and log α for α ~ Gamma(1, rate b).

        Args:
            gamma_scale: use the original's initial particles. By mistake it samples α with b as the scale. So α starts
                around 0.01 instead of 1/b = 100. And w ~ N(0, 1/α) is about ten times as wide as the posterior.
        """
        w = torch.randn(n, self.dim - 1, generator=generator, dtype=torch.float64, device=generator.device)
        alpha = torch.empty(n, 1, dtype=torch.float64, device=generator.device)
        alpha.exponential_(1 / self.rate if gamma_scale else self.rate, generator=generator)
        return torch.cat([w / alpha.sqrt() if gamma_scale else 0.1 * w, alpha.log()], 1)

    def accuracy(self, x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        """Return the fraction of held-out rows whose label the particles' mean probability predicts."""
        test = self._cast(x)[1]
        return (torch.sigmoid(x @ test.T).mean(-2) > 0.5).to(x.dtype).mean(-1)

    def test_log_likelihood(self, x: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        """Return the mean over held-out rows of the log of the particles' mean probability of the label, in nats."""
        test = self._cast(x)[1]
        return (torch.logsumexp(logsigmoid(x @ test.T), -2) - math.log(x.shape[-2])).mean(-1)


class LogisticRegression(Posterior):
    """The posterior of θ given a random part of a table; the rest is held out.

    Features are scaled by the training rows, and a bias is appended; it has the same prior as the weights.

    Args:
        x: features, [n, f]: a tensor, an array or a data frame.
        y: labels, [n], two distinct values; the larger one counts as +1.
        rate: b > 0; the prior mean of α is 1/b.
        test_fraction: fraction of rows that are held out, at least one row.
        seed: seed of the random split.
        features: names of the columns, if they are not those of a data frame.
        scaling: "standard", to mean 0 and standard deviation 1, or "range", to [0, 1].

    Raises:
        ValueError: wrong shapes, other than two labels, a bad rate or fraction, or an unknown scaling.
    """

    def __init__(
        self,
        x: checks.Numbers,
        y: checks.Numbers,
        *,
        rate: float = 0.01,
        test_fraction: float = 0.2,
        seed: int = 0,
        features: Iterable[object] | None = None,
        scaling: str = "standard",
    ):
        features = getattr(x, "columns", None) if features is None else features  # the columns of a data frame
        x, y = checks.finite("x", x), checks.finite("y", y)
        values = y.unique()
        if x.ndim != 2 or y.shape != x.shape[:1] or len(values) != 2:
            raise ValueError(
                f"x must be [n, f] and y [n] with two distinct labels, got {list(x.shape)}, {list(y.shape)} and "
                f"{len(values)} labels; remove the other rows"
            )
        rate = checks.number("rate", rate, above=0)
        n, f = x.shape
        held = round(n * checks.number("test_fraction", test_fraction, above=0))
        if not 1 <= held < n:
            raise ValueError(f"test_fraction must hold out 1 to {n - 1} of {n} rows, got {held}; change it")
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        test, train = order[:held], order[held:]
        if scaling not in SCALINGS:
            raise ValueError(f"scaling must be {' or '.join(SCALINGS)}, got {scaling!r}")
        zero, unit = SCALINGS[scaling](x[train])
        unit = torch.where(unit > 0, unit, 1.0)  # a constant column has no information; it becomes 0, not NaN
        signed = torch.cat([(x - zero) / unit, torch.ones(n, 1)], 1) * torch.where(y == values[1], 1.0, -1.0)[:, None]
        names = tuple(features) if features is not None else tuple(f"x{j + 1}" for j in range(f))
        super().__init__(signed[train], signed[test], rate, (*map(str, names), "bias"))


class Together:
    """Several posteriors with equal numbers of rows and features, as one target.

    x is [r, ..., n, d] with one run per posterior. One step of all costs little more than one step of one, because most
    of a small step is the cost of calls.

    Raises:
        ValueError: the posteriors have different sizes.
    """

    def __init__(self, posteriors: list[LogisticRegression]):
        shapes = {(each.rows, each.dim) for each in posteriors}
        if len(shapes) != 1:
            raise ValueError(f"Together needs posteriors of one size, got {len(shapes)} sizes; run them separately")
        self.posteriors, self.rows = posteriors, posteriors[0].rows

    def score_of_rows(self, x: Float[Tensor, "r n d"], rows: Int[Tensor, " b"] | slice) -> Float[Tensor, "r n d"]:
        """Return the scores from the same rows of each posterior's own table."""
        z = torch.stack([_taken(each._cast(x)[0], rows) for each in self.posteriors])
        return self.posteriors[0]._score(x, z, self.rows / z.shape[1])

    def score(self, x: Float[Tensor, "r n d"]) -> Float[Tensor, "r n d"]:
        """Return the scores from all rows of each posterior's own table."""
        return self.score_of_rows(x, slice(None))

    def minibatch(self, size: int, order: str = "random") -> Minibatch:
        """Return a minibatch score, as for one posterior."""
        return Minibatch(self, size, order)


_breast_cancer = cache(private.breast_cancer)  # a page makes a new target at each move of a slider


def logistic(rate: float = 0.01, test_fraction: float = 0.2, seed: int = 0) -> LogisticRegression:
    """Return the target for scikit-learn's breast cancer table: 569 rows, 30 features; malignant -1, benign +1."""
    x, y, features = _breast_cancer()
    return LogisticRegression(x, y, rate=rate, test_fraction=test_fraction, seed=seed, features=features)

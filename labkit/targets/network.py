"""Bayesian neural network for regression, one hidden ReLU layer, the original's model on any table.

    γ, λ ~ Gamma(1, rate b),   every weight and bias w ~ N(0, 1/λ),   y ~ N(f(x), 1/γ),   f(x) = relu(x W1 + b1) w2 + b2
    θ = (W1 row by row, b1, w2, b2, log γ, log λ)

x and y are standardised by the rows for training. With m weights and N rows, u = log γ and v = log λ, the joint density
of θ and the labels, both Jacobians included, is

    log p = N (u - log 2π)/2 - e^u Σ_i (y_i - f_i)²/2 + m (v - log 2π)/2 - e^v |w|²/2
            + 2 log b + u - b e^u + v - b e^v                                                                   (1)

All particles go through in a few batched products; gradients are by hand.
"""

import copy
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from labkit.private.torch import relu_backward
from labkit.targets import checks, continued
from labkit.targets.base import Target
from labkit.targets.scores import Minibatch


class NeuralRegression(Target):
    """The posterior of θ given some rows of a table; the others are held out. Moments unknown: None.

    `log_prob` is the joint density (1), the posterior up to the evidence. What is predicted, `rmse` and
    `test_log_likelihood` are in the units of y. Above 40 the exponentials go on as straight lines (`continued.exp`).

    Args:
        x: features, [n, f]. y: [n], not constant.
        test: rows that are held out, [k], 1 to n - 1 different ones.
        hidden: units of the hidden layer. rate: b > 0.

    Raises:
        ValueError: shapes, rows or numbers that are not so.
    """

    dim: int

    def __init__(
        self, x: checks.Numbers, y: checks.Numbers, test: checks.Numbers, *, hidden: int = 50, rate: float = 0.1
    ):
        x, y, held = _table(x, y, test)
        self.features = x.shape[1]
        self.hidden = checks.whole("hidden", hidden, low=1)
        self.rate = checks.number("rate", rate, above=0)
        spread, centre = torch.std_mean(x[~held], 0, correction=0)
        spread = torch.where(spread > 0, spread, 1.0)  # a constant column says nothing: it becomes 0, not NaN
        self.unit, self.zero = (each.item() for each in torch.std_mean(y[~held], 0, correction=0))
        if not self.unit > 0:
            raise ValueError(f"y must vary over the training rows, got {self.zero:g} in all; another column?")
        self._frame = centre, spread
        self.sizes = (self.features * self.hidden, self.hidden, self.hidden, 1)
        self.weights = sum(self.sizes)
        super().__init__("network", self.weights + 2, None, ("",) * self.weights + ("log γ", "log λ"))
        self._take(x, y, held)

    def with_rows(self, x: checks.Numbers, y: checks.Numbers, test: checks.Numbers) -> "NeuralRegression":
        """The posterior given other rows, standardised as these are, so that particles can go on where they stand.

        Args:
            x, y, test: as for the class, with as many features; y may be constant.
        """
        x, y, held = _table(x, y, test)
        if x.shape[1] != self.features:
            raise ValueError(f"x must have {self.features} features as before, got {x.shape[1]}; make a new target")
        made = copy.copy(self)
        made._take(x, y, held)
        return made

    def _take(self, x: Tensor, y: Tensor, held: Tensor) -> None:
        """Learn from the rows that are not held out."""
        (centre, spread), self.rows = self._frame, int((~held).sum())
        x, y = (x - centre) / spread, (y - self.zero) / self.unit
        self._constants, self._casts = (x[~held], y[~held], x[held], y[held]), {}

    # the network

    def _parts(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """W1 [..., f, h], b1 and w2 [..., h], b2 [..., 1]."""
        w1, b1, w2, b2 = theta[..., : self.weights].split(self.sizes, -1)
        return w1.unflatten(-1, (self.features, self.hidden)), b1, w2, b2

    def _forward(self, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """The hidden layer [..., b, h] and what it makes of rows x [b, f]: [..., b], all standardised."""
        w1, b1, w2, b2 = self._parts(theta)
        hidden = (x @ w1).add_(b1.unsqueeze(-2)).relu_()
        return hidden, (hidden @ w2.unsqueeze(-1)).squeeze(-1) + b2

    # the density

    def log_prior(self, theta: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """log p(w, log γ, log λ), normalised, the Jacobians of the logarithms included."""
        self._check(theta)
        w, u, v = theta[..., :-2], theta[..., -2], theta[..., -1]
        (gamma, _), (lam, _) = continued.exp(u), continued.exp(v)
        weights = 0.5 * self.weights * (v - math.log(2 * math.pi)) - 0.5 * lam * (w * w).sum(-1)
        return weights + 2 * math.log(self.rate) + u + v - self.rate * (gamma + lam)

    def log_prob(self, theta: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        x, y, _, _ = self._cast(theta)
        u = theta[..., -2]
        square = (y - self._forward(theta, x)[1]).square().sum(-1)
        likelihood = 0.5 * self.rows * (u - math.log(2 * math.pi)) - 0.5 * continued.exp(u)[0] * square
        return likelihood + self.log_prior(theta)

    def score(self, theta: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        x, y, _, _ = self._cast(theta)
        return self._score(theta, x, y, 1.0)

    def score_of_rows(
        self, theta: Float[Tensor, "*batch d"], rows: Int[Tensor, " b"] | slice
    ) -> Float[Tensor, "*batch d"]:
        """Prior score + (rows in all)/b times the likelihood score of the given rows."""
        x, y, _, _ = self._cast(theta)
        rows = rows if isinstance(rows, slice) else rows.to(x.device)
        x, y = x[rows], y[rows]
        return self._score(theta, x, y, self.rows / len(y))

    def _score(self, theta: Tensor, x: Tensor, y: Tensor, factor: float) -> Tensor:
        w2 = self._parts(theta)[2]
        (gamma, of_gamma), (lam, of_lam) = continued.exp(theta[..., -2]), continued.exp(theta[..., -1])
        hidden, f = self._forward(theta, x)
        rest = y - f
        flow = rest * (factor * gamma).unsqueeze(-1)  # d log p / d f, [..., b]
        to_w2 = (flow.unsqueeze(-2) @ hidden).squeeze(-2)
        back = relu_backward(flow.unsqueeze(-1) * w2.unsqueeze(-2), hidden)
        to_w1 = x.mT @ back
        made = torch.empty_like(theta)
        ends = (to_w1.flatten(-2), back.sum(-2), to_w2, flow.sum(-1, keepdim=True))
        w, half = theta[..., : self.weights], 0.5 * self.weights + 1
        torch.sub(torch.cat(ends, -1), lam.unsqueeze(-1) * w, out=made[..., : self.weights])
        square = (rest * rest).sum(-1)
        made[..., -2] = factor * 0.5 * (len(y) - of_gamma * square) + 1 - self.rate * of_gamma
        made[..., -1] = half - of_lam * (0.5 * (w * w).sum(-1) + self.rate)
        return made

    def minibatch(self, size: int, order: str = "random") -> Minibatch:
        """A score with `.at(t, generator)` that sees `size` rows a step; order "random" or "cyclic"."""
        return Minibatch(self, size, order)

    # what is learned

    def predict(self, theta: Float[Tensor, "*batch n d"], x: Float[Tensor, "b f"]) -> Float[Tensor, "*batch n b"]:
        """f at rows x, in the units of the table that the target was made of."""
        self._check(theta)
        centre, spread = (each.to(theta) for each in self._frame)
        return self._forward(theta, (x.to(theta) - centre) / spread)[1] * self.unit + self.zero

    def noise(self, theta: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """The standard deviation of y about f, 1/sqrt(γ), in the units of y."""
        return (-0.5 * theta[..., -2]).exp() * self.unit

    def overwritten(
        self, theta: Float[Tensor, "n d"], x: Float[Tensor, "b f"], y: Float[Tensor, " b"]
    ) -> tuple[Float[Tensor, " n"], int]:
        """The noise [n] as the original program ends up with it, and how many particles' it overwrote: a fault.

        It reads log γ, which was learned for standardised y, in the units of y, and puts that of the particle's own
        error in its place where rows kept back are likelier so. They always are, but for a tie: no precision makes
        them likelier than 1/error². `noise` is right in its units and wants no rows kept back.

        Args:
            x, y: the rows kept back, in the units of the table.
        """
        square = (self.predict(theta, x) - y).square().mean(-1)
        learned, own = theta[:, -2], -square.log()

        def likelihood(log_gamma: Tensor) -> Tensor:
            return 0.5 * (log_gamma - math.log(2 * math.pi)) - 0.5 * log_gamma.exp() * square

        better = likelihood(own) > likelihood(learned)
        return (-0.5 * torch.where(better, own, learned)).exp(), int(better.sum())

    def rmse(self, theta: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        """Root mean squared error of the particles' mean prediction on held-out rows, in the units of y."""
        _, _, x, y = self._cast(theta)
        return (self._forward(theta, x)[1].mean(-2) - y).square().mean(-1).sqrt() * self.unit

    def test_log_likelihood(
        self, theta: Float[Tensor, "*batch n d"], noise: Float[Tensor, "*batch n"] | None = None
    ) -> Float[Tensor, "*batch"]:
        """Mean over held-out rows of the log of the particles' mean density, in nats, of y in its own units.

        Args:
            noise: standard deviations in place of `noise(theta)`, in the units of y.
        """
        _, _, x, y = self._cast(theta)
        sigma = (self.noise(theta) if noise is None else noise).unsqueeze(-1)
        away = (self._forward(theta, x)[1] - y) * self.unit / sigma
        each = -0.5 * (away * away + math.log(2 * math.pi)) - sigma.log()
        return (torch.logsumexp(each, -2) - math.log(theta.shape[-2])).mean(-1)

    def initial(self, n: int, generator: torch.Generator, *, gamma_scale: bool = False) -> Float[Tensor, "n d"]:
        """n starting points, float64: W1 ~ N(0, 1/(f + 1)), w2 ~ N(0, 1/(h + 1)), biases 0, λ ~ Gamma(1, rate b).

        log γ begins at that of the network's own error on at most 1000 training rows, as in the original.

        Args:
            gamma_scale: draw λ with b as the scale, as the original does by mistake: around b in place of 1/b.
        """

        def normal(many: int) -> Tensor:
            return torch.randn(n, many, generator=generator, dtype=torch.float64, device=generator.device)

        f, h = self.features, self.hidden
        theta = torch.zeros(n, self.dim, dtype=torch.float64, device=generator.device)
        theta[:, : f * h] = normal(f * h) / math.sqrt(f + 1)
        theta[:, f * h + h : f * h + 2 * h] = normal(h) / math.sqrt(h + 1)
        drawn = torch.empty_like(theta[:, -1]).exponential_(1.0, generator=generator)
        theta[:, -1] = (drawn * self.rate if gamma_scale else drawn / self.rate).log()
        x, y, _, _ = self._cast(theta)
        rows = torch.randperm(self.rows, generator=generator, device=generator.device)[:1000]
        theta[:, -2] = -(self._forward(theta, x[rows])[1] - y[rows]).square().mean(-1).log()
        return theta


def _table(x: checks.Numbers, y: checks.Numbers, test: checks.Numbers) -> tuple[Tensor, Tensor, Tensor]:
    """x [n, f], y [n] in float64 and which rows are held out, [n], all checked."""
    x, y, test = checks.finite("x", x), checks.finite("y", y), checks.array(test)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"x must be [n, f] and y [n], got {list(x.shape)} and {list(y.shape)}; match their rows")
    n = len(x)
    if test.is_floating_point() or test.ndim != 1 or not 1 <= len(test) < n or len(test.unique()) < len(test):
        raise ValueError(
            f"test must be 1 to {n - 1} different row numbers, got {list(test.shape)} of {test.dtype}; each once"
        )
    if test.min() < 0 or test.max() >= n:
        raise ValueError(f"test rows must be 0 to {n - 1}, got {int(test.min())} to {int(test.max())}")
    return x, y, torch.zeros(n, dtype=torch.bool).index_fill_(0, test, True)

"""A Bayesian neural network for regression: one hidden ReLU layer, the original code's model, for any table.

    γ, λ ~ Gamma(1, rate b),   every weight and bias w ~ N(0, 1/λ),   y ~ N(f(x), 1/γ),   f(x) = relu(x W1 + b1) w2 + b2
    θ = (W1 row by row, b1, w2, b2, log γ, log λ)

x and y are standardised by the training rows. With m weights and N rows, u = log γ and v = log λ, the joint density of
θ and the labels, including both Jacobians, is

    log p = N (u - log 2π)/2 - e^u Σ_i (y_i - f_i)²/2 + m (v - log 2π)/2 - e^v |w|²/2
            + 2 log b + u - b e^u + v - b e^v                                                                   (1)

A few batched products handle all particles; gradients are written by hand.
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
    """The posterior of θ given some rows of a table; the others are held out. Its moments are unknown (None).

    `log_prob` is the joint density (1), which is the posterior up to the evidence. Predictions, `rmse` and
    `test_log_likelihood` are in the units of y. Above 40, exponentials continue as straight lines (`continued.exp`).

    Args:
        x: features, [n, f].
        y: labels, [n], not constant.
        test: the held-out rows, [k], 1 to n - 1 different row numbers.
        hidden: units of the hidden layer.
        rate: b > 0.

    Raises:
        ValueError: shapes, row numbers or other numbers are wrong.
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
        spread = torch.where(spread > 0, spread, 1.0)  # a constant column has no information; it becomes 0, not NaN
        self.unit, self.zero = (each.item() for each in torch.std_mean(y[~held], 0, correction=0))
        if not self.unit > 0:
            raise ValueError(f"y must vary over the training rows, got {self.zero:g} in all; choose another column")
        self._frame = centre, spread
        self.sizes = (self.features * self.hidden, self.hidden, self.hidden, 1)
        self.weights = sum(self.sizes)
        super().__init__("network", self.weights + 2, None, ("",) * self.weights + ("log γ", "log λ"))
        self._take(x, y, held)

    def with_rows(self, x: checks.Numbers, y: checks.Numbers, test: checks.Numbers) -> "NeuralRegression":
        """Return the posterior for other rows, standardised as these are; a run can continue with its particles.

        Args:
            x, y, test: as for the class, with as many features; y may be constant.

        Raises:
            ValueError: another number of features, or wrong shapes or row numbers.
        """
        x, y, held = _table(x, y, test)
        if x.shape[1] != self.features:
            raise ValueError(f"x must have {self.features} features as before, got {x.shape[1]}; make a new target")
        made = copy.copy(self)
        made._take(x, y, held)
        return made

    def _take(self, x: Tensor, y: Tensor, held: Tensor) -> None:
        """Use the rows that are not held out for training."""
        (centre, spread), self.rows = self._frame, int((~held).sum())
        x, y = (x - centre) / spread, (y - self.zero) / self.unit
        self._constants, self._casts = (x[~held], y[~held], x[held], y[held]), {}

    # the network

    def _parts(self, theta: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return W1 [..., f, h], b1 and w2 [..., h], b2 [..., 1]."""
        w1, b1, w2, b2 = theta[..., : self.weights].split(self.sizes, -1)
        return w1.unflatten(-1, (self.features, self.hidden)), b1, w2, b2

    def _forward(self, theta: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the hidden layer [..., b, h] and the output [..., b] for rows x [b, f], all standardised."""
        w1, b1, w2, b2 = self._parts(theta)
        hidden = (x @ w1).add_(b1.unsqueeze(-2)).relu_()
        return hidden, (hidden @ w2.unsqueeze(-1)).squeeze(-1) + b2

    # the density

    def log_prior(self, theta: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return log p(w, log γ, log λ), normalised, with the Jacobians of the logarithms."""
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
        """Return the prior score plus (number of rows)/b times the likelihood score of the b given rows."""
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
        """Return a score with `.at(t, generator)` that uses `size` rows per step; order is "random" or "cyclic"."""
        return Minibatch(self, size, order)

    # predictions and their errors

    def predict(self, theta: Float[Tensor, "*batch n d"], x: Float[Tensor, "b f"]) -> Float[Tensor, "*batch n b"]:
        """Return f at rows x, in the units of the table from which the target was made."""
        self._check(theta)
        centre, spread = (each.to(theta) for each in self._frame)
        return self._forward(theta, (x.to(theta) - centre) / spread)[1] * self.unit + self.zero

    def noise(self, theta: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        """Return the standard deviation of y around f, 1/sqrt(γ), in the units of y."""
        return (-0.5 * theta[..., -2]).exp() * self.unit

    def overwritten(
        self, theta: Float[Tensor, "n d"], x: Float[Tensor, "b f"], y: Float[Tensor, " b"]
    ) -> tuple[Float[Tensor, " n"], int]:
        """Return the noise [n] that the original program uses, by mistake, and the number of particles it overwrites.

        log γ belongs to standardised y, but that program reads it in the units of y. Then it uses the precision of the
        particle's own error instead, if validation rows are more likely so. That is always true, except for a tie: no
        precision makes them more likely than 1/error². `noise` has the right units and needs no validation rows.

        Args:
            x, y: the validation rows, in the units of the table.
        """
        square = (self.predict(theta, x) - y).square().mean(-1)
        learned, own = theta[:, -2], -square.log()

        def likelihood(log_gamma: Tensor) -> Tensor:
            return 0.5 * (log_gamma - math.log(2 * math.pi)) - 0.5 * log_gamma.exp() * square

        better = likelihood(own) > likelihood(learned)
        return (-0.5 * torch.where(better, own, learned)).exp(), int(better.sum())

    def rmse(self, theta: Float[Tensor, "*batch n d"]) -> Float[Tensor, "*batch"]:
        """Return the root mean squared error of the particles' mean prediction on held-out rows, in the units of y."""
        _, _, x, y = self._cast(theta)
        return (self._forward(theta, x)[1].mean(-2) - y).square().mean(-1).sqrt() * self.unit

    def test_log_likelihood(
        self, theta: Float[Tensor, "*batch n d"], noise: Float[Tensor, "*batch n"] | None = None
    ) -> Float[Tensor, "*batch"]:
        """Return the mean over held-out rows of the log of the particles' mean density of y, in nats.

        Args:
            noise: standard deviations to use instead of `noise(theta)`, in the units of y.
        """
        _, _, x, y = self._cast(theta)
        sigma = (self.noise(theta) if noise is None else noise).unsqueeze(-1)
        away = (self._forward(theta, x)[1] - y) * self.unit / sigma
        each = -0.5 * (away * away + math.log(2 * math.pi)) - sigma.log()
        return (torch.logsumexp(each, -2) - math.log(theta.shape[-2])).mean(-1)

    def initial(self, n: int, generator: torch.Generator, *, gamma_scale: bool = False) -> Float[Tensor, "n d"]:
        """Return n initial particles, float64.

        W1 ~ N(0, 1/(f + 1)), w2 ~ N(0, 1/(h + 1)), biases 0, and λ ~ Gamma(1, rate b).

        log γ starts at the precision of the network's own error on at most 1000 training rows, as in the original.

        Args:
            gamma_scale: sample λ with b as the scale, as the original does by mistake: around b instead of 1/b.
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
    """Return x [n, f] and y [n] in float64, and which rows are held out, [n], after all checks."""
    x, y, test = checks.finite("x", x), checks.finite("y", y), checks.array(test)
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"x must be [n, f] and y [n], got {list(x.shape)} and {list(y.shape)}; match their rows")
    n = len(x)
    if test.is_floating_point() or test.ndim != 1 or not 1 <= len(test) < n or len(test.unique()) < len(test):
        raise ValueError(
            f"test must be 1 to {n - 1} different row numbers, got {list(test.shape)} of {test.dtype}; use each once"
        )
    if test.min() < 0 or test.max() >= n:
        raise ValueError(
            f"test rows must be from 0 to {n - 1}, got {int(test.min())} to {int(test.max())}; change them"
        )
    return x, y, torch.zeros(n, dtype=torch.bool).index_fill_(0, test, True)

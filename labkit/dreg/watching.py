"""Other estimators are measured along the path of a network that is trained with one of them.

    for x, seen in zip(batches, watching.watch(model, batches, ("iwae", "dreg"), 64, generator=generator)): ...

Each minibatch gets two samples of the noise, g and g'. With weighted means <.> that forget the past at rate beta,

    Monte Carlo  <(g - g')^2> / 2,      minibatch  var((g + g') / 2) - Monte Carlo / 2,                         (1)

for each coordinate. A sample costs one backward pass of the decoder for all estimators together.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.dreg import passes
from labkit.dreg.estimators import find
from labkit.dreg.fast import gradients as fast
from labkit.dreg.networks import VAE

DECAY = 0.99  # beta; about the last 100 minibatches count


@dataclass(frozen=True, eq=False)
class State:
    """The measurements of n minibatches.

    mean: of the gradients in the parameters of q, MAXIMISED, [E, p].
    away, apart: weighted sums of squares, of the pairs' means about `mean` and of half their differences.
    weight, square: the sums of the weights and of their squares.
    """

    names: tuple[str, ...]
    mean: Float[Tensor, "e p"]
    away: Float[Tensor, "e p"]
    apart: Float[Tensor, "e p"]
    weight: float = 0.0
    square: float = 0.0
    n: int = 0

    @property
    def monte_carlo(self) -> Float[Tensor, "e p"]:
        """The variance of a gradient on a given minibatch; unbiased while the network does not change."""
        return 2 * self.apart / self.weight if self.n else torch.full_like(self.apart, torch.nan)

    @property
    def minibatch(self) -> Float[Tensor, "e p"]:
        """The variance of the mean gradient among minibatches; NaN before the second.

        It is unbiased, so it may be negative.
        """
        if self.n < 2:
            return torch.full_like(self.away, torch.nan)
        return self.away / (self.weight - self.square / self.weight) - self.monte_carlo / 2

    @property
    def snr(self) -> Float[Tensor, " e"]:
        """|mean| divided by the root of the total Monte Carlo variance; the noise of the mean makes it too large."""
        return self.mean.norm(dim=-1) / self.monte_carlo.sum(-1).sqrt()


def start(model: VAE, names: Sequence[str]) -> State:
    """Return the state before the first minibatch.

    Raises:
        ValueError: there is no estimator, or an unknown one.
    """
    if not names:
        raise ValueError("there must be at least one estimator to watch, got none; name some of dreg.ESTIMATORS")
    for name in names:
        find(name)
    zero = torch.zeros(len(names), sum(each.numel() for each in model.inference)).to(model.mean)
    return State(tuple(names), zero, zero, zero)


def step(
    state: State,
    model: VAE,
    x: Float[Tensor, "b 1 h w"],
    k: int,
    *,
    generator: torch.Generator | None = None,
    parameters: Mapping[str, Mapping[str, Any]] | None = None,
    decay: float = DECAY,
) -> State:
    """Return the state after one more minibatch, with k samples per image, at the model's current weights.

    Args:
        x: images in [0, 1].
        k: samples per image.
        parameters: parameters of an estimator by its name.
        decay: beta, 0 < beta <= 1; 1 forgets nothing.

    Raises:
        TypeError, ValueError: as `passes.run` and `dreg.coefficients`; or decay is out of range.
    """
    if not 0 < decay <= 1:
        raise ValueError(f"decay must be above 0 and at most 1, got {decay}; 0.99 is common")
    one, other = (_gradients(state.names, model, x, k, generator, parameters) for _ in range(2))
    middle, half = (one + other) / 2, (one - other) / 2
    weight = decay * state.weight + 1
    mean = state.mean + (middle - state.mean) / weight
    away = decay * state.away + (middle - state.mean) * (middle - mean)
    apart, square = decay * state.apart + half.square(), decay**2 * state.square + 1
    return State(state.names, mean, away, apart, weight, square, state.n + 1)


def watch(model: VAE, batches: Iterable[Tensor], names: Sequence[str], k: int, **how: Any) -> Iterator[State]:
    """Yield a state after each minibatch; the caller may train the model in between.

    Args:
        how: generator, parameters and decay of `step`.
    """
    state = start(model, names)
    for x in batches:
        state = step(state, model, x, k, **how)
        yield state


def _gradients(
    names: Sequence[str],
    model: VAE,
    x: Tensor,
    k: int,
    generator: torch.Generator | None,
    parameters: Mapping[str, Mapping[str, Any]] | None,
) -> Tensor:
    """Return the gradient of each estimator on the same samples, [E, p]."""
    found = fast.inference_gradients(model, passes.run(model, x, k, generator=generator), names, parameters)
    return torch.stack([torch.cat([each.flatten() for each in found[name]]) for name in names])

"""This module makes targets from a log-likelihood of rows of data and a prior, with minibatches."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint

from labkit.arrays import Arrayed
from labkit.targets import checks, supports
from labkit.targets.base import Range
from labkit.targets.scores import Minibatch
from labkit.targets.wrap import FromLogProb, onto

Rows = Int[Tensor, " b"] | slice
Data = Arrayed | Sequence[Any]  # one table, or several of one length


class FromLogLikelihood(FromLogProb):
    """The target that `from_log_likelihood` returns: log p(x) = log prior(x) + Σ_i log p(row i | x), up to a constant.

    Args:
        f: (x [..., d], *rows) -> the log-likelihood of each row, [..., b].
        log_prior: x [..., d] -> [...].
        data: tensors of one length.
    """

    def __init__(
        self,
        f: Callable[..., Tensor],
        log_prior: Callable[[Tensor], Tensor],
        data: tuple[Tensor, ...],
        dim: int | None,
        plot_range: Range | None,
        name: str,
        support: supports.Onto | None = None,
    ):
        super().__init__(partial(self._joint, rows=slice(None)), dim, plot_range, name, support)
        self._likelihood, self._prior, self._data = f, log_prior, data
        self._copies: dict[tuple[torch.dtype, torch.device], tuple[Tensor, ...]] = {}
        self.rows = len(data[0])

    def _joint(self, x: Tensor, rows: Rows) -> Tensor:
        """Return the log prior plus N/b times the log-likelihood of the b given rows."""
        given = tuple(part[rows] for part in self._like(x))
        each = self._likelihood(x, *given)
        wanted = (*x.shape[:-1], len(given[0]))
        if not isinstance(each, Tensor) or each.shape != wanted:
            got = list(each.shape) if isinstance(each, Tensor) else type(each).__name__
            raise ValueError(
                f"{self.name}: the log-likelihood must return one value per particle and row, {list(wanted)}, "
                f"got {got}; do not sum over the rows"
            )
        prior = self._prior(x)
        self._check_shape(prior, x)
        return prior + self.rows / len(given[0]) * each.sum(-1)

    def _like(self, x: Tensor) -> tuple[Tensor, ...]:
        """Return the data on the device of x, and its numbers with a fraction in the dtype of x."""
        key = (x.dtype, x.device)
        if key not in self._copies:
            with torch.inference_mode(False):
                self._copies[key] = tuple(
                    part.to(x) if part.is_floating_point() else part.to(x.device) for part in self._data
                )
        return self._copies[key]

    def score_of_rows(self, x: Float[Tensor, "*batch d"], rows: Rows) -> Float[Tensor, "*batch d"]:
        """Return the score of the prior plus N/b times that of the likelihood of the b given rows."""
        rows = rows if isinstance(rows, slice) else rows.to(x.device)
        part = FromLogProb(partial(self._joint, rows=rows), self.dim, self.plot_range, self.name, self._onto)
        return part.score(x)

    def minibatch(self, size: int, order: str = "random") -> Minibatch:
        """Return a score with `.at(t, generator)` that uses `size` rows per step; order is "random" or "cyclic"."""
        return Minibatch(self, size, order)


def from_log_likelihood(
    f: Callable[..., Tensor],
    log_prior: Callable[[Tensor], Tensor] | Distribution,
    data: Data,
    *,
    support: Constraint | None = None,
    dim: int | None = None,
    plot_range: Range | None = None,
    name: str | None = None,
) -> FromLogLikelihood:
    """Return the posterior of x given the rows of data. Its `minibatch(size)` uses a part of the rows in each step.

        target = targets.from_log_likelihood(f, log_prior, (features, labels))
        svgd.flow(target.minibatch(32), x0, generator=generator)

    Args:
        f: (x [..., d], *rows) -> the log-likelihood of each row, [..., b]; rows are b rows of each table.
        log_prior: x [..., d] -> log p(x) up to a constant, [...]; or a torch distribution.
        data: one table, or several of one length: tensors, arrays or data frames. Numbers with a fraction get the dtype
            of x, whole numbers keep theirs.
        support, dim, plot_range, name: as in `from_log_prob`.

    Raises:
        TypeError: f or log_prior is not a function.
        ValueError: the tables differ in length, or have no rows.
    """
    if not callable(f):
        raise TypeError(f"f must be a function (x, *rows) -> [..., b], got {type(f).__name__}; pass a function")
    box = plot_range or (None if dim is None else ((-4.0, 4.0),) * dim)
    called = name or str(getattr(f, "__name__", "posterior"))
    return FromLogLikelihood(f, _prior(log_prior), tables(data), dim, box, called, onto(support))


def _prior(log_prior: Any) -> Callable[[Tensor], Tensor]:
    if isinstance(log_prior, Distribution):
        return partial(_log_prob, log_prior)
    if not callable(log_prior):
        raise TypeError(
            f"log_prior must be a function x [..., d] -> [...] or a torch distribution, "
            f"got {type(log_prior).__name__}; pass a function"
        )
    return log_prior


def _log_prob(d: Distribution, x: Tensor) -> Tensor:
    return supports.copied(d, x).log_prob(x)


def tables(data: Data) -> tuple[Tensor, ...]:
    """Return one table or several as detached tensors of one length.

    Raises:
        ValueError: they differ in length, or have no rows.
    """
    parts = tuple(data) if isinstance(data, tuple | list) else (data,)
    found = tuple(checks.array(part).detach() for part in parts)
    if not found or any(not part.ndim for part in found) or len({len(part) for part in found}) > 1 or not len(found[0]):
        got = [list(part.shape) for part in found]
        raise ValueError(f"data must be tables of one length >= 1, got shapes {got}; give (features, labels)")
    return found

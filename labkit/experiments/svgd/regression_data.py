"""Points for a regression in one dimension: a curve with noise, and the changes that a user can make."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from labkit.data import points

HELD = 4  # every fourth point is held out
FEWEST = 4  # minimum number of training points; two of them may be reserved
BACK = 0.1  # share of the training points that the original program reserves, and their minimum number
BACK_LEAST = 2


@dataclass(frozen=True, eq=False)
class RegressionPoints:
    """Points, and which of them are held out; the newest comes first."""

    x: Float[Tensor, " _"]  # any length; lengths are checked when a posterior is made
    y: Float[Tensor, " _"]
    held: Bool[Tensor, " _"]

    def moved(self, i: int, x: float, y: float) -> "RegressionPoints":
        """Return the points with point i at another place."""
        here = torch.arange(len(self.x)) == i
        return replace(self, x=self.x.where(~here, x), y=self.y.where(~here, y))

    def added(self, x: float, y: float) -> "RegressionPoints":
        """Return the points with one more training point."""
        one = torch.tensor([x, y, 0.0], dtype=torch.float64)
        new = one[:1], one[1:2], one[2:].bool()
        return RegressionPoints(*(torch.cat(each) for each in zip(new, (self.x, self.y, self.held), strict=True)))

    def without_newest(self) -> "RegressionPoints":
        """Return the points without the newest training point.

        Raises:
            ValueError: too few training points would be left.
        """
        return self.without(int((~self.held).nonzero()[0, 0]))

    def without(self, i: int) -> "RegressionPoints":
        """Return the points without point i.

        Raises:
            ValueError: too few training points would be left, or no held-out point.
        """
        stays = torch.arange(len(self.x)) != i
        if not self.held[i] and int((~self.held).sum()) <= FEWEST:
            raise ValueError(f"at least {FEWEST} training points are needed; add one first")
        if not self.held[stays].any():
            raise ValueError("at least one held-out point is needed; remove another point")
        return RegressionPoints(self.x[stays], self.y[stays], self.held[stays])

    def scaled(self, factor: float | int) -> "RegressionPoints":
        """Return the points with every y multiplied."""
        return replace(self, y=self.y * factor)

    def kept_back(self) -> Bool[Tensor, " _"]:
        """Return the last training points, which the original program reserves to estimate the noise."""
        used = (~self.held).nonzero()[:, 0]
        count = max(round(BACK * len(used)), BACK_LEAST)
        return torch.zeros_like(self.held).index_fill_(0, used[-count:], True)


@dataclass(frozen=True)
class NoisyCurve:
    """A curve with noise, from which points are made.

    Attributes:
        curve: x -> the mean of y. noise: its standard deviation. count: number of points, including held-out ones.
        spans: the intervals of x, evenly covered.
        box: ((low, high), (low, high)) of the picture.
    """

    curve: Callable[[Tensor], Tensor]
    noise: float
    count: int
    spans: tuple[tuple[float, float], ...]
    box: tuple[tuple[float, float], tuple[float, float]]

    def rows(self, generator: torch.Generator, times: float | int = 1) -> RegressionPoints:
        """Return points in random order, with their noise multiplied."""
        u = torch.rand(self.count, generator=generator, dtype=torch.float64)
        e = torch.randn(self.count, generator=generator, dtype=torch.float64)
        x = u * sum(high - low for low, high in self.spans) + self.spans[0][0]
        for (_, high), (low, _) in zip(self.spans, self.spans[1:], strict=False):
            x = torch.where(x > high, x + low - high, x)
        return RegressionPoints(x, self.curve(x) + times * self.noise * e, torch.arange(self.count) % HELD == 0)


@dataclass(frozen=True, eq=False)
class GivenPoints:
    """Points of a visitor, with the interface of `NoisyCurve`: their curve and their noise are unknown, NaN."""

    x: Float[Tensor, " _"]
    y: Float[Tensor, " _"]
    noise: float = math.nan

    def curve(self, x: Tensor) -> Tensor:
        """Return NaN for each x."""
        return torch.full_like(x, math.nan)

    @property
    def box(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ranges of the points, with room to the sides and above."""
        (left, right), (low, high) = ((float(v.min()), float(v.max())) for v in (self.x, self.y))
        across, up = (right - left) / 4, (high - low) / 2
        return (left - across, right + across), (low - up, high + up)

    def rows(self, generator: torch.Generator, times: float | int = 1) -> RegressionPoints:
        """Return the points in random order; one of four is held out."""
        order = torch.randperm(len(self.x), generator=generator)
        return RegressionPoints(self.x[order], self.y[order], torch.arange(len(order)) % HELD == 0)


LEAST = 8  # points of a visitor


def given(name: str, content: bytes) -> GivenPoints:
    """Return the points in the two columns of a CSV file.

    Raises:
        ValueError: the file cannot be read, or its points do not suit a regression.
    """
    rows = points.from_text(name, content, 2, "x and y")
    pairs = [[points.number(name, i, j, cell) for j, cell in enumerate(row, 1)] for i, row in enumerate(rows, 1)]
    if len(pairs) < LEAST:
        raise ValueError(f"{name} must have at least {LEAST} points, got {len(pairs)}; add some")
    x, y = torch.tensor(pairs, dtype=torch.float64).unbind(1)
    for axis, values in {"x": x, "y": y}.items():
        if float(values.max() - values.min()) <= 1e-9 * float(values.abs().max()):
            raise ValueError(f"every {axis} of {name} is {float(values[0]):g}; a regression needs different values")
    return GivenPoints(x, y)


WHOLE = ((-4.0, 4.0),)
SETS = {
    "sine with a gap": NoisyCurve(torch.sin, 0.2, 80, ((-4.0, 0.3), (2.8, 4.0)), ((-6.0, 6.0), (-3.0, 3.0))),
    "cubic": NoisyCurve(lambda x: x**3, 3.0, 27, WHOLE, ((-6.0, 6.0), (-160.0, 160.0))),
    "step": NoisyCurve(torch.sign, 0.2, 80, WHOLE, ((-6.0, 6.0), (-3.0, 3.0))),
    "few points": NoisyCurve(lambda x: x / 2, 0.3, 12, WHOLE, ((-6.0, 6.0), (-5.0, 5.0))),
}

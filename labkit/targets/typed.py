"""`from_formula` makes a target from a log-density that a person types: it finds its range, and normalises it."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from labkit.targets import quadrature
from labkit.targets.base import Range
from labkit.targets.formula import VARIABLES, Formula
from labkit.targets.wrap import FromLogProb

EXAMPLE = "-(x**2 - 4)**2 / 8 - y**2 / 2"
REACHES = (8.0, 16.0, 32.0, 64.0, 128.0)  # half-widths of the squares in which the mass is searched for
NEGLIGIBLE = 1e-4  # largest density at the border of such a square, as a fraction of the peak
MASS, SHOWN = 1e-10, 1e-4  # integrals and pictures include all places with more than this fraction of the peak
THIN = 0.01  # largest difference of log Z between a grid and one with half of its steps
NARROW = 1e-3  # smallest width of the picture
POINTS = {1: (4001,), 2: (161, 161)}


@dataclass(frozen=True)
class Normalised:
    """A formula minus the logarithm of its integral."""

    formula: Formula
    log_z: float

    def __call__(self, x: Tensor) -> Tensor:
        return self.formula(x) - self.log_z


class Typed(FromLogProb):
    """The target that `from_formula` returns; `text` is its formula, and log_prob is normalised."""

    def __init__(self, text: str, plot_range: Range | None = None):
        formula = Formula(text)
        first = _holding(formula)
        self.text, self._whole = text, _around(formula, first, MASS)
        found = _moments(formula, self._whole)
        shown = plot_range or _around(formula, first, SHOWN)
        super().__init__(Normalised(formula, found.log_z), formula.dim, shown, "formula")
        self.labels = VARIABLES[: formula.dim]

    @property
    def _box(self) -> Range:
        return self._whole

    def score(self, x: Tensor) -> Tensor:
        """Return the gradient of log p; at a kink, such as that of abs(x) or sqrt(x**2) at 0, it is 0."""
        found = super().score(x)
        bad = found.isnan()
        if bad.any():
            found = torch.where(bad & self.log_prob(x).isfinite()[..., None], 0.0, found)
        return found


def from_formula(text: str = EXAMPLE, plot_range: Range | None = None) -> Typed:
    """Return the target whose log-density is the formula in a text, up to a constant: one dimension, or two with y.

    The formula may have numbers, x, y, pi, e, + - * / ** ( ) and exp, log, sqrt, sin, cos, tan, tanh, abs, min, max.
    The density is normalised, and the score is its gradient by autograd.

    Args:
        plot_range: one pair (low, high) per dimension; by default all places with more than 1/10,000 of the peak.

    Raises:
        ValueError: the text is not a formula, is not finite near 0, or its density does not fall to almost 0 within 128
            units of 0.
    """
    return Typed(text, plot_range)


def _moments(formula: Formula, box: Range) -> quadrature.Moments:
    """Return integral, mean and covariance.

    Raises:
        ValueError: the density is too thin for the grid: a grid with half of its steps gives another integral.
    """
    coarse, fine = (
        quadrature.moments(formula, box, tuple(times * (n - 1) + 1 for n in POINTS[formula.dim])) for times in (1, 2)
    )
    if abs(fine.log_z - coarse.log_z) > THIN:
        raise ValueError("the density is too thin for its size; make it wider, for example with a factor below 1")
    return fine


def _square(reach: float, dim: int) -> Range:
    return ((-reach, reach),) * dim


def _on_grid(formula: Formula, box: Range) -> tuple[Tensor, Tensor]:
    """Return the points of a grid in the box, [points..., d], and log p there.

    Raises:
        ValueError: log p is not finite somewhere.
    """
    x = quadrature.grid(box, POINTS[formula.dim])
    with torch.no_grad():
        log_p = formula(x)
    bad = log_p.isfinite().logical_not()
    if bad.any():
        where = " and ".join(f"{name} = {v:.3g}" for name, v in zip(VARIABLES, x[bad][0].tolist(), strict=False))
        raise ValueError(
            f"the formula is {float(log_p[bad][0]):g} at {where}, but log p must be finite everywhere; give only "
            "positive numbers to log and sqrt, and do not divide by 0"
        )
    return x, log_p


def _holding(formula: Formula) -> Range:
    """Return the smallest square around 0 that holds nearly all of the mass.

    Raises:
        ValueError: none does, or log p is not finite there.
    """
    for reach in REACHES:
        _, log_p = _on_grid(formula, box := _square(reach, formula.dim))
        ends = [log_p.select(i, end).max() for i in range(formula.dim) for end in (0, -1)]
        if float(max(ends) - log_p.max()) < math.log(NEGLIGIBLE) and not _more_outside(formula, reach, log_p.max()):
            return box
    falls = " - ".join(f"{name}**2" for name in VARIABLES[: formula.dim])
    raise ValueError(
        f"the density must fall to almost 0 within {REACHES[-1]:g} units of 0, and this one does not, so it has no "
        f"integral; add a term such as - ({falls.replace(' - ', ' + ')}) / 10"
    )


def _more_outside(formula: Formula, reach: float, top: Tensor) -> bool:
    """Return whether a larger square has places outside of this one whose density is not negligible."""
    for larger in REACHES[REACHES.index(reach) + 1 :]:
        x = quadrature.grid(_square(larger, formula.dim), POINTS[formula.dim])
        with torch.no_grad():
            outside = formula(x)[x.abs().amax(-1) > reach]
        if (outside > top + math.log(NEGLIGIBLE)).any():
            return True
    return False


def _around(formula: Formula, box: Range, fraction: float) -> Range:
    """Return a box around the places with more than a fraction of the peak's density.

    Raises:
        ValueError: the density is too narrow for a picture.
    """
    for _ in range(3):  # the steps of the grid become smaller
        x, log_p = _on_grid(formula, box)
        seen = x[log_p - log_p.max() > math.log(fraction)]
        steps = [(high - low) / (n - 1) for (low, high), n in zip(box, POINTS[formula.dim], strict=True)]
        ends = zip(seen.amin(0).tolist(), seen.amax(0).tolist(), steps, strict=True)
        box = tuple((low - step - 0.05 * (high - low), high + step + 0.05 * (high - low)) for low, high, step in ends)
    if min(high - low for low, high in box) < NARROW:
        raise ValueError(f"the density is narrower than {NARROW} units; stretch it: write x / 100 in place of x")
    return box

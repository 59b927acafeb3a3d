"""The registry lists the targets by name, and the parameters that a page can put on a slider."""

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, cast

from labkit import registry
from labkit.targets.base import KnownTarget, Target
from labkit.targets.drawn import from_drawing
from labkit.targets.logistic import logistic
from labkit.targets.mixture import Mixture
from labkit.targets.mixture_nd import cross, mixture2d, star
from labkit.targets.normal import correlated, normal, standard
from labkit.targets.planar import Donut, DoubleBanana, Sine
from labkit.targets.sheared import Banana, Funnel, Squiggle
from labkit.targets.typed import from_formula

if TYPE_CHECKING:
    Known = KnownTarget
else:
    Known = Target  # any subclass works: `make` checks its attributes

TARGETS: dict[str, Callable[..., Target]] = {
    "mixture": Mixture,
    "normal": normal,
    "standard": standard,
    "correlated": correlated,
    "mixture2d": mixture2d,
    "banana": Banana,
    "donut": Donut,
    "funnel": Funnel,
    "squiggle": Squiggle,
    "double_banana": DoubleBanana,
    "sine": Sine,
    "star": star,
    "x": cross,
    "logistic": logistic,
    "formula": from_formula,
    "drawn": from_drawing,
}


@dataclass(frozen=True)
class Parameter:
    """One scalar parameter of a target; `default` and `step` are ints if the parameter is a whole number."""

    default: float | int
    low: float | int
    high: float | int
    step: float | int
    symbol: str
    help: str


PARAMETERS: dict[str, dict[str, Parameter]] = {name: {} for name in TARGETS} | {
    "normal": {
        "dim": Parameter(2, 1, 100, 1, "D", "number of dimensions"),
        "mean": Parameter(0.0, -3.0, 3.0, 0.1, "m", "mean of every coordinate"),
        "scale": Parameter(1.0, 0.1, 3.0, 0.1, "s", "standard deviation of the first coordinate"),
        "condition": Parameter(1.0, 1.0, 100.0, 1.0, "κ", "largest variance divided by the smallest"),
    },
    "banana": {
        "curvature": Parameter(0.4, -1.0, 1.0, 0.05, "b", "how strongly x2 bends with x1², per unit of length"),
        "spread": Parameter(1.3, 0.5, 2.0, 0.1, "s", "standard deviation of x1"),
        "width": Parameter(0.5, 0.1, 1.5, 0.05, "w", "standard deviation of x2 given x1"),
    },
    "donut": {
        "radius": Parameter(2.5, 0.5, 4.0, 0.1, "R", "radius of the ring"),
        "width": Parameter(0.4, 0.1, 1.5, 0.05, "s", "standard deviation across the ring"),
    },
    "funnel": {"spread": Parameter(1.3, 0.5, 3.0, 0.1, "σ", "standard deviation of v, the log variance of x")},
    "squiggle": {
        "amplitude": Parameter(1.0, 0.0, 2.0, 0.1, "a", "height of the wave"),
        "frequency": Parameter(2.5, 0.5, 6.0, 0.1, "f", "frequency of the wave, in radians per unit of x1"),
        "width": Parameter(0.4, 0.1, 1.0, 0.05, "w", "standard deviation about the wave"),
    },
    "double_banana": {
        "noise": Parameter(0.3, 0.15, 0.6, 0.05, "s", "width of the bands; it is the noise of the one observation")
    },
    "sine": {
        "amplitude": Parameter(1.5, 0.0, 2.0, 0.1, "a", "height of the wave"),
        "frequency": Parameter(1.5, 0.5, 2.5, 0.1, "f", "frequency of the wave, in radians per unit of x1"),
        "width": Parameter(0.3, 0.15, 1.0, 0.05, "s", "standard deviation about the wave"),
    },
    "star": {
        "arms": Parameter(5, 2, 8, 1, "k", "number of arms"),
        "radius": Parameter(1.6, 0.5, 3.0, 0.1, "r", "distance of each arm's middle from the centre"),
        "length": Parameter(0.8, 0.2, 1.5, 0.05, "ℓ", "standard deviation along an arm"),
        "width": Parameter(0.2, 0.1, 0.8, 0.05, "w", "standard deviation across an arm"),
    },
    "x": {
        "length": Parameter(1.4, 0.5, 2.0, 0.1, "ℓ", "standard deviation along each stroke"),
        "width": Parameter(0.25, 0.1, 1.0, 0.05, "w", "standard deviation across each stroke"),
    },
    "logistic": {"rate": Parameter(0.01, 0.01, 10.0, 0.01, "b", "rate of the Gamma prior of α; its mean is 1/b")},
}

# Parameters that are texts: a formula that a person types, or the code of a drawing.
TEXTS: dict[str, tuple[str, ...]] = {"formula": ("text",), "drawn": ("code",)}

# Parameters that are lists with one number per mode; handles in a picture and the command line set them.
LISTS: dict[str, tuple[str, ...]] = {"mixture": ("means", "weights", "scales")}


_SHIPPED = (*TARGETS,)


def register(
    name: str, target: Target | Callable[..., Target], *, parameters: Mapping[str, Parameter] | None = None
) -> None:
    """Give a target a name for `make`, for `svgd.flow`, for the pages and for the command line.

    Args:
        target: a target, or a class or function that makes one.
        parameters: arguments of that function that get a slider on the page and `--param` of `labkit svgd`.

    Raises:
        ValueError: the name belongs to labkit, or has other characters than letters, digits, "-", "_" and "."; or the
            target has no dimension or no plot range; or the function does not have these parameters.
        TypeError: it is neither a target nor a function.
    """
    if not isinstance(target, Target) and not callable(target):
        raise TypeError(f"target must be a target or a function that makes one, got {type(target).__name__}; wrap it")
    factory = partial(_same, target) if isinstance(target, Target) else target
    registry.check(name, "target", _SHIPPED)
    _checked(name, factory, {key: each.default for key, each in (parameters or {}).items()})
    TARGETS[name], PARAMETERS[name] = factory, dict(parameters or {})


def _same(target: Target) -> Target:
    return target


def make(name: str, **params: object) -> Known:
    """Return the target with that name; its parameters go to the class or function in `TARGETS`.

    Raises:
        ValueError: the name or a parameter is unknown, the target does not accept a value, or it has no dimension or
            plot range.
    """
    if name not in TARGETS:
        near = difflib.get_close_matches(name, TARGETS, n=1, cutoff=0.0)[0]
        raise ValueError(f"target must be one of {', '.join(TARGETS)}, got {name!r}; did you mean {near!r}?")
    return _checked(name, TARGETS[name], params)


def _checked(name: str, factory: Callable[..., Target], params: Mapping[str, object]) -> Known:
    """Return factory(**params), a target with a dimension and a plot range.

    Raises:
        ValueError: the factory does not have a parameter, or the target has no dimension or plot range.
    """
    known = inspect.signature(factory).parameters
    unknown = [key for key in params if key not in known]
    if unknown:
        raise ValueError(f"{name} has {', '.join(known) or 'no parameters'}, got {', '.join(unknown)}; leave that out")
    made = factory(**params)
    if made.dim is None or made.plot_range is None:
        raise ValueError(
            f"a target with a name needs a dimension and a plot range, got {name} without; "
            "give both: targets.from_log_prob(f, dim=2, plot_range=((-4, 4), (-4, 4)))"
        )
    return cast(Known, made)

"""Kernels and optimisers by name, and names for a user's own; `labkit.svgd.bandwidths` has the rules by name."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from labkit import registry
from labkit.svgd.bandwidths import RULES, Rule
from labkit.svgd.frames import PerDimension
from labkit.svgd.kernels import IMQ, RBF, Kernel, Linear, Matern32, Sum
from labkit.svgd.optimizers import OPTIMIZERS, Optimizer

STEP_SIZE = 0.1  # for an optimiser that is given by name

# FusedRBF has no name here: it needs a compiler, ten seconds before its first step, and at most three dimensions.
KERNELS: dict[str, Kernel] = {
    "rbf": RBF(),
    "imq": IMQ(),
    "matern32": Matern32(),
    "linear": Linear(),
    "sum": Sum(),
    "per-dimension": PerDimension(),
}
PRECONDITIONED = "preconditioned"  # the name of a kernel on the page, where the target gives its precision
FIXED = "fixed"  # the name of a fixed bandwidth on the page

_KERNELS = (*KERNELS, PRECONDITIONED)
_RULES = (*RULES, FIXED)
_OPTIMIZERS = (*OPTIMIZERS,)


def kernel_of(kernel: Kernel | str) -> Kernel:
    """Return the kernel with a name, or the kernel itself.

    Raises:
        ValueError: no kernel has this name.
        TypeError: it is neither a kernel nor a name.
    """
    if isinstance(kernel, Kernel):  # first, because every step asks
        return kernel
    if isinstance(kernel, str):
        if kernel == PRECONDITIONED:
            raise ValueError(
                "the preconditioned kernel needs a precision matrix; "
                "use kernel=svgd.Preconditioned(target.covariance.inverse())"
            )
        if kernel not in KERNELS:
            raise registry.unknown("kernel", kernel, KERNELS, "a kernel such as svgd.IMQ()")
        return KERNELS[kernel]
    if isinstance(kernel, type) or not hasattr(kernel, "products"):
        raise TypeError(f"the kernel must be an object or a name, got {_shown(kernel)}; use svgd.RBF() or 'rbf'")
    return kernel


def optimizer_of(optimizer: Optimizer | str) -> Optimizer:
    """Return the optimiser with a name, at the step size 0.1, or the optimiser itself.

    Raises:
        ValueError: no optimiser has this name.
        TypeError: it is neither an optimiser nor a name.
    """
    if isinstance(optimizer, str):
        if optimizer not in OPTIMIZERS:
            raise registry.unknown("optimizer", optimizer, OPTIMIZERS, "an object such as svgd.Adam(0.05)")
        return OPTIMIZERS[optimizer](STEP_SIZE)
    if isinstance(optimizer, type) or not callable(optimizer):
        raise TypeError(
            f"the optimizer must be an object or a name, got {_shown(optimizer)}; use svgd.Adam(0.05) or 'adam'"
        )
    return optimizer


def _shown(thing: object) -> str:
    return f"the class {thing.__name__}" if isinstance(thing, type) else type(thing).__name__


def register_kernel(name: str, kernel: Kernel) -> None:
    """Give a kernel a name for `kernel=`, for the pages and for the command line.

    Raises:
        ValueError: the name belongs to labkit, or has other characters than letters, digits, "-", "_" and ".".
        TypeError: the kernel is not an object, for example a class.
    """
    if isinstance(kernel, str):
        raise TypeError(f"the kernel must be an object, got {kernel!r}; use svgd.KERNELS[{kernel!r}]")
    registry.check(name, "kernel", _KERNELS)
    KERNELS[name] = kernel_of(kernel)


def register_bandwidth(name: str, rule: Rule | Callable[[Tensor], Tensor | float]) -> None:
    """Give a bandwidth rule a name for `bandwidth=`, for the pages and for the command line.

    Args:
        rule: x (..., n, d) -> one length h per run, (...); or a `Rule`.

    Raises:
        ValueError: the name belongs to labkit, or has other characters than letters, digits, "-", "_" and ".".
        TypeError: the rule is not a function.
    """
    if isinstance(rule, type) or not callable(rule):
        raise TypeError(f"the rule must be a function x -> h, got {_shown(rule)}; pass the function itself")
    registry.check(name, "bandwidth rule", _RULES)
    RULES[name] = rule


def register_optimizer(name: str, make: Callable[[float], Optimizer]) -> None:
    """Give an optimiser a name for `optimizer=`, for the pages and for the command line.

    Args:
        make: step size -> optimiser, for example the class of the optimiser.

    Raises:
        ValueError: the name belongs to labkit, or has other characters than letters, digits, "-", "_" and ".".
        TypeError: make is not a function of the step size that returns an optimiser.
    """
    try:
        made: Any = make(STEP_SIZE)
    except TypeError:  # it has other arguments, or it is not a function
        made = None
    if not callable(made):
        raise TypeError(
            f"make must be a function step_size -> optimizer, got {_shown(make)}; "
            "use a class with a step size, or lambda step_size: optimizer"
        )
    registry.check(name, "optimizer", _OPTIMIZERS)
    OPTIMIZERS[name] = make

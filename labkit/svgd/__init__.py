"""Stein variational gradient descent moves particles to a target density (Liu & Wang 2016, arXiv 1608.04471).

`flow` returns an endless stream of states:

    from itertools import islice

    for state in islice(svgd.flow(target, x0), 500):
        state.x, state.ksd  # the positions of the particles, and how far they are from the target

`watch(target, x0)` shows the same as a live view in a notebook or on a page.
"""

import importlib
from typing import Any

from labkit.svgd.bandwidths import RULES, Fixed, Lagged, Median, Paper, Subsampled, median_bandwidth, paper_bandwidth
from labkit.svgd.discrepancy import ksd, mmd
from labkit.svgd.flow import evaluate, flow, phi, pulls, start, step
from labkit.svgd.frames import PerDimension, Preconditioned
from labkit.svgd.kernels import IMQ, RBF, FusedRBF, Kernel, Linear, Matern32, Products, Radial, Sum
from labkit.svgd.optimizers import OPTIMIZERS, Adagrad, Adam, Plain
from labkit.svgd.original import SVGD
from labkit.svgd.registry import KERNELS, register_bandwidth, register_kernel, register_optimizer
from labkit.svgd.state import State

__all__ = [
    "IMQ",
    "KERNELS",
    "OPTIMIZERS",
    "RBF",
    "RULES",
    "SVGD",
    "Adagrad",
    "Adam",
    "Fixed",
    "FusedRBF",
    "Kernel",
    "Lagged",
    "Linear",
    "Matern32",
    "Median",
    "Paper",
    "PerDimension",
    "Plain",
    "Preconditioned",
    "Products",
    "Radial",
    "State",
    "Subsampled",
    "Sum",
    "evaluate",
    "flow",
    "ksd",
    "median_bandwidth",
    "mmd",
    "paper_bandwidth",
    "phi",
    "pulls",
    "register_bandwidth",
    "register_kernel",
    "register_optimizer",
    "start",
    "step",
]  # without `watch`, so that an import of all names loads no display package


def __getattr__(name: str) -> Any:
    """Return `watch`, which needs the display packages; they are imported at its first use."""
    if name == "watch":
        return importlib.import_module("labkit.views.svgd.watch").watch
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "watch"})

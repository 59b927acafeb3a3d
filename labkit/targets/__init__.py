"""Targets: densities with log_prob, score, moments and a range to draw them in.

`make("banana", curvature=.3)` gives one by name; `from_log_prob(f)` and `from_distribution(d)` wrap your own, on a
bounded support too: x are then unconstrained coordinates, and `target.constrain(x)` is the place in the support;
`as_score(thing)` gives the function x [..., d] -> [..., d] that a method moves particles by.
"""

from labkit.targets.base import Target
from labkit.targets.distributions import from_distribution
from labkit.targets.logistic import LogisticRegression
from labkit.targets.mixture import Mixture
from labkit.targets.mixture_nd import GaussianMixture
from labkit.targets.network import NeuralRegression
from labkit.targets.normal import Normal
from labkit.targets.registry import LISTS, PARAMETERS, TARGETS, Parameter, make
from labkit.targets.scores import Annealed, Minibatch, as_score, cyclical_schedule, linear_schedule
from labkit.targets.wrap import from_log_prob

__all__ = [
    "LISTS",
    "PARAMETERS",
    "TARGETS",
    "Annealed",
    "GaussianMixture",
    "LogisticRegression",
    "Minibatch",
    "Mixture",
    "NeuralRegression",
    "Normal",
    "Parameter",
    "Target",
    "as_score",
    "cyclical_schedule",
    "from_distribution",
    "from_log_prob",
    "linear_schedule",
    "make",
]

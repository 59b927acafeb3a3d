"""Targets are densities with log_prob, score, moments and a plot range.

`make("banana", curvature=0.3)` returns a target by its name, `register` names your own target. `from_log_prob(f)` and
`from_distribution(d)` wrap your own density, `from_formula("-x**4 + x**2")` reads one that is typed.
`from_log_likelihood(f, log_prior, data)` and `from_module(network, f, data)` wrap your own posterior. If the support is
bounded, x are unconstrained coordinates, and `target.constrain(x)` are the points in the support. `as_score(thing)`
returns the function x [..., d] -> [..., d] that moves particles.
"""

from labkit.targets.base import Target
from labkit.targets.distributions import from_distribution
from labkit.targets.drawn import from_drawing
from labkit.targets.likelihood import from_log_likelihood
from labkit.targets.logistic import LogisticRegression
from labkit.targets.mixture import Mixture
from labkit.targets.mixture_nd import GaussianMixture
from labkit.targets.module import from_module
from labkit.targets.network import NeuralRegression
from labkit.targets.normal import Normal
from labkit.targets.registry import LISTS, PARAMETERS, TARGETS, TEXTS, Parameter, make, register
from labkit.targets.scores import Annealed, Minibatch, as_score, cyclical_schedule, linear_schedule
from labkit.targets.typed import from_formula
from labkit.targets.wrap import from_log_prob

__all__ = [
    "LISTS",
    "PARAMETERS",
    "TARGETS",
    "TEXTS",
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
    "from_drawing",
    "from_formula",
    "from_log_likelihood",
    "from_log_prob",
    "from_module",
    "linear_schedule",
    "make",
    "register",
]

"""Settings that several tabs share, with their ranges and labels."""

import param

from labkit.dreg import ESTIMATORS, gaussian
from labkit.experiments import defaults, limits, titles
from labkit.experiments.settings import RegistryListSelector

OFFSET = "q = N(m, V) approximates the posterior N(a, 1/2). This is the distance |m − a| of their means."
VARIANCE = "Variance V of each coordinate of q = N(m, V), which approximates the posterior N(a, 1/2)."
SEED = "Random seed. The same seed gives the same replicates."
NAMES = (
    "Unbiased for the gradient of L: IWAE, DReG, DReG-CV, VIMCO. Biased: STL, DReG-norm, DReG-alpha. For another goal: "
    "RWS, RWS-DReG and RWS-DReG-norm (wake-sleep), JK and JK-DReG (the jackknife bound), VAE (the evidence lower "
    "bound, ELBO). The (i) next to a name and the page Estimators of the guide explain each."
)


def estimators(doc: str = "All estimators use the same samples. " + NAMES) -> RegistryListSelector:
    """Return the setting for several estimators, with one line per estimator."""
    return RegistryListSelector(
        ESTIMATORS, titles=titles.ESTIMATORS, default=[*defaults.ESTIMATORS], label="Estimators", doc=doc
    )


def dimensions(default: int = defaults.DIMENSIONS) -> "param.Integer[int]":
    """Return the setting D, the number of coordinates of the Gaussian model."""
    return param.Integer(
        default=default, bounds=limits.DIMENSIONS, label="Dimensions, D", doc="Number D of coordinates of z and of x."
    )


def offset(default: float, doc: str = OFFSET) -> "param.Number[float | int]":
    """Return the setting |m - a|, the distance between the means of q and of the posterior."""
    return param.Number(default=default, bounds=(0.0, 2.0), step=0.01, label="Offset, |m − a|", doc=doc)


def variance(doc: str = VARIANCE) -> "param.Number[float | int]":
    """Return the setting V, the variance of each coordinate of q."""
    label = "Variance of q, V"
    return param.Number(default=gaussian.VARIANCE, bounds=(0.1, 2.0), step=1 / 120, label=label, doc=doc)


def seed(doc: str = SEED) -> "param.Integer[int]":
    """Return the setting for the seed of all random numbers."""
    return param.Integer(default=0, bounds=(0, None), softbounds=(0, 9999), label="Seed", doc=doc)

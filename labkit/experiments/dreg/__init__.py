"""Experiments with DReG: one module per tab of its page, imported at first use (help texts must be quick).

variance    variance, SNR, bias and error of every estimator against the number of samples K
microscope  draws of K samples in the plane, and the gradients that they sum to
bias        a test of one estimator for bias, until the evidence decides
alpha       bias and variance of dreg-alpha, for every alpha at once
race        small networks that train with different estimators
network     the noise of a trained network's gradient
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.experiments.dreg.alpha import AlphaSettings
    from labkit.experiments.dreg.bias import BiasSettings
    from labkit.experiments.dreg.microscope import MicroscopeSettings
    from labkit.experiments.dreg.network import NetworkSettings
    from labkit.experiments.dreg.race import RaceSettings
    from labkit.experiments.dreg.variance import VarianceSettings

__all__ = [
    "AlphaSettings",
    "BiasSettings",
    "MicroscopeSettings",
    "NetworkSettings",
    "RaceSettings",
    "VarianceSettings",
]


def __getattr__(name: str) -> Any:
    if name in __all__:
        module = importlib.import_module(f"{__name__}.{name.removesuffix('Settings').lower()}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Experiments with DReG: one module a tab of its page, imported when it is used (a command's help must be quick).

variance    every estimator's variance, SNR, bias and error against the number of samples K
microscope  draws of K samples in the plane, and the gradients that they sum to
bias        an estimator tested for bias until the evidence decides
alpha       the bias and the variance of dreg-alpha, for every alpha at once
race        small networks that train side by side
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

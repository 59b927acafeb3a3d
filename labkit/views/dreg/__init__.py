"""The tabs of /dreg, one module per tab: pictures, and the scene with pictures and controls.

The tabs show the variance of estimators against the number of samples, one draw of samples, a test for bias, and
dreg-alpha for every alpha. Others show networks in a race, and the gradient of a trained network.
`labkit.experiments.dreg` has what the tabs run.
"""

from labkit.deprecation import moved
from labkit.views.dreg.alpha import AlphaScene
from labkit.views.dreg.bias import BiasScene
from labkit.views.dreg.evidence import BiasInterval, Evidence
from labkit.views.dreg.microscope import MicroscopeScene
from labkit.views.dreg.network import NetworkScaling, NetworkScene
from labkit.views.dreg.race import RaceScene
from labkit.views.dreg.scaling import Scaling
from labkit.views.dreg.styles import STYLES, style_of
from labkit.views.dreg.tables import save_bias_csv, save_csv, save_race_csv
from labkit.views.dreg.variance import VarianceScene, remarks

__all__ = [
    "STYLES",
    "AlphaScene",
    "BiasInterval",
    "BiasScene",
    "Evidence",
    "MicroscopeScene",
    "NetworkScaling",
    "NetworkScene",
    "RaceScene",
    "Scaling",
    "VarianceScene",
    "remarks",
    "save_bias_csv",
    "save_csv",
    "save_race_csv",
    "style_of",
]

__getattr__ = moved(
    __name__,
    {
        "AlphaDial": "labkit.views.dreg:AlphaScene",
        "Bench": "labkit.experiments.dreg:NetworkSettings",
        "Bias": "labkit.views.dreg:BiasInterval",
        "BiasMeter": "labkit.views.dreg:BiasScene",
        "Court": "labkit.experiments.dreg:BiasSettings",
        "Dial": "labkit.experiments.dreg:AlphaSettings",
        "LOOKS": "labkit.views.dreg:STYLES",
        "Laboratory": "labkit.experiments.dreg:VarianceSettings",
        "Law": "labkit.views.dreg:Scaling",
        "Lens": "labkit.experiments.dreg:MicroscopeSettings",
        "Measured": "labkit.experiments.dreg.variance:Measured",
        "Microscope": "labkit.views.dreg:MicroscopeScene",
        "Network": "labkit.views.dreg:NetworkScene",
        "Noises": "labkit.views.dreg:NetworkScaling",
        "QUANTITIES": "labkit.experiments.dreg.variance:QUANTITIES",
        "Race": "labkit.views.dreg:RaceScene",
        "Racer": "labkit.experiments.dreg:RaceSettings",
        "Trials": "labkit.experiments.dreg.bias:BiasTests",
        "Variance": "labkit.views.dreg:VarianceScene",
        "batch_size": "labkit.experiments.dreg.variance:batch_size",
        "sentence": "labkit.experiments.dreg.bias:sentence",
        "slope": "labkit.experiments.dreg.variance:slope",
    },
)

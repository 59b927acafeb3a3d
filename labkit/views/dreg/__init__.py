"""Views of DReG: every estimator's variance against the number of samples, one draw under the microscope, an estimator
on trial for bias, dreg-alpha from one end to the other, networks that race, and one whose gradient
is measured."""

from labkit.views.dreg.dial import Dial
from labkit.views.dreg.evidence import Bias, Evidence
from labkit.views.dreg.law import Law
from labkit.views.dreg.looks import LOOKS
from labkit.views.dreg.measuring import QUANTITIES, Laboratory, Measured, batch_size, slope
from labkit.views.dreg.microscope import Lens
from labkit.views.dreg.network import Bench, Network, Noises
from labkit.views.dreg.race import Race
from labkit.views.dreg.racers import Racer
from labkit.views.dreg.scenes import Microscope, Variance, remarks
from labkit.views.dreg.tables import save_bias_csv, save_csv, save_race_csv
from labkit.views.dreg.tabs import AlphaDial, BiasMeter
from labkit.views.dreg.trial import Court, Trials, sentence

__all__ = [
    "LOOKS",
    "QUANTITIES",
    "AlphaDial",
    "Bench",
    "Bias",
    "BiasMeter",
    "Court",
    "Dial",
    "Evidence",
    "Laboratory",
    "Law",
    "Lens",
    "Measured",
    "Microscope",
    "Network",
    "Noises",
    "Race",
    "Racer",
    "Trials",
    "Variance",
    "batch_size",
    "remarks",
    "save_bias_csv",
    "save_csv",
    "save_race_csv",
    "sentence",
    "slope",
]

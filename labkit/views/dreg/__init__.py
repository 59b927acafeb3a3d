"""Views of DReG: every estimator's variance against the number of samples, and one draw under the microscope."""

from labkit.views.dreg.law import Law
from labkit.views.dreg.looks import LOOKS
from labkit.views.dreg.measuring import QUANTITIES, Laboratory, Measured, batch_size, slope
from labkit.views.dreg.microscope import Lens
from labkit.views.dreg.scenes import Microscope, Variance, remarks
from labkit.views.dreg.tables import save_csv

__all__ = [
    "LOOKS",
    "QUANTITIES",
    "Laboratory",
    "Law",
    "Lens",
    "Measured",
    "Microscope",
    "Variance",
    "batch_size",
    "remarks",
    "save_csv",
    "slope",
]

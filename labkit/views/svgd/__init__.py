"""Views of SVGD: particles on a line and in the plane, curves against steps, the force microscope, two runs beside."""

from labkit.views.svgd.beside import Pair, Side
from labkit.views.svgd.curves import Curves, accuracy, bandwidth, discrepancy, moment_errors
from labkit.views.svgd.experiment import PRESETS, Experiment
from labkit.views.svgd.line import Line
from labkit.views.svgd.microscope import Microscope
from labkit.views.svgd.plane import Plane
from labkit.views.svgd.scene import Scene

__all__ = [
    "PRESETS",
    "Curves",
    "Experiment",
    "Line",
    "Microscope",
    "Pair",
    "Plane",
    "Scene",
    "Side",
    "accuracy",
    "bandwidth",
    "discrepancy",
    "moment_errors",
]

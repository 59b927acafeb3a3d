"""Views of SVGD: particles on a line and in the plane, curves against steps, the force microscope, two runs beside."""

from labkit.views.svgd.beside import Pair, half
from labkit.views.svgd.classification import Classification
from labkit.views.svgd.classifier import Classifier
from labkit.views.svgd.collapse import Collapse
from labkit.views.svgd.curves import RUNS_KSD, Curves, Discrepancy, accuracy, bandwidth, moment_errors
from labkit.views.svgd.dimensions import Dimensions
from labkit.views.svgd.experiment import PRESETS, Experiment
from labkit.views.svgd.fitting import Regressor
from labkit.views.svgd.line import Line
from labkit.views.svgd.microscope import Microscope
from labkit.views.svgd.plane import Plane
from labkit.views.svgd.regression import Regression
from labkit.views.svgd.scene import Scene

__all__ = [
    "PRESETS",
    "Classification",
    "Classifier",
    "Collapse",
    "Curves",
    "Dimensions",
    "Experiment",
    "Line",
    "Microscope",
    "Pair",
    "Plane",
    "Regression",
    "Regressor",
    "Scene",
    "half",
    "accuracy",
    "bandwidth",
    "Discrepancy",
    "RUNS_KSD",
    "moment_errors",
]

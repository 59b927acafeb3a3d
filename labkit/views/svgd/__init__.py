"""Views of SVGD: particles on a line and in the plane, curves against steps, forces on one particle, two runs."""

from labkit.deprecation import moved
from labkit.views.svgd.beside import half
from labkit.views.svgd.classification import ClassificationScene
from labkit.views.svgd.collapse import CollapseScene
from labkit.views.svgd.curves import Curves
from labkit.views.svgd.line import Line
from labkit.views.svgd.microscope import Microscope
from labkit.views.svgd.particles import ParticlesScene
from labkit.views.svgd.plane import Plane
from labkit.views.svgd.regression import RegressionScene

__all__ = [
    "ClassificationScene",
    "CollapseScene",
    "Curves",
    "Line",
    "Microscope",
    "ParticlesScene",
    "Plane",
    "RegressionScene",
    "half",
]

__getattr__ = moved(
    __name__,
    {
        "Pair": "labkit.experiments.svgd:Pair",
        "RUNS_KSD": "labkit.experiments.svgd.numbers:RUNS_KSD",
        "PRESETS": "labkit.experiments.svgd:PRESETS",
        "Classification": "labkit.views.svgd:ClassificationScene",
        "Classifier": "labkit.experiments.svgd:ClassificationSettings",
        "Collapse": "labkit.views.svgd:CollapseScene",
        "Dimensions": "labkit.experiments.svgd:CollapseSettings",
        "Experiment": "labkit.experiments.svgd:ParticlesSettings",
        "Regression": "labkit.views.svgd:RegressionScene",
        "Regressor": "labkit.experiments.svgd:RegressionSettings",
        "Scene": "labkit.views.svgd:ParticlesScene",
    },
)

"""Experiments with SVGD: one module per tab of its page."""

from labkit.experiments.svgd.classification import ClassificationSettings
from labkit.experiments.svgd.collapse import CollapseSettings
from labkit.experiments.svgd.comparison import ComparisonSettings, Pair
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.experiments.svgd.regression import RegressionSettings
from labkit.experiments.svgd.stories import PRESETS

__all__ = [
    "PRESETS",
    "ClassificationSettings",
    "CollapseSettings",
    "ComparisonSettings",
    "Pair",
    "ParticlesSettings",
    "RegressionSettings",
]

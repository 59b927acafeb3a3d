"""Experiments with SVGD: one module per tab of its page."""

from labkit.experiments.svgd.classification import ClassificationSettings
from labkit.experiments.svgd.collapse import CollapseSettings
from labkit.experiments.svgd.comparison import ComparisonSettings, Pair
from labkit.experiments.svgd.particles import PRESETS, ParticlesSettings
from labkit.experiments.svgd.regression import RegressionSettings

__all__ = [
    "PRESETS",
    "ClassificationSettings",
    "CollapseSettings",
    "ComparisonSettings",
    "Pair",
    "ParticlesSettings",
    "RegressionSettings",
]

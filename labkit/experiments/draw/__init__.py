"""Experiments with DRAW: one module per tab of its page."""

from labkit.experiments.draw.attention import AttentionSettings
from labkit.experiments.draw.drawing import Drawing
from labkit.experiments.draw.generate import GenerateSettings
from labkit.experiments.draw.images import printed
from labkit.experiments.draw.latents import (
    InterpolateSettings,
    LatentsSettings,
    ResampleSettings,
    TraverseSettings,
)
from labkit.experiments.draw.learn import LearnSettings
from labkit.experiments.draw.read import ReadSettings

__all__ = [
    "AttentionSettings",
    "Drawing",
    "GenerateSettings",
    "InterpolateSettings",
    "LatentsSettings",
    "LearnSettings",
    "ReadSettings",
    "ResampleSettings",
    "TraverseSettings",
    "printed",
]

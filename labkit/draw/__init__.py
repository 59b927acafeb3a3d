"""DRAW is a network that paints images step by step through attention windows (Gregor et al. 2015, arXiv 1502.04623).

A model reconstructs images, or generates new ones:

    model = draw.DRAW(draw.Config())
    trace = model(images)                 # reads images [B, 1, 28, 28] and paints them again
    trace.bound, trace.write.center_x     # the cost of each image in nats, and the write window's x at each step
    model.generate(16).images[-1]         # sixteen new images
"""

from labkit.draw import attention, latents
from labkit.draw.attention import Window
from labkit.draw.classifier import Classifier, Reading
from labkit.draw.config import PRESETS, Config, preset
from labkit.draw.likelihood import bits_per_dimension, log_likelihood
from labkit.draw.network import DRAW
from labkit.draw.task import Task
from labkit.draw.trace import Losses, Trace, divergence, negative_log_likelihood

__all__ = [
    "DRAW",
    "PRESETS",
    "Classifier",
    "Config",
    "Losses",
    "Reading",
    "Task",
    "Trace",
    "Window",
    "attention",
    "bits_per_dimension",
    "divergence",
    "latents",
    "log_likelihood",
    "negative_log_likelihood",
    "preset",
]

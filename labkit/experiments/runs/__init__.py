"""Training runs of any method as states: one folder, or all folders of a directory."""

from labkit.experiments.runs.reading import ANIMATION, CURVES, read, with_samples
from labkit.experiments.runs.state import RunState

__all__ = ["ANIMATION", "CURVES", "RunState", "read", "with_samples"]

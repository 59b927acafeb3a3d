"""Pictures of a run's folder, of whatever method, while it trains and after."""

from labkit.views.runs.curves import Bound, Curves, Parts
from labkit.views.runs.glimpses import Glimpses
from labkit.views.runs.samples import Samples
from labkit.views.runs.scene import Scene
from labkit.views.runs.state import State, read, showing

__all__ = ["Bound", "Curves", "Glimpses", "Parts", "Samples", "Scene", "State", "read", "showing"]

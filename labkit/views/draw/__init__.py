"""Views of DRAW: the scenes of its page, grids of images that are drawn stroke by stroke, and what they cost."""

from labkit.views.draw.attention import AttentionScene
from labkit.views.draw.bars import KLBars, SensitivityBars
from labkit.views.draw.curves import LatentCurves, TraceCurves, bound_if_stopped, write_window
from labkit.views.draw.filterbank import Filterbank
from labkit.views.draw.generate import GenerateScene
from labkit.views.draw.glimpse import Glimpse
from labkit.views.draw.grid import LabelledRow, MarkedGrid, SampleGrid
from labkit.views.draw.latents import InterpolateScene, LatentsScene, ResampleScene, TraverseScene
from labkit.views.draw.learn import LearnScene
from labkit.views.draw.pad import Pad
from labkit.views.draw.pixel_map import PixelMap
from labkit.views.draw.read import ReadScene
from labkit.views.draw.reconstructions import Reconstructions
from labkit.views.draw.strip import CanvasStrip
from labkit.views.draw.training import TrainingCurves
from labkit.views.draw.window import AttentionWindow

__all__ = [
    "AttentionScene", "AttentionWindow", "CanvasStrip", "Filterbank", "GenerateScene", "Glimpse", "InterpolateScene",
    "KLBars", "LabelledRow", "LatentCurves", "LatentsScene", "LearnScene", "MarkedGrid", "Pad", "PixelMap", "ReadScene",
    "Reconstructions", "ResampleScene", "SampleGrid", "SensitivityBars", "TraceCurves", "TrainingCurves",
    "TraverseScene", "bound_if_stopped", "write_window",
]  # fmt: skip

"""Views of DRAW: the scenes of its page, grids of images during drawing, and curves of their cost."""

from labkit.deprecation import moved
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

__getattr__ = moved(
    __name__,
    {
        "Course": "labkit.views.draw:TraceCurves",
        "Divergence": "labkit.views.draw:KLBars",
        "Drawing": "labkit.experiments.draw:Drawing",
        "Film": "labkit.views.draw:CanvasStrip",
        "Generate": "labkit.views.draw:GenerateScene",
        "Generator": "labkit.experiments.draw:GenerateSettings",
        "Lab": "labkit.views.draw:AttentionScene",
        "Latents": "labkit.views.draw:LatentsScene",
        "Learn": "labkit.views.draw:LearnScene",
        "Learner": "labkit.experiments.draw:LearnSettings",
        "Looking": "labkit.views.draw:Glimpse",
        "Read": "labkit.views.draw:ReadScene",
        "Reader": "labkit.experiments.draw:ReadSettings",
        "Sheet": "labkit.views.draw:SampleGrid",
        "pen": "labkit.views.draw:write_window",
        "printed": "labkit.experiments.draw:printed",
        "stopped": "labkit.views.draw:bound_if_stopped",
    },
)

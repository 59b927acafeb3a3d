"""Views of a run's folder, for any method, during and after training."""

from labkit.deprecation import moved
from labkit.views.runs.curves import BoundCurves, BoundTerms, RunCurves
from labkit.views.runs.heatmap import KLHeatmap
from labkit.views.runs.samples import SampleSheet
from labkit.views.runs.scene import RunsScene

__all__ = ["BoundCurves", "BoundTerms", "KLHeatmap", "RunCurves", "RunsScene", "SampleSheet"]

__getattr__ = moved(
    __name__,
    {
        "Bound": "labkit.views.runs:BoundCurves",
        "Curves": "labkit.views.runs:RunCurves",
        "Glimpses": "labkit.views.runs:KLHeatmap",
        "Parts": "labkit.views.runs:BoundTerms",
        "Samples": "labkit.views.runs:SampleSheet",
        "Scene": "labkit.views.runs:RunsScene",
        "State": "labkit.experiments.runs:RunState",
        "read": "labkit.experiments.runs:read",
        "shelf": "labkit.experiments.runs:directory",
        "showing": "labkit.experiments.runs:with_samples",
    },
)

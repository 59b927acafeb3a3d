"""Old names still work, with a warning that gives the new name."""

import importlib
import warnings

import holoviews as hv
import pytest

from labkit.experiments.svgd import ParticlesSettings
from labkit.views.svgd import ParticlesScene

OLD = {
    "labkit.views.svgd": {
        "Pair": "labkit.experiments.svgd.Pair",
        "PRESETS": "labkit.experiments.svgd.PRESETS",
        "Classification": "labkit.views.svgd.ClassificationScene",
        "Classifier": "labkit.experiments.svgd.ClassificationSettings",
        "Collapse": "labkit.views.svgd.CollapseScene",
        "Dimensions": "labkit.experiments.svgd.CollapseSettings",
        "Experiment": "labkit.experiments.svgd.ParticlesSettings",
        "Regression": "labkit.views.svgd.RegressionScene",
        "Regressor": "labkit.experiments.svgd.RegressionSettings",
        "Scene": "labkit.views.svgd.ParticlesScene",
    },
    "labkit.views.draw": {
        "Course": "labkit.views.draw.TraceCurves",
        "Divergence": "labkit.views.draw.KLBars",
        "Drawing": "labkit.experiments.draw.Drawing",
        "Film": "labkit.views.draw.CanvasStrip",
        "Generate": "labkit.views.draw.GenerateScene",
        "Generator": "labkit.experiments.draw.GenerateSettings",
        "Lab": "labkit.views.draw.AttentionScene",
        "Latents": "labkit.views.draw.LatentsScene",
        "Learn": "labkit.views.draw.LearnScene",
        "Learner": "labkit.experiments.draw.LearnSettings",
        "Looking": "labkit.views.draw.Glimpse",
        "Read": "labkit.views.draw.ReadScene",
        "Reader": "labkit.experiments.draw.ReadSettings",
        "Sheet": "labkit.views.draw.SampleGrid",
        "pen": "labkit.views.draw.write_window",
        "printed": "labkit.experiments.draw.printed",
        "stopped": "labkit.views.draw.bound_if_stopped",
    },
    "labkit.views.dreg": {
        "AlphaDial": "labkit.views.dreg.AlphaScene",
        "Bench": "labkit.experiments.dreg.NetworkSettings",
        "Bias": "labkit.views.dreg.BiasInterval",
        "BiasMeter": "labkit.views.dreg.BiasScene",
        "Court": "labkit.experiments.dreg.BiasSettings",
        "Dial": "labkit.experiments.dreg.AlphaSettings",
        "LOOKS": "labkit.views.dreg.STYLES",
        "Laboratory": "labkit.experiments.dreg.VarianceSettings",
        "Law": "labkit.views.dreg.Scaling",
        "Lens": "labkit.experiments.dreg.MicroscopeSettings",
        "Measured": "labkit.experiments.dreg.variance.Measured",
        "Microscope": "labkit.views.dreg.MicroscopeScene",
        "Network": "labkit.views.dreg.NetworkScene",
        "Noises": "labkit.views.dreg.NetworkScaling",
        "QUANTITIES": "labkit.experiments.dreg.variance.QUANTITIES",
        "Race": "labkit.views.dreg.RaceScene",
        "Racer": "labkit.experiments.dreg.RaceSettings",
        "Trials": "labkit.experiments.dreg.bias.BiasTests",
        "Variance": "labkit.views.dreg.VarianceScene",
        "batch_size": "labkit.experiments.dreg.variance.batch_size",
        "sentence": "labkit.experiments.dreg.bias.sentence",
        "slope": "labkit.experiments.dreg.variance.slope",
    },
    "labkit.views.runs": {
        "Bound": "labkit.views.runs.BoundCurves",
        "Curves": "labkit.views.runs.RunCurves",
        "Glimpses": "labkit.views.runs.KLHeatmap",
        "Parts": "labkit.views.runs.BoundTerms",
        "Samples": "labkit.views.runs.SampleSheet",
        "Scene": "labkit.views.runs.RunsScene",
        "State": "labkit.experiments.runs.RunState",
        "read": "labkit.experiments.runs.read",
        "shelf": "labkit.experiments.runs.directory",
        "showing": "labkit.experiments.runs.with_samples",
    },
}


@pytest.mark.parametrize("module, old, new", [(m, old, new) for m, names in OLD.items() for old, new in names.items()])
def test_an_old_name_returns_the_new_object_with_a_warning(module, old, new):
    path, _, name = new.rpartition(".")
    with pytest.warns(DeprecationWarning, match=new.replace(".", r"\.")):
        found = getattr(importlib.import_module(module), old)
    assert found is getattr(importlib.import_module(path), name)


def test_an_unknown_name_is_still_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AttributeError, match="no attribute"):
            _ = importlib.import_module("labkit.views.svgd").Nothing


def test_a_scene_of_particles_still_has_its_experiment():
    hv.extension("bokeh")
    scene = ParticlesScene(ParticlesSettings(n=3), play=False)
    with pytest.warns(DeprecationWarning, match=r"scene\.settings\.run"):
        assert scene.experiment is scene.settings.run
    scene.live.close()

"""Names of before still work, with a warning that says the new name."""

import importlib
import warnings

import pytest

OLD = {
    "labkit.views.svgd": {
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
}


@pytest.mark.parametrize("module, old, new", [(m, old, new) for m, names in OLD.items() for old, new in names.items()])
def test_an_old_name_is_the_new_one_with_a_warning(module, old, new):
    path, _, name = new.rpartition(".")
    with pytest.warns(DeprecationWarning, match=new.replace(".", r"\.")):
        found = getattr(importlib.import_module(module), old)
    assert found is getattr(importlib.import_module(path), name)


def test_a_name_that_never_was_is_still_an_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(AttributeError, match="no attribute"):
            _ = importlib.import_module("labkit.views.svgd").Nothing

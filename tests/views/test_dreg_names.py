"""Old names of DReG's tabs still work."""

import importlib

import pytest

from labkit.views import dreg


@pytest.mark.parametrize("old", dreg.OLD)
def test_an_old_name_is_the_new_thing_and_says_where_it_is(old):
    path = dreg.OLD[old]
    module, _, name = path.partition(":")
    with pytest.warns(DeprecationWarning, match=rf"labkit\.views\.dreg\.{old} is now {module}\.{name}"):
        found = getattr(dreg, old)
    assert found is getattr(importlib.import_module(module), name)


def test_every_name_that_the_package_had_is_there():
    before = {
        "LOOKS", "QUANTITIES", "AlphaDial", "Bench", "Bias", "BiasMeter", "Court", "Dial", "Evidence", "Laboratory",
        "Law", "Lens", "Measured", "Microscope", "Network", "Noises", "Race", "Racer", "Trials", "Variance",
        "batch_size", "remarks", "save_bias_csv", "save_csv", "save_race_csv", "sentence", "slope",
    }  # fmt: skip
    assert before <= {*dreg.OLD, *dreg.__all__}
    assert all(hasattr(dreg, name) for name in dreg.__all__)

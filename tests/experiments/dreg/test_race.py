"""Networks that train side by side on the bundled digits."""

import pytest
import torch

from labkit.experiments.dreg.race import RaceSettings
from labkit.experiments.settings import beyond_softbounds


def test_a_race_starts_on_digits_with_its_own_seed():
    one, two = (RaceSettings(estimators=["dreg"], seed=seed, k=2) for seed in (0, 1))
    first = [each.start().lanes[0] for each in (one, two)]
    assert one.track.train.shape == (1437, 1, 8, 8) and not torch.equal(*(lane.trained.weights for lane in first))
    assert one.step(one.start()).t == 1


def test_a_script_may_use_larger_values_than_a_link():
    run = RaceSettings(k=1024, batch=500, lr=3.0)
    assert all(beyond_softbounds(run.param[name], getattr(run, name)) for name in ("k", "batch", "lr"))


@pytest.mark.parametrize("wrong", [{"k": 1 << 15}, {"batch": 0}, {"lr": -0.1}, {"alpha": 1.5}])
def test_settings_that_no_race_can_run_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RaceSettings(**wrong)

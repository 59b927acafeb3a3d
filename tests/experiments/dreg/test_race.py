"""Networks that train side by side on the bundled digits."""

import torch

from labkit.experiments.dreg.race import RaceSettings


def test_a_race_starts_on_digits_with_its_own_seed():
    one, two = (RaceSettings(estimators=["dreg"], seed=seed, k=2) for seed in (0, 1))
    first = [each.start().lanes[0] for each in (one, two)]
    assert one.track.train.shape == (1437, 1, 8, 8) and not torch.equal(*(lane.trained.weights for lane in first))
    assert one.step(one.start()).t == 1

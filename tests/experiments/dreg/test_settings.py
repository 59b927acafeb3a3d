"""Settings of the DReG experiments accept more than their controls show, but only declared values."""

import pytest

from labkit.experiments import limits
from labkit.experiments.dreg import (
    AlphaSettings,
    BiasSettings,
    MicroscopeSettings,
    NetworkSettings,
    RaceSettings,
    VarianceSettings,
)

ALL = AlphaSettings, BiasSettings, MicroscopeSettings, NetworkSettings, RaceSettings, VarianceSettings


@pytest.mark.parametrize("kind", ALL)
def test_any_seed_is_accepted_and_the_box_shows_four_digits(kind):
    settings = kind(seed=12_345_678_901)
    assert settings.seed == 12_345_678_901 and settings.param.seed.get_soft_bounds() == (0, 9999)
    with pytest.raises(ValueError, match="at least 0"):
        settings.seed = -1


def test_a_test_of_bias_accepts_as_many_samples_as_the_command_line():
    assert BiasSettings(k=limits.SAMPLES[1]).k == 16_384
    assert BiasSettings.param.k.get_soft_bounds() == (1, 256)
    with pytest.raises(ValueError, match="at most 16384"):
        BiasSettings(k=limits.SAMPLES[1] + 1)


@pytest.mark.parametrize("kind", [AlphaSettings, BiasSettings, VarianceSettings])
def test_dimensions_have_one_range(kind):
    assert kind.param.dim.bounds == limits.DIMENSIONS == (1, 50)
    with pytest.raises(ValueError, match="at most 50"):
        kind(dim=51)

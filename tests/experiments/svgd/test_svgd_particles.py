"""The settings of a run: what a script may ask for."""

import pytest

from labkit.experiments.svgd import ParticlesSettings


def test_a_script_may_go_beyond_what_a_slider_shows():
    wide = {"n": 2500, "length": 1e-4, "step_size": 30.0, "begin_mean": -99.0, "begin_scale": 9.0, "seed": 123456}
    run = ParticlesSettings(bandwidth="fixed", **wide)
    assert {name: getattr(run, name) for name in wide} == wide and run.particles().shape == (2500, 1)


@pytest.mark.parametrize("name", ["n", "length", "step_size", "begin_scale", "scale"])
def test_a_length_or_a_number_of_particles_of_0_is_refused(name):
    with pytest.raises(ValueError, match=f"{name}' must be"):
        ParticlesSettings(**{name: 0})

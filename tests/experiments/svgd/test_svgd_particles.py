"""The settings of a run: which values a script may use."""

import pytest
import torch

from labkit import targets
from labkit.experiments.svgd import ParticlesSettings


def test_a_script_may_exceed_the_range_of_a_slider():
    wide = {"n": 2500, "length": 1e-4, "step_size": 30.0, "begin_mean": -99.0, "begin_scale": 9.0, "seed": 123456}
    run = ParticlesSettings(bandwidth="fixed", **wide)
    assert {name: getattr(run, name) for name in wide} == wide and run.particles().shape == (2500, 1)


@pytest.mark.parametrize("name", ["n", "length", "step_size", "begin_scale", "scale"])
def test_zero_length_or_zero_particles_are_refused(name):
    with pytest.raises(ValueError, match=f"{name}' must be"):
        ParticlesSettings(**{name: 0})


@pytest.mark.parametrize("name", targets.TARGETS)
def test_a_run_has_the_target_that_its_name_says(name):
    """The settings of the one-dimensional mixture affect no other target, even if parameters share names."""
    found, wanted = ParticlesSettings(target=name, scale=0.7).density(), targets.make(name)
    x = torch.linspace(-1, 1, 3 * wanted.dim, dtype=torch.float64).reshape(3, wanted.dim)
    assert torch.equal(found.log_prob(x), wanted.log_prob(x)) == (name != "mixture")

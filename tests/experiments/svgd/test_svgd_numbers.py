"""The numbers of a run: which ones a target allows, and their values."""

import pytest

from labkit.experiments.svgd import ParticlesSettings
from labkit.experiments.svgd.numbers import moment_errors, of_run


def test_the_target_determines_the_numbers_of_a_run():
    titles = lambda target: [each.title for each in of_run(ParticlesSettings(target=target, n=5))]  # noqa: E731
    assert titles("banana") == ["Stein discrepancy", "Error of the moments"]
    assert titles("logistic") == ["Stein discrepancy", "Test accuracy"]


def test_moment_errors_are_computed_from_the_particles():
    experiment = ParticlesSettings(
        target="normal", n=12, begin_mean=0.0, begin_scale=0.5, shape={"dim": 3, "mean": 0.5}
    )
    state = experiment.start()
    row = moment_errors(experiment.density).record(state)
    target = experiment.density()
    x = state.x
    assert row["Error of the moments: mean"] == pytest.approx((x.mean(0) - target.mean).abs().mean().item())
    spread = ((x - x.mean(0)) ** 2).mean(0)
    wanted = (spread - target.covariance.diagonal()).abs().mean().item()
    assert row["Error of the moments: variance"] == pytest.approx(wanted)

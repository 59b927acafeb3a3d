"""The error of the true curve, which the page of regressions names as a limit."""

import pytest

from labkit.experiments.svgd import RegressionSettings


def test_the_true_curve_has_no_error_without_noise_and_the_size_of_the_noise_with_it():
    def error(**settings):
        made = RegressionSettings(n=2, **settings)
        return made.true_rmse(made.start())

    assert error(times=0.0) == pytest.approx(0, abs=1e-12)
    assert error(times=2.0, unit=10) == pytest.approx(20 * error(), rel=1e-9)  # the same random numbers
    assert abs(error() - 0.2) < 4 * 0.2 / (2 * 20) ** 0.5  # four standard errors of a standard deviation of 20 points

"""Four numbers describe every alpha of dreg-alpha; they are compared with the estimator itself at each alpha."""

import numpy as np
import pytest
import torch

from labkit.dreg import frontier, gaussian, laboratory

ALPHAS = (0.0, 0.2, 0.5, 0.9, 1.0)


def measured(toy, names, k, replicates, parameters=None):
    generator = torch.Generator().manual_seed(0)
    return laboratory.step(
        laboratory.start(toy, names, (k,), parameters), toy, generator=generator, replicates=replicates
    )


def test_every_alpha_agrees_with_the_estimator_on_the_same_samples():
    toy, n = gaussian.instance(3, 0.7), 200
    line = frontier.measured(measured(toy, frontier.PARTS, 4, n))
    for alpha in ALPHAS:
        state = measured(toy, ("dreg-alpha",), 4, n, {"dreg-alpha": {"alpha": alpha}})
        assert line.variance(alpha) == pytest.approx(state.gradients.variance.sum().item(), rel=1e-9)
        noise = state.differences.variance[0, 0].trace().item() / n
        assert line.squared_bias(alpha) == pytest.approx(state.bias.square().sum().item() - noise, rel=1e-9, abs=1e-15)
        assert line.squared_error(alpha) == line.squared_bias(alpha) + line.variance(alpha)


def test_the_true_frontier_agrees_with_many_replicates():
    """Four standard errors: of a variance about sqrt(2 / (n D)), of |bias|^2 twice |bias| sd / sqrt(n)."""
    toy, n = gaussian.instance(2, 0.7), 20_000
    line, want = frontier.measured(measured(toy, frontier.PARTS, 4, n)), frontier.true(toy, 4)
    for got, known in ((line.dreg, want.dreg), (line.rws, want.rws)):
        assert got == pytest.approx(known, rel=4 * 2 * (2 / n / 2) ** 0.5)
    assert line.both == pytest.approx(want.both, abs=4 * 2 * (want.dreg * want.rws / n / 2) ** 0.5)
    sd = (want.dreg + want.rws - 2 * want.both) ** 0.5
    assert line.apart == pytest.approx(want.apart, abs=4 * 2 * want.apart**0.5 * sd / n**0.5)


def test_at_alpha_one_half_it_is_half_of_sticking_the_landing():
    """Its mean is E stl / 2, its variance a quarter; the exact bias of stl refers to half its own target."""
    from labkit.dreg import exact

    toy = gaussian.instance(5)
    line, found = frontier.true(toy, 16), exact.answers(toy, (16,), ("stl", "dreg"))
    assert line.variance(0.5) == pytest.approx(toy.dim * found.variance[0, 0].item() / 4, rel=1e-12)
    bias = found.mean[0, 0] / 2 - found.mean[1, 0]
    assert line.squared_bias(0.5) == pytest.approx(bias.square().item(), rel=1e-9)


@pytest.mark.parametrize(
    "line",
    [
        frontier.Frontier(0.3, 1.0, 0.2, 0.1),
        frontier.Frontier(0.3, 0.1, 0.2, 0.15),  # below 0 without the limit
        frontier.Frontier(0.0, 2.0, 0.1, 0.4),  # above 1
        frontier.Frontier(0.0, 0.0, 0.0, 0.0),
    ],
)
def test_the_best_alpha_has_the_smallest_error_of_a_fine_grid(line):
    grid = np.linspace(0, 1, 100_001)
    errors = line.squared_error(grid)
    assert line.best == pytest.approx(grid[errors.argmin()], abs=2e-5)


def test_the_frontier_for_one_sample_and_for_the_posterior():
    """K = 1: B is 0, and DReG's gradient is (a - m) / s with variance 1/6 per coordinate. Posterior: all is 0."""
    line = frontier.true(gaussian.instance(3, 0.4), 1)
    assert (line.apart, line.dreg) == pytest.approx((0.64, 0.5), abs=1e-9) and abs(line.rws) + abs(line.both) < 1e-12
    posterior = measured(gaussian.instance(3, 0.0, 0.5), frontier.PARTS, 4, 10)
    assert frontier.measured(posterior) == frontier.Frontier(0.0, 0.0, 0.0, 0.0)


def test_both_parts_must_be_measured():
    state = measured(gaussian.instance(2), ("dreg",), 4, 10)
    with pytest.raises(ValueError, match="dreg and rws-dreg, got no rws-dreg"):
        frontier.measured(state)

"""Bandwidth rules given by a name, a number, a tensor with one number per run, or a function."""

from itertools import islice

import numpy as np
import pytest
import torch

from labkit import svgd


@pytest.mark.parametrize("name", sorted(svgd.RULES))
def test_a_name_selects_the_rule(draw, name):
    x = draw(40, 2)
    assert torch.equal(svgd.start(x, torch.neg, bandwidth=name).bandwidth, svgd.RULES[name](x))


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_papers_rule_is_the_median_distance_divided_by_the_root_of_2_log_n(draw, n):
    x = draw(n, 3)
    distances = [np.linalg.norm(x[i] - x[j]) for i in range(n) for j in range(i)]
    assert abs(svgd.paper_bandwidth(x).item() - np.median(distances) / np.sqrt(2 * np.log(n))) < 1e-12


def test_the_papers_rule_is_1_for_one_particle_and_warns_if_all_coincide():
    assert svgd.paper_bandwidth(torch.zeros(1, 2)) == 1
    with pytest.warns(UserWarning, match="bandwidth is set to 1"):
        assert svgd.paper_bandwidth(torch.zeros(4, 2)) == 1


@pytest.mark.parametrize("rule", [svgd.median_bandwidth, svgd.paper_bandwidth, svgd.Subsampled(100)])
def test_twice_the_spread_gives_twice_the_bandwidth(draw, rule):
    x = draw(2, 301, 2)
    assert torch.allclose(rule(2 * x), 2 * rule(x), rtol=1e-12)


def test_a_number_stays_fixed_and_a_tensor_has_one_number_per_run(draw):
    x, h = draw(3, 20, 2), torch.tensor([0.5, 1.0, 2.0])
    runs = svgd.flow(torch.neg, x, bandwidth=h)
    assert all(torch.equal(state.bandwidth, h.double()) for state in islice(runs, 3))
    assert torch.equal(svgd.start(x, torch.neg, bandwidth=0.7).bandwidth, torch.full((3,), 0.7, dtype=x.dtype))
    a, b = (svgd.start(x[0], torch.neg, bandwidth=v).phi for v in (0.5, 2.0))
    assert (a - b).abs().max() > 0.01


def test_a_function_is_called_at_every_step(draw):
    lengths = svgd.flow(torch.neg, 5 + draw(20, 2), bandwidth=lambda x: 0.1 + x.abs().mean())
    assert all(state.bandwidth == 0.1 + state.x.abs().mean() for state in islice(lengths, 4))


def test_a_kernel_per_dimension_has_one_median_per_dimension(draw):
    x = draw(50, 3) * torch.tensor([1.0, 10.0, 0.1])
    h = svgd.start(x, torch.neg, kernel=svgd.PerDimension()).bandwidth
    assert torch.equal(h, torch.stack([svgd.median_bandwidth(x[:, c : c + 1]) for c in range(3)]))


def test_a_preconditioned_kernel_measures_in_its_own_coordinates(draw):
    x, Q = draw(50, 2), torch.diag(torch.tensor([4.0, 9.0], dtype=torch.float64))
    h = svgd.start(x, torch.neg, kernel=svgd.Preconditioned(Q)).bandwidth
    assert abs(h - svgd.median_bandwidth(x * torch.tensor([2.0, 3.0]))) < 1e-14


def test_the_subsampled_median_is_close_to_the_exact_one(draw):
    """With 256 of 3000 normal particles the median of |x - x'|^2 has a standard error of about 4 %, and h of 2 %."""
    x = draw(3000, 2)
    assert abs(svgd.Subsampled()(x) / svgd.median_bandwidth(x) - 1) < 0.08
    assert torch.equal(svgd.Subsampled()(x[:200]), svgd.median_bandwidth(x[:200]))


def test_a_lagged_rule_is_called_every_k_steps_and_keeps_its_bandwidth_between(draw):
    asked = []

    class Counted(svgd.Median):
        def __call__(self, x, last=None, t=0):
            asked.append(t)
            return super().__call__(x, last, t)

    states = list(islice(svgd.flow(torch.neg, 5 + draw(20, 2), bandwidth=svgd.Lagged(3, Counted())), 8))
    assert asked == [0, 3, 6]
    for state in states:
        assert torch.equal(state.bandwidth, svgd.median_bandwidth(states[state.t // 3 * 3].x))


def test_a_lagged_run_continues_exactly_from_any_state(draw):
    states = list(islice(svgd.flow(torch.neg, 5 + draw(20, 2), bandwidth="median-lagged"), 15))
    again = svgd.step(states[7], torch.neg, bandwidth="median-lagged")
    assert torch.equal(again.phi, states[8].phi) and torch.equal(again.bandwidth, states[8].bandwidth)


def test_update_accepts_any_rule_and_keeps_the_bandwidth_of_a_lagged_one(draw):
    x0 = 5 + draw(20, 2)
    wanted = next(islice(svgd.flow(torch.neg, x0, bandwidth="median-lagged", optimizer=svgd.Adagrad(0.05)), 15, None))
    got = svgd.SVGD().update(x0, torch.neg, n_iter=15, stepsize=0.05, bandwidth="median-lagged")
    assert (got - wanted.x).abs().max() < 1e-12

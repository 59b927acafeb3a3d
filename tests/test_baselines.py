"""Baselines for SVGD: independent draws and Langevin chains, against their exact moments."""

import pytest
import torch

from labkit import baselines, targets
from labkit.baselines import State


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("eps", [0.05, 0.5])
def test_one_langevin_step_keeps_the_variance_of_the_discretised_chain(eps):
    """For p = N(0, 1) the chain is AR(1): stationary variance 1 / (1 - eps / 2), within four standard errors."""
    n, var = 200_000, 1 / (1 - eps / 2)
    x = var**0.5 * torch.randn(n, 1, generator=generator(), dtype=torch.float64)
    after = baselines.langevin(State(x), torch.neg, step_size=eps, generator=generator(1))
    assert abs(after.x.var().item() - var) < 4 * var * (2 / n) ** 0.5
    assert abs(after.x.mean().item()) < 4 * (var / n) ** 0.5


def test_langevin_chains_forget_their_start():
    """From x0 the mean after t steps is (1 - eps)^t x0, the variance v (1 - (1 - eps)^2t)."""
    n, eps, steps = 20_000, 0.2, 30
    state, noise = State(torch.full((n, 1), 50.0, dtype=torch.float64)), generator()
    for _ in range(steps):
        state = baselines.langevin(state, torch.neg, step_size=eps, generator=noise)
    v = (1 - (1 - eps) ** (2 * steps)) / (1 - eps / 2)
    assert state.t == steps
    assert abs(state.x.mean().item() - 50 * (1 - eps) ** steps) < 4 * (v / n) ** 0.5
    assert abs(state.x.var().item() - v) < 4 * v * (2 / n) ** 0.5


@pytest.mark.parametrize("name", ["mixture", "correlated", "banana"])
def test_independent_draws_have_the_targets_mean_and_variance(name):
    """Mean and variance within four standard errors; the variance's from the fourth moment of the draws."""
    n, target = 40_000, targets.make(name)
    first = State(torch.zeros(n, target.dim, dtype=torch.float64))
    x = baselines.independent(first, target, generator=generator()).x
    variance = target.covariance.diagonal()
    assert ((x.mean(0) - target.mean).abs() < 4 * (variance / n) ** 0.5).all()
    square = (x - target.mean) ** 2
    assert ((square.mean(0) - variance).abs() < 4 * square.std(0) / n**0.5).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_both_keep_the_dtype_and_the_input_unchanged(dtype):
    target, x = targets.make("standard"), torch.ones(7, 2, dtype=dtype)
    drawn = baselines.independent(State(x), target, generator=generator())
    moved = baselines.langevin(State(x), target.score, step_size=0.1, generator=generator())
    for state in (drawn, moved):
        assert state.x.dtype == dtype and state.x.shape == x.shape and state.t == 1
    assert torch.equal(x, torch.ones(7, 2, dtype=dtype))


def test_equal_seeds_give_equal_chains_and_kept_states_differ():
    def run(seed):
        state, noise, kept = State(torch.zeros(5, 1, dtype=torch.float64)), generator(seed), []
        for _ in range(4):
            state = baselines.langevin(state, torch.neg, step_size=0.1, generator=noise)
            kept.append(state.x)
        return kept

    one, two, other = run(3), run(3), run(4)
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[-1], other[-1])
    assert len({tuple(x.flatten().tolist()) for x in one}) == 4


def test_impossible_requests_are_refused_with_the_reason():
    state = State(torch.zeros(3, 2, dtype=torch.float64))
    with pytest.raises(ValueError, match="no exact sampler; compare with Langevin"):
        baselines.independent(state, targets.make("double_banana"), generator=generator())
    for step_size in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="step_size must be > 0"):
            baselines.langevin(state, torch.neg, step_size=step_size, generator=generator())
    with pytest.raises(ValueError, match="stay finite.*step 1; take a smaller step size"):
        baselines.langevin(state, lambda x: x / 0, step_size=0.1, generator=generator())

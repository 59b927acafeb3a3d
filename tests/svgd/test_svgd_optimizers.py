"""Optimisers are compared with arithmetic by hand and with torch.optim."""

import pytest
import torch

from labkit import svgd


def test_adagrad_gives_the_moves_computed_by_hand():
    """Directions 2 and -4 with decay .9 give histories 4 and .9 4 + .1 16 = 5.2."""
    optimizer = svgd.Adagrad(0.1)
    move, memory = optimizer(torch.tensor([[2.0]], dtype=torch.float64), None)
    assert memory.item() == 4.0 and abs(move.item() - 0.1 * 2 / (2 + 1e-6)) < 1e-16
    move, memory = optimizer(torch.tensor([[-4.0]], dtype=torch.float64), memory)
    assert abs(memory.item() - 5.2) < 1e-15 and abs(move.item() + 0.1 * 4 / (5.2**0.5 + 1e-6)) < 1e-16


def test_plain_moves_by_the_direction():
    direction = torch.tensor([[2.0, -3.0]])
    move, memory = svgd.Plain(0.5)(direction, None)
    assert torch.equal(move, direction / 2) and memory is None


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.7), (0.0, 0.0)])
def test_adam_equals_torchs_adam(draw, betas):
    x, memory = draw(5, 2), None
    leaf = x.clone().requires_grad_()
    theirs = torch.optim.Adam([leaf], lr=0.1, betas=betas, maximize=True)
    ours = svgd.Adam(0.1, *betas)
    for t in range(30):
        direction = draw(5, 2, seed=t)
        move, memory = ours(direction, memory)
        x = x + move
        leaf.grad = direction
        theirs.step()
        assert (x - leaf).abs().max() < 1e-13
    assert memory.count == 30


def test_a_torch_optimiser_in_a_users_loop_gives_the_same_run(draw):
    """This is the loop of the module's docstring."""
    x = (3 + draw(20, 2)).requires_grad_()
    optimizer = torch.optim.Adam([x], lr=0.1)
    state = svgd.start(x, torch.neg)
    for _ in range(20):
        x.grad = -svgd.phi(x.detach(), torch.neg)
        optimizer.step()
        state = svgd.step(state, torch.neg, optimizer=svgd.Adam(0.1))
    assert (state.x - x).abs().max() < 1e-11


@pytest.mark.parametrize("name", sorted(svgd.OPTIMIZERS))
def test_optimisers_keep_direction_and_memory_unchanged(draw, name):
    optimizer, direction = svgd.OPTIMIZERS[name](), draw(5, 2)
    _, memory = optimizer(direction, None)
    parts = [m for m in (memory if isinstance(memory, tuple) else [memory]) if isinstance(m, torch.Tensor)]
    kept, kept_direction = [m.clone() for m in parts], direction.clone()
    optimizer(direction, memory)
    assert torch.equal(direction, kept_direction) and all(map(torch.equal, parts, kept))


def test_a_run_may_change_its_optimiser(draw):
    state = svgd.start(draw(20, 2), torch.neg)
    for optimizer in (svgd.Adam(), svgd.Adagrad(), svgd.Plain(), svgd.Adam()):
        state = svgd.step(state, torch.neg, optimizer=optimizer)
    assert state.t == 4 and state.x.isfinite().all()


@pytest.mark.parametrize("optimizer", [svgd.Adagrad, svgd.Adam, svgd.Plain])
@pytest.mark.parametrize("size", [0.0, -0.1, float("nan"), float("inf"), torch.tensor([0.1, 0.0])])
def test_a_step_size_that_is_not_positive_is_rejected(optimizer, size):
    with pytest.raises(ValueError, match=r"step_size must be (> 0|finite), got .*; a common choice is 0.1"):
        optimizer(size)


def test_decay_rates_outside_0_to_1_are_rejected():
    with pytest.raises(ValueError, match=r"decay must be in \[0, 1\), got 1.0"):
        svgd.Adagrad(decay=1.0)
    with pytest.raises(ValueError, match=r"must be in \[0, 1\), got 0.9 and 1.5"):
        svgd.Adam(beta2=1.5)

"""A training step as a function of a value equals the step of torch's own Adam, and the module does not change."""

import copy

import pytest
import torch
from torch import nn

from labkit.training import functional


class Net(nn.Module):
    """A few weights of several shapes, and another method than forward to call."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
        self.scale = nn.Parameter(torch.ones(()))

    def cost(self, x):
        return {"loss": (self.scale * self.inner(x)).square().sum(), "first": self.inner(x)[0, 0]}


@pytest.fixture
def net():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Net()


def batch(t):
    """Inputs of very different size, so that some gradients are clipped and some are not."""
    return 3.0 ** (t % 4 - 1) * torch.randn(6, 5, generator=torch.Generator().manual_seed(t))


def run(module, state, steps, **options):
    for t in range(state.t, state.t + steps):
        _, g = functional.gradient(module, state.weights, lambda m, t=t: m.cost(batch(t)))
        state = functional.adam(state, g, **options)
    return state


def test_twenty_steps_equal_those_of_torch(net):
    lr, betas, clip = 0.02, (0.8, 0.99), 3.0
    other = copy.deepcopy(net)
    optimizer, clipped = torch.optim.Adam(other.parameters(), lr, betas), []
    for t in range(20):
        optimizer.zero_grad()
        other.cost(batch(t))["loss"].backward()
        clipped.append(bool(nn.utils.clip_grad_norm_(other.parameters(), clip) > clip))
        optimizer.step()
    got = run(net, functional.start(net), 20, lr=lr, betas=betas, clip=clip)
    assert 3 < sum(clipped) < 17 and got.t == 20
    memory = optimizer.state_dict()["state"].values()
    for flat, whole in (
        (got.weights, list(other.parameters())),
        (got.m, [each["exp_avg"] for each in memory]),
        (got.v, [each["exp_avg_sq"] for each in memory]),
    ):
        torch.testing.assert_close(flat, torch.cat([each.detach().flatten() for each in whole]), rtol=1e-4, atol=1e-6)


def test_the_defaults_equal_those_of_training(net):
    from labkit.training import Settings

    plain, start = Settings(), functional.start(net)
    named = run(net, start, 3, lr=0.1, betas=(plain.beta1, plain.beta2), clip=plain.clip)
    assert torch.equal(run(net, start, 3, lr=0.1).weights, named.weights)


def test_a_step_changes_neither_module_nor_state_and_continues_exactly(net):
    own, start = copy.deepcopy(net.state_dict()), functional.start(net)
    kept = [part.clone() for part in (start.weights, start.m, start.v)]
    half = run(net, start, 3, lr=0.1)
    ends = [run(net, half, 4, lr=0.1) for _ in range(2)] + [run(net, start, 7, lr=0.1)]
    assert all(torch.equal(ends[0].weights, end.weights) and end.t == 7 for end in ends)
    assert all(torch.equal(a, b) for a, b in zip(kept, (start.weights, start.m, start.v), strict=True))
    assert all(torch.equal(own[name], value) for name, value in net.state_dict().items())
    assert not half.weights.requires_grad and all(w.grad is None for w in net.parameters())


def test_the_gradient_agrees_with_a_finite_difference(net):
    """It is a central difference along a random direction, in float64."""
    net.double()
    x, w = batch(2).double(), functional.start(net).weights
    cost = lambda m: m.cost(x)  # noqa: E731
    found, g = functional.gradient(net, w, cost)
    d = torch.randn(w.shape, generator=torch.Generator().manual_seed(5), dtype=w.dtype)
    up, down = (functional.call(net, w + side * 1e-6 * d, cost)["loss"] for side in (1, -1))
    torch.testing.assert_close(g @ d, (up - down) / 2e-6, rtol=1e-6, atol=0)
    assert set(found) == {"loss", "first"} and not any(value.requires_grad for value in found.values())


def test_call_uses_the_given_weights_instead_of_the_modules(net):
    w = torch.zeros_like(functional.start(net).weights)
    w[-1] = 1.0  # the scale, or the last bias: with either, the output is the same for all inputs
    out = functional.call(net, w, lambda m: m.inner(torch.randn(4, 5)))
    assert torch.equal(out, out[:1].expand_as(out))
    assert torch.equal(functional.call(net, functional.start(net).weights, lambda m: m.scale), net.scale)


def test_another_number_of_weights_is_rejected(net):
    for use in (functional.call, functional.gradient):
        with pytest.raises(ValueError, match=r"weights must be \(67,\) for this module, got \(5,\)"):
            use(net, torch.zeros(5), lambda m: {"loss": m.scale})

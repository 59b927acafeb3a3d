"""The decoder as one operation equals autograd of its layers with Bernoulli pixels, also for second derivatives."""

import pytest
import torch
from torch.distributions import Bernoulli

from labkit.dreg.fast import decoder as fast
from labkit.dreg.fast.decoder import Decoded


def decoder(dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Pixels (3, 7), and z (4, 3, 2) with the weights of the three layers."""
    x = torch.rand(3, 7, generator=torch.Generator().manual_seed(0), dtype=dtype)
    shapes = [(4, 3, 2), (5, 2), (5,), (6, 5), (6,), (7, 6), (7,)]
    return x, [
        torch.randn(s, generator=torch.Generator().manual_seed(i), dtype=dtype).requires_grad_()
        for i, s in enumerate(shapes)
    ]


def decoder_is_autograd_of_bernoulli() -> None:
    x, (z, w1, b1, w2, b2, w3, b3) = decoder()
    given = (z, w1, b1, w2, b2, w3, b3)
    logits = torch.tanh(torch.tanh(z @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    ink, paper = (Bernoulli(logits=logits).log_prob(torch.full_like(logits, on)) for on in (1.0, 0.0))
    wanted = (x * ink + (1 - x) * paper).sum(-1)
    flow = torch.randn(4, 3, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    got = Decoded.apply(z, x, w1, b1, w2, b2, w3, b3)
    assert (got - wanted).abs().max() < 1e-12
    for mine, theirs in zip(
        torch.autograd.grad(got, given, flow), torch.autograd.grad(wanted, given, flow), strict=True
    ):
        assert (mine - theirs).abs().max() < 1e-12


def test_the_decoder_equals_autograd_of_its_layers():
    decoder_is_autograd_of_bernoulli()


def test_the_decoder_passes_gradcheck():
    x, (z, *weights) = decoder()
    assert torch.autograd.gradcheck(Decoded.apply, (z, x.requires_grad_(), *weights))


@pytest.mark.slow
def test_second_derivatives_of_the_decoder_equal_finite_differences():
    x, (z, *weights) = decoder()
    assert torch.autograd.gradgradcheck(Decoded.apply, (z, x.requires_grad_(), *weights))


@pytest.mark.parametrize("held", [(), (1, 2), (3, 4), (1, 3, 5), (1, 2, 3, 4, 5, 6)])
def test_weights_without_a_gradient_do_not_change_other_gradients(held):
    x, given = decoder()
    flow = torch.ones(4, 3, dtype=torch.float64)
    every = torch.autograd.grad(Decoded.apply(given[0], x, *given[1:]), given, flow)
    mixed = [each.detach().requires_grad_(i not in held) for i, each in enumerate(given)]
    free = [i for i in range(7) if i not in held]
    got = torch.autograd.grad(Decoded.apply(mixed[0], x, *mixed[1:]), [mixed[i] for i in free], flow)
    assert all(torch.equal(mine, every[i]) for mine, i in zip(got, free, strict=True))


def test_the_check_of_the_decoder_detects_a_layer_without_its_slope(monkeypatch):
    monkeypatch.setattr(fast, "_tanh_", lambda x: x.mul_(2).sigmoid_().mul_(2).sub_(1).mul_(0.999))
    with pytest.raises(AssertionError):
        decoder_is_autograd_of_bernoulli()

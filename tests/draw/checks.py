"""These checks pass for labkit and fail for a broken version of it; test_draw_mutants proves that each can fail."""

import itertools
import math

import numpy
import torch
from torch.distributions import Bernoulli, Normal, kl_divergence

from labkit import draw
from labkit.draw import attention

EXTREMES = (-100.0, -1.0, 0.3, 100.0)


def close(a, b, tolerance: float) -> None:
    a, b = (torch.as_tensor(v, dtype=torch.float64).detach() for v in (a, b))
    assert a.shape == b.shape
    assert (a - b).abs().max() <= tolerance * b.abs().max().clamp(min=1e-300)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(config: draw.Config, dtype: torch.dtype = torch.float64, scale: float = 0.4, seed: int = 1) -> draw.DRAW:
    model = draw.DRAW(config).to(dtype)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in [*model.parameters(), model.canvas]:
            weight.copy_(scale * torch.randn(weight.shape, generator=generator, dtype=torch.float64))
        if config.canvas == "zero":
            model.canvas.zero_()
    return model


def images(config: draw.Config, b: int = 3, dtype: torch.dtype = torch.float64, seed: int = 2):
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(b, config.channels, config.height, config.width, generator=generator, dtype=torch.float64)
    return x.to(dtype), torch.arange(b) % config.classes if config.classes else None


# windows


def rows_sum_to_one_with_finite_gradients(n: int, dtype: torch.dtype, height: int = 28, width: int = 20) -> None:
    """A sum of m terms <= 1 has an error of less than m units in the last place."""
    raw = torch.tensor(list(itertools.product(EXTREMES, repeat=5)), dtype=dtype).requires_grad_()
    f_y, f_x = attention.filterbank(attention.window(raw, n, height, width), n, height, width)
    for bank, size in ((f_y, height), (f_x, width)):
        assert bank.shape == (len(raw), n, size)
        assert (bank >= 0).all()
        assert (bank.sum(-1) - 1).abs().max() <= size * torch.finfo(dtype).eps
    patch = normal(len(raw), 1, n, n).to(dtype)
    x = normal(len(raw), 1, height, width, seed=1).to(dtype)
    window = attention.window(raw, n, height, width)
    (attention.read(x, window, n).sum() + attention.write(patch, window, height, width).square().sum()).backward()
    assert raw.grad.isfinite().all()


def centres_of_zeros_are_symmetric() -> None:
    """Reference 3.3: the centre of 28 pixels, counted from 0, is at 13.5."""
    window = attention.window(torch.zeros(5, dtype=torch.float64), 5, 28, 28)
    for centres in attention.centres(window, 5):
        assert (centres - 13.5).tolist() == [-13.5, -6.75, 0.0, 6.75, 13.5]


def mirrored_image_is_read_mirrored(n: int = 4) -> None:
    """If centre and image are mirrored along an axis, the glimpse and the written image are mirrored too."""
    x, patch, raw = normal(6, 2, 11, 8), normal(6, 2, n, n, seed=1), 0.5 * normal(6, 5, seed=2)
    for axis, column in ((-2, 0), (-1, 1)):
        turned = raw.clone()
        turned[:, column] *= -1
        here, there = (attention.window(each, n, 11, 8) for each in (raw, turned))
        close(attention.read(x.flip(axis), there, n), attention.read(x, here, n).flip(axis), 1e-13)
        close(attention.write(patch.flip(axis), there, 11, 8), attention.write(patch, here, 11, 8).flip(axis), 1e-13)


def windows_are_the_papers(reference, n: int, height: int, width: int, channels: int) -> None:
    """Plain Python computes equations 19 to 29, with pixels from 1."""
    x, patch = normal(3, channels, height, width), normal(3, channels, n, n, seed=1)
    raw = 0.7 * normal(3, 5, seed=2) + torch.tensor([0, 0, 1.0, 0, 0])
    window = attention.window(raw, n, height, width)
    seen, drawn = attention.read(x, window, n), attention.write(patch, window, height, width)
    for b in range(3):
        close(seen[b], reference.read(x[b].tolist(), raw[b].tolist(), n), 1e-12)
        close(drawn[b], reference.write(patch[b].tolist(), raw[b].tolist(), height, width), 1e-12)


def a_whole_narrow_window_is_the_identity(size: int = 7) -> None:
    """N = A = B puts a filter on every pixel; at log variance -6 the neighbour's part is exp(-e^6 / 2) = 1e-88."""
    raw = torch.zeros(2, 5, dtype=torch.float64)
    raw[:, 2] = -6
    window, x = attention.window(raw, size, size, size), normal(2, 3, size, size)
    assert (window.stride == 1).all()
    close(attention.read(x, window, size), x, 1e-15)
    close(attention.write(x, window, size, size), x, 1e-15)


def read_and_write_are_adjoint(log_intensity: float) -> None:
    """<read(x), w> = gamma^2 <x, write(w)>."""
    x, patch, raw = normal(5, 2, 9, 12), normal(5, 2, 4, 4, seed=1), normal(5, 5, seed=2)
    raw[:, 4] = log_intensity
    window = attention.window(raw, 4, 9, 12)
    left = (attention.read(x, window, 4) * patch).sum((1, 2, 3))
    right = (x * attention.write(patch, window, 9, 12)).sum((1, 2, 3))
    close(left, math.exp(2 * log_intensity) * right, 1e-12)


# costs


def divergence_is_that_of_distributions() -> None:
    mu, log_sigma = normal(4, 3, 7), normal(4, 3, 7, seed=1)
    wanted = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1)
    close(draw.divergence(mu, log_sigma), wanted, 1e-13)


def divergence_is_zero_at_the_prior(steps: int, latent: int) -> None:
    """In the network, a posterior of N(0, 1) costs nothing, for any T and z."""
    model = network(draw.Config(height=4, width=4, read=2, write=2, hidden=3, steps=steps, latent=latent))
    with torch.no_grad():
        model.posterior.weight.zero_()
        model.posterior.bias.zero_()
    x, _ = images(model.config)
    assert torch.equal(model(x).kl, torch.zeros(steps, 3, dtype=torch.float64))
    assert torch.equal(model.losses(x).kl, torch.zeros(steps, 3, dtype=torch.float64))


def likelihood_is_that_of_distributions() -> None:
    """It is tested for logits up to 120, where log(p + 1e-8) stops at 18.4 nats."""
    logits, ink = 40 * normal(5, 2, 1, 3, 3), normal(2, 1, 3, 3, seed=1) > 0
    logits[0, 0, 0, 0] = torch.tensor([120.0, -120.0, 0.0])
    wanted = -Bernoulli(logits=logits).log_prob(ink.double().expand_as(logits)).sum((-3, -2, -1))
    close(draw.negative_log_likelihood(logits, ink.double()), wanted, 1e-13)
    one = torch.tensor([[[[120.0]]]], dtype=torch.float64)
    close(draw.negative_log_likelihood(one, 0 * one), [120.0], 1e-15)


# a pass


def noise_is_fresh_at_every_step(config: draw.Config) -> None:
    """(z - mu) / sigma, over all steps, is one sample of [T, B, latent]: no two steps share a number."""
    x, labels = images(config)
    trace = network(config)(x, labels=labels, generator=torch.Generator().manual_seed(5))
    noise = (trace.z - trace.mu) / trace.sigma
    wanted = torch.randn(noise.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    close(noise, wanted, 1e-12)
    flat = noise.detach().flatten()
    assert (flat[:, None] - flat).abs().fill_diagonal_(1).min() > 1e-9


def gradients_are_plain_autograds(reference, config: draw.Config) -> None:
    """This is the gradient of nll + 2 KL with respect to every weight and the image."""
    model, (x, labels) = network(config), images(config)
    noise = torch.randn(
        config.steps, len(x), config.latent, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    )
    weights, x = dict(model.named_parameters()), x.requires_grad_()
    losses = model.losses(x, labels=labels, generator=torch.Generator().manual_seed(5))
    got = torch.autograd.grad((losses.nll + 2 * losses.kl.sum(0)).sum(), [*weights.values(), x])
    found = reference.run(config, {"canvas": model.canvas, **weights}, x, noise, labels)
    wanted = torch.autograd.grad((found["nll"][-1] + 2 * found["kl"].sum(0)).sum(), [*weights.values(), x])
    for left, right in zip(got, wanted, strict=True):
        close(left, right, 1e-10)


def tiny() -> tuple[draw.DRAW, torch.Tensor]:
    """One latent, one step, 2 x 2 pixels, and q near N(.8, 1.1^2), wide enough for finite weights."""
    model = network(draw.Config(height=2, width=2, steps=1, hidden=4, latent=1, read=1, write=2), scale=1.0)
    with torch.no_grad():
        model.posterior.weight.mul_(0.1)
        model.posterior.bias.copy_(torch.tensor([0.8, 0.1]))
        model.stroke.weight.mul_(2)
    return model, torch.tensor([[[[1.0, 0], [0, 1]]]], dtype=torch.float64)


def moments_by_quadrature(model: draw.DRAW, x: torch.Tensor, nodes: int = 100) -> tuple[float, float, float]:
    """Return log p(x), E_q[log w] and Var_q(w) / p(x)^2 for one latent and one step, by Gauss-Hermite quadrature.

    p(x | z) comes from `generate`, q from the pass, and w = p(x | z) p(z) / q(z).
    """
    at, weight = (torch.from_numpy(each) for each in numpy.polynomial.hermite_e.hermegauss(nodes))
    weight = weight / weight.sum()

    def joint(z: torch.Tensor) -> torch.Tensor:
        canvas = model.generate(len(z), z=z[None, :, None]).canvas[-1]
        return Bernoulli(logits=canvas).log_prob(x.expand_as(canvas)).sum((1, 2, 3))

    with torch.no_grad():
        trace = model(x)
        q = Normal(trace.mu.item(), trace.sigma.item())
        log_p = (joint(at) + weight.log()).logsumexp(0)
        z = q.mean + q.stddev * at
        log_w = joint(z) + Normal(0.0, 1.0).log_prob(z) - q.log_prob(z)
        second = (weight * (2 * (log_w - log_p)).exp()).sum()
        return log_p.item(), (weight * log_w).sum().item(), second.item() - 1


def bound_is_that_of_quadrature(n: int = 20_000) -> None:
    model, x = tiny()
    log_p, bound, _ = moments_by_quadrature(model, x)
    with torch.no_grad():
        found = -model.losses(x.expand(n, -1, -1, -1), generator=torch.Generator().manual_seed(0)).bound
    assert abs(found.mean() - bound) < 4 * found.std() / n**0.5
    assert found.mean() + 4 * found.std() / n**0.5 < log_p

"""A test of the tests: each check fails when labkit has the error that it should detect, often a published one."""

import math

import pytest
import torch

from labkit import draw
from labkit.draw import attention, likelihood, network, trace
from labkit.draw.fast import lstm, windows


def _one_noise_for_all_steps():
    """The error of ericjang's program, draw.md 3.1."""
    right = draw.DRAW._noise
    return [(draw.DRAW, "_noise", lambda self, x, generator: right(self, x, generator)[:1].expand(*_shape(self, x)))]


def _shape(model, x):
    return model.config.steps, len(x), model.config.latent


def _kl_constant(wrong):
    """Another number instead of the - 1 of every latent: 3.2."""

    def divergence(mu, log_sigma):
        return 0.5 * (mu * mu + (2 * log_sigma).exp() - 2 * log_sigma).sum(-1) - wrong(mu.shape[-1])

    return lambda: [(owner, "divergence", divergence) for owner in (draw, trace, network)]


def _kl_of_log_variance():
    """log sigma used as log sigma^2."""

    def divergence(mu, log_sigma):
        return 0.5 * (mu * mu + log_sigma.exp() - 1 - log_sigma).sum(-1)

    return [(owner, "divergence", divergence) for owner in (draw, trace, network)]


def _grid_off_by(pixels: float, strides: float):
    """Half a pixel as in jbornschein's program, or half a stride as in programs like ericjang's: 3.3."""
    right = attention.centres

    def centres(window, n):
        return tuple(each + pixels + strides * window.stride[..., None] for each in right(window, n))

    fast = windows._centres

    def in_one(found, n):
        return fast(found, n) + pixels + strides * found[:, 3, None, None]

    return lambda: [(attention, "centres", centres), (windows, "_centres", in_one)]


def _filters_over_sum_plus_eps():
    """The error of 3.4."""

    def filters(mu, sigma, pixels):
        away = torch.arange(pixels, dtype=mu.dtype) - mu[..., None]
        value = torch.exp(-0.5 * (away / sigma[..., None, None]) ** 2)
        return value / (value.sum(-1, keepdim=True) + 1e-8)

    return [(attention, "_filters", filters)]


def _stride_of_the_height():
    right = attention.window

    def window(raw, n, height, width):
        found = right(raw, n, height, width)
        return found._replace(stride=found.stride * (height - 1) / (max(height, width) - 1))

    return [(attention, "window", window)]


def _axes_exchanged():
    right = attention.window

    def window(raw, n, height, width):
        return right(raw[..., [1, 0, 2, 3, 4]], n, height, width)

    return [(attention, "window", window), *_in_fast(lambda found: found[:, [1, 0, 2, 3, 4]])]


def _in_fast(wrong):
    """The same mistake in the network's own window code: (g_Y, g_X, sigma, delta, gamma) (b, 5)."""
    right = windows._numbers

    def numbers(*given):
        found, slope = right(*given)
        return wrong(found), slope

    return [(windows, "_numbers", numbers)]


def _operation(name, wrong):
    """Return a network with another operation of that name."""
    return [(draw.DRAW, "operations", draw.DRAW.operations._replace(**{name: wrong}))]


def _variance_for_sigma():
    right = attention.window

    def window(*given):
        found = right(*given)
        return found._replace(sigma=found.sigma**2)

    power = torch.tensor([1.0, 1, 2, 1, 1])
    return [
        (attention, "window", window),
        *_in_fast(lambda found: torch.where(power == 2, found**2, found)),
    ]


def _intensity_multiplies_the_write():
    right = attention.write

    def write(patch, window, height, width):
        return right(patch * window.intensity[..., None, None, None] ** 2, window, height, width)

    once = windows.lay

    def lay(canvas, patch, asked):
        return once(canvas, patch * asked[:, 4, None, None, None].clamp(*attention.LOG_INTENSITY).exp() ** 2, asked)

    return [(attention, "write", write), *_operation("lay", lay)]


def _log_of_p_plus_eps():
    """The error of 3.5."""

    def nll(logits, x):
        p = logits.sigmoid()
        return -(x * (p + 1e-8).log() + (1 - x) * (1 - p + 1e-8).log()).sum((-3, -2, -1))

    return [(owner, "negative_log_likelihood", nll) for owner in (draw, trace, network, likelihood)]


def _gradient_of_the_first_step_alone():
    right = lstm._flows_back

    def flows_back(*given):
        return right(*given[:-1], None)

    return [(lstm, "_flows_back", flows_back)]


def _no_error_image():
    right = windows.look

    def look(x, canvas, asked, n):
        seen = right(x, canvas, asked, n)
        return torch.cat([seen[:, : x.shape[1]]] * 2, 1)

    return _operation("look", look)


MUTANTS = {
    "one noise for all steps": (_one_noise_for_all_steps, ["noise"]),
    "KL constant T / 2 for T z / 2": (_kl_constant(lambda z: 0.5), ["kl", "kl at the prior"]),
    "KL constant left out": (_kl_constant(lambda z: 0.0), ["kl", "kl at the prior", "bound"]),
    "KL of log variance": (_kl_of_log_variance, ["kl"]),
    "grid half a pixel off": (_grid_off_by(0.5, 0), ["centres", "mirror", "paper", "identity", "gradients"]),
    "grid half a stride off": (_grid_off_by(0, 0.5), ["centres", "mirror", "paper", "identity", "gradients"]),
    "filters over sum + eps": (_filters_over_sum_plus_eps, ["rows", "paper"]),
    "stride of the height": (_stride_of_the_height, ["paper"]),
    "axes exchanged": (_axes_exchanged, ["mirror", "paper", "gradients"]),
    "variance for sigma": (_variance_for_sigma, ["paper", "gradients"]),
    "intensity multiplies the write": (_intensity_multiplies_the_write, ["adjoint", "paper", "gradients"]),
    "log(p + 1e-8)": (_log_of_p_plus_eps, ["nll"]),
    "gradient of the first step alone": (_gradient_of_the_first_step_alone, ["gradients"]),
    "no error image": (_no_error_image, ["gradients"]),
}


@pytest.fixture
def named(checks, reference, configs):
    return {
        "noise": lambda: checks.noise_is_fresh_at_every_step(configs["attention"]),
        "kl": checks.divergence_is_that_of_distributions,
        "kl at the prior": lambda: checks.divergence_is_zero_at_the_prior(4, 2),
        "bound": checks.bound_is_that_of_quadrature,
        "centres": checks.centres_of_zeros_are_symmetric,
        "mirror": checks.mirrored_image_is_read_mirrored,
        "rows": lambda: checks.rows_sum_to_one_with_finite_gradients(2, torch.float64),
        "paper": lambda: checks.windows_are_the_papers(reference, 3, 6, 9, 2),
        "identity": checks.a_whole_narrow_window_is_the_identity,
        "adjoint": lambda: checks.read_and_write_are_adjoint(math.log(2)),
        "nll": checks.likelihood_is_that_of_distributions,
        "gradients": lambda: checks.gradients_are_plain_autograds(reference, configs["attention"]),
    }


@pytest.mark.parametrize(("mutant", "check"), [(m, c) for m, (_, found_by) in MUTANTS.items() for c in found_by])
def test_the_check_fails_for_the_mutant(named, monkeypatch, mutant, check):
    named[check]()  # the check passes before
    for owner, name, value in MUTANTS[mutant][0]():
        monkeypatch.setattr(owner, name, value)
    with pytest.raises(AssertionError):
        named[check]()


def test_a_mean_of_samples_does_not_detect_shared_noise(named, monkeypatch):
    """This is why the noise itself is checked: every single step has the right distribution, KL and gradient."""
    for owner, name, value in _one_noise_for_all_steps():
        monkeypatch.setattr(owner, name, value)
    named["kl"]()
    named["bound"]()

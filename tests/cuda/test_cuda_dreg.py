"""DReG on a pretended GPU: laboratories and VAEs stay on their device and rarely wait."""

import copy
from functools import partial

import pytest
import torch

import labkit
from labkit import dreg
from labkit.dreg import gaussian, laboratory, passes, replicates, sequential, watching
from labkit.dreg.fast import gradients as fast

pytestmark = pytest.mark.slow  # every operation goes through Python twice

NAMES = tuple(name for name in dreg.ESTIMATORS if name != "dreg-cv")  # its control variates are trained, not sampled
SIZES = (1, 2, 4, 32)


def seeded(device: str = "cuda") -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


def measured(device: str, steps: int = 2) -> laboratory.State:
    toy, generator = gaussian.instance(3, device=device), seeded(device)
    state = laboratory.start(toy, NAMES, SIZES)
    for _ in range(steps):
        state = laboratory.step(state, toy, generator=generator, replicates=5)
    return state


def test_the_laboratory_gives_the_numbers_of_the_cpu(ledger):
    ours, expected = measured("cuda"), measured("cpu")
    for name in ("variance", "snr", "bias", "mean_squared_error", "direction_snr"):
        torch.testing.assert_close(getattr(ours, name).cpu(), getattr(expected, name), equal_nan=True)
    for one, other in zip(
        (*ours.bias_test(), *ours.bias_t()), (*expected.bias_test(), *expected.bias_t()), strict=True
    ):
        torch.testing.assert_close(one.cpu(), other, equal_nan=True)


def test_a_step_of_the_laboratory_waits_once(ledger):
    """The one wait is the check that the pooled log-weights are finite, before a tail is fitted to them."""
    toy, generator = gaussian.instance(3, device="cuda"), seeded()
    state = laboratory.step(laboratory.start(toy, NAMES, SIZES), toy, generator=generator, replicates=5)
    ledger.clear()
    laboratory.step(state, toy, generator=generator, replicates=5)
    assert ledger.count() <= 1, ledger.table()


def judged(device: str) -> sequential.State:
    toy, generator = gaussian.instance(3, device=device), seeded(device)
    state = sequential.start(toy, "stl", 4)
    for _ in range(6):
        state = sequential.step(state, toy, generator=generator, replicates=8)
    return state


def test_the_sequential_test_of_a_bias_decides_as_on_the_cpu(ledger):
    ours, expected = judged("cuda"), judged("cpu")
    for name in ("log_e", "low", "high", "norm", "scatter", "t2"):
        assert getattr(ours, name) == pytest.approx(getattr(expected, name), rel=1e-9)


@pytest.fixture(scope="module")
def network() -> dreg.VAE:
    torch.manual_seed(0)
    return dreg.VAE(dreg.Config(height=8, width=8, latent=(4,), hidden=(8,)))


@pytest.fixture
def model(ledger, network):
    return copy.deepcopy(network).to("cuda")


@pytest.fixture
def x(ledger):
    return torch.rand(3, 1, 8, 8, generator=seeded("cpu")).to("cuda")


def test_every_estimator_needs_nothing_from_the_host(ledger, model, x):
    generator = seeded()
    ledger.clear()
    with ledger.capture():
        found = passes.run(model, x, 8, generator=generator)
        gradients = fast.inference_gradients(model, found, NAMES)
    assert set(gradients) == set(NAMES) and ledger.count() == 0


def test_likelihood_active_units_and_samples_wait_at_most_once(ledger, model, x):
    calls = {
        "likelihood": partial(passes.log_likelihood, model, x, 8, generator=seeded()),
        "active units": partial(passes.active_units, model, x),
        "samples": partial(model.generate, 2, generator=seeded()),
    }
    for name, call in calls.items():
        ledger.clear()
        assert call().is_cuda
        assert ledger.count() <= 1, f"{name}\n{ledger.table()}"


def test_gradient_noise_is_measured_on_the_device(ledger, model, x):
    state = replicates.start(model, len(x), NAMES, (1, 4, 8))
    for _ in range(2):
        state = replicates.step(state, model.requires_grad_(False), x, generator=seeded(), replicates=2)
    assert state.variance.is_cuda and state.snr.is_cuda


def test_gradients_along_a_trajectory_are_measured_on_the_device(ledger, model, x):
    *_, state = watching.watch(model, [x, x], ("iwae", "dreg"), 4, generator=seeded())
    assert state.monte_carlo.is_cuda and state.minibatch.is_cuda


def test_the_shipped_vae_runs(ledger):
    model = labkit.load_checkpoint("vae-mnist").to("cuda")
    assert model.generate(2, generator=seeded()).shape == (2, 1, 28, 28)

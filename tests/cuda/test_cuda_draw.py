"""DRAW on a pretended GPU: the shipped networks, their latents and their likelihood stay on their device."""

import pytest
import torch

import labkit
from labkit import draw
from labkit.draw import latents

pytestmark = pytest.mark.slow  # every operation goes through Python twice

NETWORKS = ("draw-small", "draw-small-full", "draw-small-labels", "draw-digits")


def seeded(device: str = "cuda") -> torch.Generator:
    return torch.Generator(device).manual_seed(0)


def drawn(name: str, device: str) -> tuple[draw.DRAW, torch.Tensor, torch.Tensor | None]:
    """A shipped network, two images of its size, and their labels if it needs labels."""
    model = labkit.load_checkpoint(name).to(device)
    c = model.config
    x = torch.rand(2, c.channels, c.height, c.width, generator=seeded("cpu")).to(device)
    return model, x, torch.tensor([3, 8], device=device) if c.classes else None


@pytest.mark.parametrize("name", NETWORKS)
def test_a_shipped_network_draws_and_reads_as_on_the_cpu(ledger, name):
    traces = {}
    for device in ("cpu", "cuda"):
        model, x, labels = drawn(name, device)
        made = model.generate(2, labels=labels, generator=seeded(device))
        traces[device] = made, model(x, labels=labels, generator=seeded(device))
    for ours, expected in zip(traces["cuda"], traces["cpu"], strict=True):
        torch.testing.assert_close(ours.canvas.cpu(), expected.canvas, rtol=1e-3, atol=1e-3)
    assert traces["cuda"][1].bound.is_cuda


def test_drawing_never_waits_and_reading_waits_once(ledger):
    """The one wait is the check that the pixels lie in [0, 1]."""
    model, x, labels = drawn("draw-digits", "cuda")
    for call, most in (
        (lambda: model.generate(2, generator=seeded()), 0),
        (lambda: model(x, generator=seeded()), 1),
        (lambda: draw.log_likelihood(model, x, 4, generator=seeded()), 1),
    ):
        call()  # constants of these sizes are copied to the device once
        ledger.clear()
        call()
        assert ledger.count() <= most, ledger.table()


def test_latents_are_resampled_and_moved_on_the_device(ledger):
    model, x, _ = drawn("draw-digits", "cuda")
    with torch.no_grad():
        z = model(x, generator=seeded()).z
    noise = torch.randn(z.shape, generator=seeded(), device="cuda")
    share = torch.full(z.shape[:-1], 0.5, device="cuda")
    for moved in (latents.resample(z, 3, noise), latents.slerp(z, noise, share)):
        assert moved.shape == z.shape and model.generate(2, z=moved).canvas.is_cuda
    assert latents.spread(model, z[:, :1], noise).is_cuda
    assert latents.slopes(model, z[:, :1], 2).is_cuda

"""Training steps on a pretended GPU: the numbers are the CPU's, and a CUDA graph could be captured."""

from dataclasses import replace

import pytest
import torch

from labkit import draw, dreg
from labkit.draw.task import Task as DrawTask
from labkit.dreg.task import Task as VAETask
from labkit.training import Settings
from labkit.training.step import Step

pytestmark = pytest.mark.slow  # every operation goes through Python twice

BATCH = 4
SMALL = draw.Config(height=8, width=8, steps=3, hidden=16, latent=4, read=2, write=3)
NETWORKS = {
    "windows": (SMALL, "stochastic"),
    "no windows": (replace(SMALL, read=None, write=None), "stochastic"),
    "classes": (replace(SMALL, classes=3), "stochastic"),
    "learned canvas": (replace(SMALL, canvas="learned"), "stochastic"),
    "grey": (SMALL, "grey"),
    "colour": (replace(SMALL, channels=3), "fixed"),
}


class Fabric:
    """The part of Lightning Fabric that a step uses, without its search for a real GPU."""

    world_size, global_rank = 1, 0

    def __init__(self, device: str, precision: str):
        self.device, self.precision = torch.device(device), precision

    def setup_module(self, module: torch.nn.Module):
        module.to(self.device)

        def forward(*arguments):
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
                return module(*arguments)

        return forward

    def backward(self, loss: torch.Tensor) -> None:
        loss.backward()


def images(channels: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2 * BATCH, channels, 8, 8), dtype=torch.uint8, generator=generator)
    return pixels, torch.arange(2 * BATCH) % 3


def advanced(make, device: str, data, **settings) -> Step:
    """A step of the task that has already been taken twice."""
    chosen = Settings(batch_size=BATCH, schedule="constant", **settings)
    torch.manual_seed(0)
    step = Step(Fabric(device, chosen.precision), make(), chosen, tuple(part.to(device) for part in data))
    for number in range(2):
        step.prepare(torch.arange(BATCH, device=device) + number, number, 10)
        step.advance()
    return step


def check(ledger, make, data, **settings) -> None:
    """The warm step needs nothing from the host, gives the CPU's weights, and could be captured."""
    expected = advanced(make, "cpu", data, **settings).task.module
    ledger.clear()
    step = advanced(make, "cuda", data, **settings)
    rounding = 0.02 if settings.get("precision") == "bf16" else 1e-5
    for name, weight in step.task.module.state_dict().items():
        assert weight.is_cuda
        torch.testing.assert_close(weight.cpu(), expected.state_dict()[name], rtol=rounding, atol=rounding, msg=name)
    ledger.clear()
    step.prepare(torch.arange(BATCH, device="cuda"), 2, 10)
    with ledger.capture():
        step.advance()
    assert ledger.count() == 0, ledger.table()
    step.read()  # the sums and the counts
    assert ledger.count() == 2, ledger.table()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_of_draw_could_be_captured(ledger, name):
    config, binarize = NETWORKS[name]
    check(ledger, lambda: DrawTask(draw.DRAW(config), binarize), images(config.channels))


def test_a_training_step_of_draw_in_bfloat16_could_be_captured(ledger):
    check(ledger, lambda: DrawTask(draw.DRAW(SMALL)), images(), precision="bf16")


def test_a_clipped_step_with_a_warm_up_could_be_captured(ledger):
    check(ledger, lambda: DrawTask(draw.DRAW(SMALL)), images(), clip=0.1, warmup=5, ema=0.9)


@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_a_training_step_of_a_vae_could_be_captured(ledger, name):
    config = dreg.Config(height=8, width=8, latent=(4,), hidden=(8,), controls=name == "dreg-cv")
    check(ledger, lambda: VAETask(dreg.VAE(config), name, 4), images()[:1])


def test_a_training_step_of_a_vae_with_two_layers_could_be_captured(ledger):
    config = dreg.Config(height=8, width=8, latent=(6, 4), hidden=(8, 8))
    check(ledger, lambda: VAETask(dreg.VAE(config), "dreg", 3), images()[:1])


def test_a_task_that_reads_a_number_back_is_detected(ledger, tool):
    """The negative control: one `.item()` in the loss."""

    class Reading(DrawTask):
        def loss(self, *arguments):
            found = super().loss(*arguments)
            return {**found, "loss": found["loss"] * (1 if found["bound"].item() > 0 else 2)}

    with pytest.raises(tool.CaptureError, match="sync"):
        check(ledger, lambda: Reading(draw.DRAW(SMALL)), images())

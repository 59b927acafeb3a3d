"""The tabs of /draw and /dreg on a pretended GPU: they compute there and keep their states in main memory."""

import dataclasses

import pytest
import torch
from torch import nn

import labkit
from labkit.data import load
from labkit.experiments.draw.attention import AttentionSettings
from labkit.experiments.draw.generate import GenerateSettings
from labkit.experiments.draw.images import printed
from labkit.experiments.draw.latents import InterpolateSettings, ResampleSettings, TraverseSettings
from labkit.experiments.draw.learn import LearnSettings
from labkit.experiments.draw.read import ReadSettings
from labkit.experiments.dreg import (
    AlphaSettings,
    BiasSettings,
    MicroscopeSettings,
    NetworkSettings,
    RaceSettings,
    VarianceSettings,
)


def of_network(make, name="draw-digits"):
    """device -> settings of a tab about an available shipped network."""

    def made(device):
        model = labkit.load_checkpoint(name).to(device)
        return make(model, printed(model.config))

    return made


def learner(model, _digits):
    return LearnSettings(model, *(load("digits", split)[0][:120] for split in ("train", "test")), batch=4)


SETTINGS = {
    "generate": of_network(lambda model, _: GenerateSettings(model, n=2)),
    "generate classes": of_network(lambda model, _: GenerateSettings(model, n=2), "draw-small-labels"),
    "read": of_network(lambda model, digits: ReadSettings(model, digits[3])),
    "read classes": of_network(lambda model, digits: ReadSettings(model, digits[3], label=3), "draw-small-labels"),
    "resample": of_network(lambda model, _: ResampleSettings(model, n=3)),
    "change": of_network(lambda model, _: TraverseSettings(model, i=2)),
    "interpolate": of_network(lambda model, digits: InterpolateSettings(model, digits, a=3, n=3)),
    "attention": of_network(lambda model, digits: AttentionSettings(model, digits[5])),
    "learn": of_network(learner),
    "variance": lambda device: VarianceSettings((2, 4), 8, device=device, dim=3),
    "microscope": lambda device: MicroscopeSettings(device=device),
    "bias meter": lambda device: BiasSettings(device=device, dim=3),
    "alpha dial": lambda device: AlphaSettings(device=device, dim=3, k=4),
    "race": lambda device: RaceSettings(device=device, estimators=["dreg"], k=2, batch=4),
    "network": lambda device: NetworkSettings({"vae-mnist": "vae-mnist"}, (2, 4), device=device, estimators=["dreg"]),
}


def tensors(value):
    """Every tensor of a state; weights stay on the device of the network."""
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, tuple):
        return [tensor for each in value for tensor in tensors(each)]
    if dataclasses.is_dataclass(value) and not isinstance(value, nn.Module):
        kept = [field.name for field in dataclasses.fields(value) if field.name not in ("trained", "subject")]
        return [tensor for name in kept for tensor in tensors(getattr(value, name))]
    return []


@pytest.mark.slow
@pytest.mark.parametrize("name", SETTINGS)
def test_a_tab_shows_the_same_on_a_gpu_and_computes_there(ledger, monkeypatch, name):
    monkeypatch.setattr("time.thread_time", lambda: 0.0)  # a race shows the seconds of its lanes
    found = {}
    for device in ("cpu", "cuda"):
        operations = ledger.operations
        settings = SETTINGS[name](device)
        state = settings.start()
        for _ in range(2):
            state = settings.step(state)
        found[device] = tensors(state)
        assert (ledger.operations > operations) == (device == "cuda")
    assert found["cpu"] and not any(each.is_cuda for each in found["cuda"])
    for ours, expected in zip(found["cuda"], found["cpu"], strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-3, equal_nan=True)

"""The experiments with z: kept steps stay equal, states hold the measured numbers, and rows end at their two images."""

import numpy as np
import pytest
import torch

from labkit.experiments.draw.drawing import REST
from labkit.experiments.draw.images import printed
from labkit.experiments.draw.latents import (
    EXPERIMENTS,
    VALUES,
    InterpolateSettings,
    LatentsSettings,
    ResampleSettings,
    TraverseSettings,
)
from labkit.experiments.links import set_tab


@pytest.fixture
def model(draw_for_latents):
    return draw_for_latents


def image(model, z):
    """The finished images of z."""
    labels = torch.full((z.shape[1],), 1) if model.config.classes else None
    with torch.no_grad():
        return model.generate(z.shape[1], z=z, labels=labels).images[-1]


# resampled


def test_all_images_of_a_sheet_share_the_canvases_before_t(model):
    settings = ResampleSettings(model, n=5, t=2)
    state = settings.start()
    original = settings.drawn(settings.noise(1, 0)).canvas
    assert torch.equal(state.trace.z[:1], settings.noise(1, 0)[:1].expand(-1, 5, -1))
    assert torch.allclose(state.trace.canvas[:1], original[:1].expand(-1, 5, -1, -1, -1), atol=1e-6)
    # the first image equals the original until the end
    assert torch.allclose(state.trace.canvas[:, :1], original, atol=1e-6)
    assert not torch.allclose(state.trace.canvas[1, 0], state.trace.canvas[1, 1], atol=1e-4)


def test_the_spread_at_t_is_the_mean_standard_deviation_of_these_images(model):
    settings = ResampleSettings(model, n=5)
    for t in range(1, model.config.steps + 2):
        settings.t = t
        state = settings.start()
        assert np.allclose(state.spread[t - 1], state.trace.images[-1].std(0).mean().item(), atol=1e-6)
        assert np.allclose(state.deviation.mean().item(), state.spread[t - 1], atol=1e-6)
    assert state.deviation.max() < 1e-6 and len(state.spread) == model.config.steps + 1


def test_every_sheet_has_new_images_with_the_same_first_steps(model):
    settings = ResampleSettings(model, n=4, t=2, seed=5)
    first, second = settings.sheet(0), settings.sheet(1)
    assert torch.equal(first.trace.z[:1], second.trace.z[:1]) and torch.equal(first.trace.z[:, 0], second.trace.z[:, 0])
    assert not torch.equal(first.trace.z[1:, 1:], second.trace.z[1:, 1:])
    assert not torch.equal(first.spread, second.spread)
    assert torch.equal(settings.sheet(0).trace.z, first.trace.z)
    assert not torch.equal(ResampleSettings(model, n=4, seed=6).sheet(0).trace.z[:, 0], first.trace.z[:, 0])


# one number


def test_one_number_takes_the_values_and_all_others_stay(model):
    settings = TraverseSettings(model, t=2, i=2)
    state, original = settings.start(), settings.noise(1, 0)
    assert torch.equal(state.trace.z[1, :, 1], VALUES) and VALUES[len(VALUES) // 2] == 0
    other = state.trace.z.clone()
    other[1, :, 1] = original[1, 0, 1]
    assert torch.equal(other, original.expand_as(other))
    own = float(original[1, 0, 1])
    assert state.marked == min(range(len(VALUES)), key=lambda k: abs(float(VALUES[k]) - own))


def test_the_first_choice_is_the_number_of_z_that_changes_the_image_most(model):
    state = TraverseSettings(model).start()
    assert state.effects.argmax() == state.coordinate - 1
    assert torch.allclose(state.effects[0], state.slopes[0].abs().mean())


# between two


def test_the_ends_of_the_row_are_the_two_images(model):
    """Once with two images from noise, and once with a digit that the network read and drew."""
    settings = InterpolateSettings(model, printed(model.config), n=5, a=3, label=1)
    state = settings.start()
    labels = torch.tensor([1]) if model.config.classes else None
    source = torch.Generator().manual_seed(0)
    read = model(printed(model.config)[3:4], labels=labels, generator=source)
    noise = settings.noise(1, 1)
    assert torch.equal(state.trace.z[:, :1], read.z) and torch.equal(state.trace.z[:, -1:], noise)
    assert torch.allclose(state.trace.canvas[:, :1], read.canvas, atol=1e-5)
    assert torch.allclose(state.trace.images[-1, -1:], image(model, noise), atol=1e-6)
    assert not torch.equal(settings.end(-1, 0), settings.end(-1, 1))  # two ends from noise are two different images


def test_lengths_are_norms_of_the_whole_z_in_both_modes(model):
    state = InterpolateSettings(model, printed(model.config), n=3, b=7).start()
    a, b = (state.trace.z[:, k].flatten().double() for k in (0, -1))
    assert torch.allclose(state.turned.double(), state.trace.z.double().pow(2).sum((0, 2)).sqrt())
    assert torch.allclose(state.straight.double(), torch.stack([a, (a + b) / 2, b]).norm(dim=1))


# the settings


def test_settings_that_the_network_lacks_are_refused(model):
    steps, latent = model.config.steps, model.config.latent
    resample, traverse = ResampleSettings(model), TraverseSettings(model)
    resample.t, traverse.t, traverse.i = steps + 1, steps, latent
    for settings, name, value in ((resample, "t", steps + 2), (traverse, "t", steps + 1), (traverse, "i", latent + 1)):
        with pytest.raises(ValueError, match="must be at most"):
            setattr(settings, name, value)


@pytest.mark.parametrize(
    "make", [ResampleSettings, TraverseSettings, lambda model: InterpolateSettings(model, printed(model.config))]
)
def test_a_sheet_starts_finished_and_is_drawn_again(model, make):
    settings = make(model)
    state, shown = settings.start(), []
    for _ in range(REST + model.config.steps + 1):
        shown.append(state.shown)
        state = settings.step(state)
    assert shown == [model.config.steps] * REST + list(range(model.config.steps + 1))
    assert state.t == len(shown)


def test_the_tabs_settings_run_the_chosen_experiment_and_make_each_once(model):
    settings, first = LatentsSettings(model), {}
    for name in [*EXPERIMENTS, *EXPERIMENTS]:
        settings.experiment = name
        chosen = first.setdefault(name, settings.chosen)
        assert settings.chosen is chosen and type(chosen) is EXPERIMENTS[name]
        assert torch.equal(settings.start().trace.z, chosen.start().trace.z)
        assert settings.step(settings.start()).t == 1


def test_a_tab_that_is_set_without_a_number_of_z_has_the_one_with_the_largest_effect(model):
    settings = TraverseSettings(model)
    strongest = 1 + int(settings.sheet(0).effects.argmax())
    settings.i = strongest % model.config.latent + 1
    assert set_tab(settings, {"seed": 0}) == ([], {}) and settings.i == strongest

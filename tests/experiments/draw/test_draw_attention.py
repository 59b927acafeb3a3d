"""The attention lab: a window reads and writes by the equations of the filter bank."""

import pytest
import torch

from labkit import draw
from labkit.experiments.draw.attention import AttentionSettings
from labkit.experiments.draw.images import printed


@pytest.fixture(scope="module")
def model():
    """A network of the size of MNIST; its weights do not matter in these tests."""
    return draw.DRAW(draw.Config(steps=1, hidden=2, latent=1))


def test_one_narrow_filter_reads_the_pixel_at_its_centre_and_writes_only_that_pixel(model):
    image = printed(model.config)[5]
    state = AttentionSettings(model, image, n=1, center_x=12.0, center_y=9.0, sigma=0.05).start()
    assert torch.allclose(state.patch[0, 0, 0], image[0, 9, 12], atol=1e-6)
    assert torch.allclose(state.back.sum(), image[0, 9, 12], atol=1e-5)


def test_intensity_multiplies_the_reading_and_not_the_writing(model):
    image = printed(model.config)[2]
    one, three = AttentionSettings(model, image).start(), AttentionSettings(model, image, intensity=3.0).start()
    assert torch.allclose(three.patch, 3 * one.patch, rtol=1e-5)
    assert torch.allclose(three.back, one.back, atol=1e-6)


def test_the_window_starts_in_the_middle_of_a_printed_3_and_spans_it():
    config = draw.Config(height=10, width=14, steps=1, hidden=2, latent=1)
    settings = AttentionSettings(draw.DRAW(config))
    assert (settings.center_x, settings.center_y, settings.stride) == (6.5, 4.5, 2.0)
    assert torch.equal(settings.start().image, printed(config)[3])


def test_a_step_depends_on_the_settings_and_not_on_the_previous_state(model):
    settings = AttentionSettings(model)
    before = settings.start()
    settings.center_x = 3.0
    assert settings.step(before).window.center_x.item() == 3.0 and before.window.center_x.item() == 13.5

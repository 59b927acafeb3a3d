"""A reading: the same image repeatedly, with the class that the network is given."""

import pytest
import torch

from labkit.experiments.draw import images
from labkit.experiments.draw.drawing import REST
from labkit.experiments.draw.images import printed
from labkit.experiments.draw.read import ReadSettings
from labkit.experiments.links import chosen, set_all
from labkit.letters import packed


def test_a_reader_reads_its_image_repeatedly(model, image):
    reader = ReadSettings(model, image)
    state = reader.start()
    for _ in range(model.config.steps + REST + 1):
        state = reader.step(state)
    assert state.shown == 0 and torch.equal(state.trace.z, reader.start().trace.z)


def test_without_an_image_a_printed_3_is_read(model):
    assert torch.equal(ReadSettings(model).start().image[0], printed(model.config)[3])


def test_the_given_class_changes_how_an_image_is_drawn(with_classes):
    image = torch.rand(1, 10, 10, generator=torch.Generator().manual_seed(1))
    read = [ReadSettings(with_classes, image, label=k).start().trace for k in (1, 2)]
    assert not torch.equal(read[0].canvas, read[1].canvas)


def test_a_digit_chosen_by_the_reader_returns_with_the_setting_minus_one(model):
    """A lesson may show another digit in between."""
    settings, digits = ReadSettings(model), printed(model.config)
    settings.choose(5)
    settings.digit = 7
    assert torch.equal(settings.image, digits[7])
    settings.digit = -1
    assert torch.equal(settings.image, digits[5])


def test_an_own_image_sets_the_digit_to_minus_one(model, image):
    settings = ReadSettings(model)
    settings.image = image
    assert settings.digit == -1 and settings.start().image[0].numpy() == pytest.approx(image.numpy(), abs=0.5 / 255)


def test_an_image_given_at_first_is_the_one_in_its_link(model, image):
    settings = ReadSettings(model, image, digit=5)
    assert settings.digit == 5
    settings.digit = -1
    assert torch.equal(settings.image, images.decoded(settings.own, model.config))


def test_a_link_reads_an_own_image_again_and_refuses_one_of_another_network(model, image):
    settings, linked = ReadSettings(model), ReadSettings(model)
    settings.image = image
    seen = []
    linked.param.watch(lambda *_: seen.append(linked.image), ["digit", "own"])  # as a page does
    assert set_all(linked, chosen([settings])) == [] and torch.equal(seen[0], settings.image)
    assert torch.equal(linked.image, settings.image) and torch.equal(linked.start().trace.z, settings.start().trace.z)
    (refused,) = set_all(linked, {"own": packed(bytes(9))})
    assert "an image for this network" in refused and torch.equal(linked.image, settings.image)
    settings.choose(4)
    assert settings.own == ""


def test_an_image_of_28_x_28_pixels_always_fits_a_link_and_a_larger_one_has_no_code():
    noise = torch.rand(1, 28, 29, generator=torch.Generator().manual_seed(0))
    assert len(images.encoded(noise[..., :28])) < images.LONGEST and images.encoded(noise) == ""

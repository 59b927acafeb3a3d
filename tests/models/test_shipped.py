"""The networks that labkit ships: small files with a card that says the truth."""

import os
import re

import pytest
import torch

from labkit import models
from labkit.draw.task import Task

NAMES = models.shipped()
FEW = 500  # images


def card_of(name):
    return (models.HERE / f"{name}.md").read_text(encoding="utf-8")


def test_there_are_some_and_together_they_are_small():
    sizes = [(models.HERE / f"{name}.safetensors").stat().st_size for name in NAMES]
    assert NAMES and max(sizes) <= 4_000_000 and sum(sizes) <= 16_000_000


@pytest.mark.parametrize("name", NAMES)
def test_each_draws_and_has_a_card_of_itself(name):
    module, card = models.load_checkpoint(name), card_of(name)
    config = module.config
    labels = torch.arange(2) if config.classes else None
    with torch.no_grad():
        images = module.generate(2, labels=labels).images[-1]
    assert images.shape == (2, config.channels, config.height, config.width) and images.isfinite().all()
    for row in ("network", "data", "command", "steps, seed", "test bound", "weights", "trained"):
        assert f"| {row} |" in card
    assert float(models.card(name)["test_bound"]) == pytest.approx(float(bound_in(card)), abs=0.005)


@pytest.mark.skipif("LABKIT_DATA" not in os.environ, reason="LABKIT_DATA names no folder with the test images")
@pytest.mark.parametrize("name", NAMES)
def test_the_bound_of_a_card_is_that_of_the_first_test_images_within_their_spread(name):
    from labkit.cli.methods import images_of

    about = models.card(name)
    held = tuple(part[:FEW] for part in images_of(about["data"], "test", about["binarisation"]))
    module, generator, n = models.load_checkpoint(name), torch.Generator().manual_seed(1), len(held[0])
    x, labels = Task(module, about["binarisation"]).batch(held, torch.arange(n), generator)
    with torch.no_grad():
        bound = module.losses(x, labels=labels, generator=generator).bound
    # MNIST's first test images are not a random draw of them: four standard errors and two nats
    assert abs(bound.mean() - float(bound_in(card_of(name)))) < 4 * bound.std() / n**0.5 + 2


def bound_in(card):
    return re.search(r"test bound \| ([\d.]+) nats", card)[1]

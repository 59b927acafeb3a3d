"""The networks that labkit ships are small files, each with a correct card."""

import os
import re
import statistics

import pytest
import torch

from labkit import models

NAMES = models.shipped()
FEW = 500  # images


def card_of(name):
    return (models.HERE / f"{name}.md").read_text(encoding="utf-8")


def test_shipped_networks_exist_and_are_small():
    sizes = [(models.HERE / f"{name}.safetensors").stat().st_size for name in NAMES]
    assert NAMES and max(sizes) <= 4_000_000 and sum(sizes) <= 16_000_000


@pytest.mark.parametrize("name", NAMES)
def test_each_network_generates_images_and_has_a_card(name):
    module, card = models.load_checkpoint(name), card_of(name)
    config = module.config
    if models.card(name)["kind"] == "vae":
        images, channels = module.generate(2), 1
    else:
        with torch.no_grad():
            images = module.generate(2, labels=torch.arange(2) if config.classes else None).images[-1]
        channels = config.channels
    assert images.shape == (2, channels, config.height, config.width) and images.isfinite().all()
    for row in ("network", "data", "command", "steps, seed", "test bound", "weights", "training time"):
        assert f"| {row} |" in card
    assert float(models.card(name)["test_bound"]) == pytest.approx(float(bound_in(card)), abs=0.005)


@pytest.mark.skipif("LABKIT_DATA" not in os.environ, reason="LABKIT_DATA names no folder with the test images")
@pytest.mark.parametrize("name", NAMES)
def test_the_bound_of_a_card_agrees_with_some_test_images(name):
    from labkit.cli.images import find
    from labkit.cli.methods import METHODS

    about = models.card(name)
    images = find(about["data"], about["binarisation"]).split("test")
    held = tuple(
        part[:: max(1, len(part) // FEW)][:FEW] for part in images
    )  # the first ones are harder than the average
    module, generator = models.load_checkpoint(name), torch.Generator().manual_seed(1)
    task = METHODS[about["kind"]].test(module, about, about["binarisation"], about["data"])
    rows = torch.arange(len(held[0])).split(100)
    found = [task.evaluate(module, [task.batch(held, index, generator)], generator)["bound"] for index in rows]
    # each of 100 images, evenly spaced in an order that is not random: four standard errors and two nats
    assert abs(statistics.mean(found) - float(bound_in(card_of(name)))) < 4 * statistics.stdev(found) / 5**0.5 + 2


def bound_in(card):
    return re.search(r"test bound \| ([\d.]+) nats", card)[1]

"""Images to read: ten printed digits, and test images of the data sets that fit a network's size."""

import torch

from labkit import draw
from labkit.data import load
from labkit.experiments.draw import images
from labkit.experiments.draw.images import printed


def test_printed_digits_are_ten_different_images_with_ink():
    digits = printed(draw.Config())
    assert digits.shape == (10, 1, 28, 28) and (digits.flatten(1).max(1)[0] > 0.9).all()
    assert len({tuple(digit.flatten().tolist()) for digit in digits}) == 10


def test_a_button_says_what_the_images_of_a_data_set_are():
    assert images.described("omniglot") == (
        "Read a random test image of Omniglot (letters): handwritten letters of many alphabets"
    )
    assert images.described("mine") == "Read a random test image of mine"


def test_data_sets_of_the_networks_size_are_listed_and_images_are_random():
    small = draw.Config(height=8, width=8)
    assert images.data_sets(small) == ["digits"] and images.data_sets(draw.Config(height=9, width=8)) == []
    every, labels = load("digits", "test")
    seen, generator = set(), torch.Generator().manual_seed(0)
    for _ in range(20):
        image, known, words = images.random_image("digits", generator)
        i = int(words.split()[2])
        assert (
            torch.equal(image, every[i] / 255) and known == labels[i] and words.endswith(f"of 8 × 8 digits, a {known}")
        )
        seen.add(i)
    assert len(seen) > 10

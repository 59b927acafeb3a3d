"""The real files, if LABKIT_DATA has them, agree with the sets' own descriptions."""

import os
from pathlib import Path

import pytest

from labkit import data

FOLDER = Path(os.environ.get("LABKIT_DATA", "/nowhere"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path))


def needs(name):
    return pytest.mark.skipif(not (FOLDER / name).is_dir(), reason=f"LABKIT_DATA has no {name}: {FOLDER}")


@pytest.mark.slow
@needs("mnist")
def test_mnist_has_its_known_labels_and_mean():
    images, labels = data.load("mnist", "train")
    assert images.shape == (60000, 1, 28, 28) and labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert labels.bincount().tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert abs(images.float().mean().item() / 255 - 0.1307) < 5e-5  # the mean that most programs use for normalisation
    images, labels = data.load("mnist", "test")
    assert images.shape == (10000, 1, 28, 28) and labels[0] == 7
    assert labels.bincount().tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


@needs("binarized_mnist")
@pytest.mark.parametrize(("split", "n"), [("valid", 10000), ("test", 10000)])
def test_binarized_mnist_is_black_and_white_and_as_bright_as_mnist(split, n):
    images, labels = data.load("binarized_mnist", split)
    assert labels is None and images.shape == (n, 1, 28, 28) and images.unique().tolist() == [0, 255]
    assert abs(images.float().mean().item() / 255 - 0.1307) < 0.003


@needs("binarized_mnist")
@pytest.mark.slow
def test_the_training_split_of_binarized_mnist_loads_twice_alike():
    first, _ = data.load("binarized_mnist", "train")
    assert first.shape == (50000, 1, 28, 28) and data.load("binarized_mnist", "train")[0].equal(first)


@needs("omniglot")
def test_the_derived_omniglot_has_its_sizes_and_gives_a_warning():
    with pytest.warns(UserWarning, match="N = 19,280: images resized by labkit"):
        train, train_labels = data.load("omniglot", "train")
    with pytest.warns(UserWarning, match="N = 13,180"):
        test, test_labels = data.load("omniglot", "test")
    assert len(train) == 964 * 20 and len(test) == 659 * 20  # number of characters times 20 writers
    assert train_labels.unique().tolist() == list(range(30)) and test_labels.unique().tolist() == list(range(30, 50))


@needs("cifar10")
def test_the_first_images_of_cifar10_have_their_labels_and_give_a_warning():
    with pytest.warns(UserWarning, match="cifar10 train, N = 4,000: only the first images"):
        images, labels = data.load("cifar10", "train")
    assert images.shape == (4000, 3, 32, 32) and labels[:3].tolist() == [6, 9, 9]  # frog, truck, truck
    with pytest.warns(UserWarning, match="N = 1,000"):
        images, labels = data.load("cifar10", "test")
    assert len(images) == 1000 and labels[:4].tolist() == [3, 8, 8, 0]  # cat, ship, ship, airplane

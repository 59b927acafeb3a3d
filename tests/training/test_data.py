"""`fit` takes images as a tensor, as an array, or with labels; an error says what other data need."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import labkit
from labkit import training
from labkit.training.data import given

IMAGES = torch.randint(0, 256, (16, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def test_images_alone_and_arrays_train_like_a_tuple_of_tensors(toy, tmp_path):
    settings = replace(toy.SETTINGS, steps=3, epochs=1)

    def bounds(train, test, folder):
        return [record.bound for record in training.fit(toy.Task(), settings, folder, train, test)]

    wanted = bounds((IMAGES,), (IMAGES,), tmp_path / "tuple")
    assert wanted and bounds(IMAGES, IMAGES, tmp_path / "tensor") == wanted
    assert bounds(IMAGES.numpy(), IMAGES.numpy(), tmp_path / "array") == wanted
    assert bounds([IMAGES, np.arange(16)], None, tmp_path / "labels") == wanted


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (IMAGES.float() / 255, ValueError, r"train images must be uint8, got torch.float32; use \(255 \* x\).round"),
        (IMAGES.numpy().astype(np.int64), ValueError, "train images must be uint8, got torch.int64; use x.round"),
        (
            (IMAGES, torch.zeros(3)),
            ValueError,
            r"train must be tensors of one length >= 1, got \[\(16, 1, 4, 4\), \(3,\)\]",
        ),
        (IMAGES[:0], ValueError, "train must be tensors of one length >= 1"),
        ((), ValueError, "train must be tensors of one length >= 1"),
        ("mnist", TypeError, r"train must be tensors or arrays, got str; give images, or \(images, labels\)"),
        ((IMAGES, None), TypeError, "train must be tensors or arrays, got NoneType"),
    ],
)
def test_other_data_are_refused_with_what_training_needs(data, error, message, unchecked):
    with pytest.raises(error, match=message):
        given(data, "train")


def test_a_network_in_place_of_a_task_is_refused(toy, tmp_path, unchecked):
    with pytest.raises(
        TypeError, match=r"task must be a training.Task, got Net; use draw.Task\(network\) or dreg.Task"
    ):
        next(training.fit(toy.Task().module, toy.SETTINGS, tmp_path / "run", IMAGES))
    assert isinstance(toy.Task(), training.Task)


def test_the_tasks_of_both_methods_are_exported():
    assert labkit.draw.Task.kind == "draw" and labkit.dreg.Task.kind == "vae"

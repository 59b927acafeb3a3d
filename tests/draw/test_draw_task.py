"""DRAW's training task: its batches, its losses compared with the model's own trace, its test bound and its sheet."""

import pytest
import torch

from labkit.data.binarisation import fixed
from labkit.draw import DRAW, Config
from labkit.draw.task import Task

SMALL = {"height": 6, "width": 5, "steps": 3, "hidden": 8, "latent": 4, "read": 2, "write": 2}
EVERY = torch.arange(12)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def data():
    images = torch.randint(0, 256, (12, 1, 6, 5), dtype=torch.uint8, generator=seeded())
    return images, torch.arange(12) % 3


@pytest.fixture
def task():
    torch.manual_seed(0)
    return Task(DRAW(Config(**SMALL)), data="toy")


# batches


def test_stochastic_binarisation_samples_again_with_the_probability_of_the_grey(task, data):
    """The means of 4000 samples are within five standard errors of the grey level, and no two samples are equal."""
    generator = seeded()
    draws = torch.stack([task.batch(data, EVERY, generator)[0] for _ in range(4000)])
    assert set(draws.unique().tolist()) == {0.0, 1.0} and not torch.equal(draws[0], draws[1])
    p = data[0] / 255
    assert ((draws.mean(0) - p).abs() <= 5 * (p * (1 - p) / 4000).sqrt() + 1e-6).all()


def test_grey_images_stay_grey(data):
    x, labels = Task(DRAW(Config(**SMALL)), "grey").batch(data, torch.tensor([3, 1]), seeded())
    assert torch.equal(x, data[0][[3, 1]] / 255) and labels is None


def test_fixed_images_are_the_same_at_every_call_and_black_and_white_does_not_change(data):
    one = fixed(data[0])
    assert torch.equal(one, fixed(data[0])) and set(one.unique().tolist()) == {0, 255}
    assert torch.equal(one, fixed(one))
    task = Task(DRAW(Config(**SMALL)), "fixed")
    assert torch.equal(task.batch((one,), EVERY, seeded(1))[0], (one / 255))
    many = fixed(torch.full((2500, 1, 4, 4), 51, dtype=torch.uint8))
    assert abs((many / 255).mean() - 0.2) < 5 * (0.2 * 0.8 / many.numel()) ** 0.5


def test_labels_come_with_the_images_of_a_network_with_classes(data):
    task = Task(DRAW(Config(**SMALL, classes=3)))
    x, labels = task.batch(data, torch.tensor([5, 7]), seeded())
    assert labels.tolist() == [2, 1]
    assert task.loss(task.module, (x, labels), seeded(), torch.tensor(1.0))["bound"] > 0
    assert task.sheet(task.module, seeded()).shape == (69, 59)
    with pytest.raises(ValueError, match="the data set has no labels, but this network has classes; use data with"):
        task.batch(data[:1], torch.tensor([5, 7]), seeded())


# losses


def test_the_losses_equal_those_of_the_trace(task, data):
    """bound = mean of trace.bound for any weight of the KL; only the loss has the weight."""
    batch = task.batch(data, EVERY, seeded())
    trace = task.module(batch[0], generator=seeded(1))
    for beta in (0.0, 0.3, 1.0):
        found = task.loss(task.module, batch, seeded(1), torch.tensor(beta))
        torch.testing.assert_close(found["bound"], trace.bound.mean())
        torch.testing.assert_close(found["lx"], trace.nll[-1].mean())
        torch.testing.assert_close(found["lz"], trace.kl.sum(0).mean())
        torch.testing.assert_close(found["loss"], trace.nll[-1].mean() + beta * trace.kl.sum(0).mean())


def test_the_test_bound_is_the_mean_over_images_not_batches(task, data):
    """The batches have 5, 5 and 2 images, with noise of the same generator."""
    batches = [task.batch(data, index, seeded(2)) for index in EVERY.split(5)]
    found = task.evaluate(task.module, batches, seeded(3))
    noise = seeded(3)
    traces = [task.module(x, generator=noise) for x, _ in batches]
    bound, kl = torch.cat([t.bound for t in traces]), torch.cat([t.kl for t in traces], 1)
    assert found["bound"] == pytest.approx(bound.mean().item(), rel=1e-5)
    assert found["kl"] == pytest.approx(kl.mean(1).tolist(), rel=1e-4)
    assert found["lz"] == pytest.approx(sum(found["kl"]), rel=1e-12)
    assert found["bound"] == pytest.approx(found["lx"] + found["lz"], rel=1e-12)


def test_a_test_bound_that_is_not_finite_is_an_error(task, data):
    """One grey pixel of one image is NaN, in the second batch."""
    batches = [task.batch(data, index, seeded(2)) for index in EVERY.split(5)]
    batches[1][0][2, 0, 3, 4] = torch.nan
    said = "the bound must be finite, got 1 of 12 images where it is not; look for NaN in the images"
    with pytest.raises(ValueError, match=said):
        task.evaluate(task.module, batches, seeded(3))


def test_a_sheet_is_a_square_of_samples(task):
    """Each sample, row by row, is the last canvas of `generate` with the same noise."""
    sheet = task.sheet(task.module, seeded(4))
    images = task.module.generate(100, generator=seeded(4)).images[-1]
    assert sheet.shape == (69, 59) and sheet.dtype == "uint8"
    for i in (0, 7, 43, 99):
        row, column = divmod(i, 10)
        cell = sheet[7 * row : 7 * row + 6, 6 * column : 6 * column + 5]
        assert abs(torch.from_numpy(cell / 255.0) - images[i, 0]).max() <= 0.5 / 255 + 1e-6


def test_a_colour_sheet_has_its_channels_on_the_last_axis():
    task = Task(DRAW(Config(**SMALL, channels=3)))
    sheet = task.sheet(task.module, seeded(4))
    images = task.module.generate(100, generator=seeded(4)).images[-1]
    assert sheet.shape == (69, 59, 3)
    assert abs(torch.from_numpy(sheet[7:13, 12:17] / 255.0) - images[12].permute(1, 2, 0)).max() <= 0.5 / 255 + 1e-6


def test_the_task_records_its_data_and_binarisation(task):
    assert task.facts == {"data": "toy", "binarisation": "stochastic"} and Config(**task.config) == task.module.config
    with pytest.raises(ValueError, match="binarize must be one of stochastic, fixed, grey, got 'static'"):
        Task(task.module, "static")

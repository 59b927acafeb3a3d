"""Adam and clipping of a step equal torch's, an infinite step changes nothing, the average follows its formula."""

import math

import pytest
import torch
from torch import nn

from labkit.training import Settings, devices, schedules
from labkit.training.average import Average
from labkit.training.step import Step


@pytest.fixture
def make(toy):
    """make(task, **settings) -> a step on the toy's images, with its first eight rows as the batch."""

    def made(task, **settings) -> Step:
        chosen = Settings(**{"batch_size": 8, "devices": "cpu", "lr": 0.01, "schedule": "constant", **settings})
        step = Step(devices.launch(chosen), task, chosen, toy.images())
        return step

    return made


def go(step: Step, numbers: range, steps: int = 100) -> None:
    for number in numbers:
        step.prepare(torch.arange(8), number, steps)
        step.advance()


def weights(module) -> list[torch.Tensor]:
    return [w.detach().clone() for w in module.parameters()]


@pytest.mark.parametrize("clip", [0.0, 0.5, 1e6])
def test_steps_equal_those_of_torch_with_its_adam_and_clipping(toy, make, clip):
    """The test computes the same losses with clip_grad_norm_ and Adam; only float32 rounding may differ."""
    task, other = toy.Task(noise=0.0), toy.Task(noise=0.0)
    step = make(task, clip=clip, beta1=0.5, warmup=3)
    go(step, range(5))
    adam = torch.optim.Adam(other.module.parameters(), 0.01, (0.5, 0.999))
    x, norms = toy.images()[0][:8].flatten(1).float() / 255, []
    for number in range(5):
        adam.zero_grad()
        lx, lz = (each.mean() for each in other.parts(other.module, x, torch.Generator()))
        (lx + min(1, (number + 1) / 3) * lz).backward()
        norms.append(nn.utils.clip_grad_norm_(other.module.parameters(), clip or math.inf).item())
        adam.step()
    for mine, theirs in zip(task.module.parameters(), other.module.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-6)
    means, left = step.read()
    assert left == 0 and means["norm"] == pytest.approx(sum(norms) / 5, rel=1e-5)


def test_clip_each_shortens_every_gradient_separately(toy, make):
    """g <- g min(1, c / (|g| + 1e-6)) for each variable, and `clip` is not used; without it the gradients differ."""
    norms = {}
    for settings in ({"clip_each": 0.5, "clip": 1e-3}, {"clip": 0.0}):
        task, other = toy.Task(noise=0.0), toy.Task(noise=0.0)
        step = make(task, **settings)
        go(step, range(1))
        norms["clip_each" in settings] = [weight.grad.norm().item() for weight in task.module.parameters()]
        x = toy.images()[0][:8].flatten(1).float() / 255
        sum(each.mean() for each in other.parts(other.module, x, torch.Generator())).backward()
        whole = math.sqrt(sum(weight.grad.square().sum().item() for weight in other.module.parameters()))
        assert step.read()[0]["norm"] == pytest.approx(whole, rel=1e-5)  # the norm before clipping
        for mine, theirs in zip(task.module.parameters(), other.module.parameters(), strict=True):
            most = settings.get("clip_each", math.inf)
            torch.testing.assert_close(mine.grad, theirs.grad * min(1, most / (theirs.grad.norm().item() + 1e-6)))
    assert sum(norm > 0.5 for norm in norms[False]) >= 2  # longer before, 0.5 after
    assert [min(norm, 0.5) for norm in norms[False]] == pytest.approx(norms[True], rel=1e-5)


def test_precision_64_uses_only_float64(toy, make):
    """Weights, average and every number are compared with a plain loop in float64: no float32 scalar is used.

    A third (the KL's weight), 0.3 of the average and a clipped gradient have no exact float32. Rounding one of them, or
    a loss, is an error of 1e-8, and 1e-12 is allowed.
    """
    task, other = toy.Task(noise=0.0), toy.Task(noise=0.0)
    step = make(task, precision="64", warmup=3, ema=0.7, clip=0.5)
    other.module.double()
    adam, mean = torch.optim.Adam(other.module.parameters(), 0.01), weights(other.module)
    x, told = toy.images()[0][:8].flatten(1).double() / 255, []
    for number in range(12):
        go(step, range(number, number + 1))
        adam.zero_grad()
        lx, lz = (each.mean() for each in other.parts(other.module, x, torch.Generator()))
        loss = lx + min(1, (number + 1) / 3) * lz
        loss.backward()
        norm = nn.utils.clip_grad_norm_(other.module.parameters(), 0.5)
        adam.step()
        keep = min(0.7, (1 + number) / (10 + number))
        mean = [keep * e + (1 - keep) * w for e, w in zip(mean, weights(other.module), strict=True)]
        told.append([each.item() for each in (lx + lz, loss, lx, lz, norm)])
    wanted = torch.tensor(told, dtype=torch.float64).mean(0).tolist()
    assert list(step.read()[0].values()) == pytest.approx(wanted, rel=1e-12)
    for mine, theirs in zip(
        weights(task.module) + weights(step.average.module), weights(other.module) + mean, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted(toy, make):
    """Weights, Adam's memory and the average keep their bits; only the noise continues."""
    task = toy.Task(breaks=0.0)
    step = make(task)
    go(step, range(3))
    step.read()
    before = weights(task.module), weights(step.average.module)
    memory = {k: {n: v.clone() for n, v in s.items()} for k, s in step.optimizer.state_dict()["state"].items()}
    task.breaks = 1.0  # every loss is infinite
    go(step, range(3, 7))
    for old, new in zip(before, (weights(task.module), weights(step.average.module)), strict=True):
        assert all(torch.equal(a, b) for a, b in zip(old, new, strict=True))
    for key, state in step.optimizer.state_dict()["state"].items():
        assert all(torch.equal(memory[key][name], value) for name, value in state.items())
    means, left = step.read()
    assert left == 4 and all(math.isnan(value) for value in means.values())
    task.breaks = 0.0
    go(step, range(7, 8))
    assert step.read()[1] == 0
    assert not torch.equal(before[0][0], weights(task.module)[0])


def test_a_step_with_an_infinite_gradient_is_skipped_although_the_loss_is_finite(toy, make):
    class Kinked(toy.Task):
        def loss(self, module, batch, generator, beta):
            found = super().loss(module, batch, generator, beta)
            kink = (module.decode.bias * 0).sum().sqrt()  # its value is 0, and its slope 0 * infinity
            return found | {"loss": found["loss"] + kink}

    task = Kinked()
    before = weights(task.module)
    step = make(task)
    go(step, range(2))
    assert step.read()[1] == 2
    assert all(torch.equal(a, b) for a, b in zip(before, weights(task.module), strict=True))


def test_the_average_follows_its_formula(toy, make):
    """e <- e + (1 - decay) (w - e) with decay min(ema, (1 + t) / (10 + t)) is compared with a plain loop in float64."""
    task = toy.Task()
    step = make(task, ema=0.6)
    expected = [w.double() for w in weights(task.module)]
    for number in range(30):
        go(step, range(number, number + 1))
        decay = min(0.6, (1 + number) / (10 + number))
        expected = [e + (1 - decay) * (w.double() - e) for e, w in zip(expected, weights(task.module), strict=True)]
    for mean, wanted in zip(weights(step.average.module), expected, strict=True):
        torch.testing.assert_close(mean.double(), wanted, rtol=1e-5, atol=1e-6)


def test_without_an_average_the_last_weights_are_used(toy, make):
    task = toy.Task()
    step = make(task, ema=0.0)
    go(step, range(4))
    assert all(torch.equal(a, b) for a, b in zip(weights(task.module), weights(step.average.module), strict=True))


def test_the_average_copies_buffers():
    module = nn.BatchNorm1d(3)
    average = Average(module)
    module(torch.randn(9, 3))
    average.update(torch.tensor(0.1))
    assert torch.equal(average.module.running_mean, module.running_mean) and not average.module.training


def test_a_held_step_changes_nothing(toy, make):
    """It warms up a CUDA graph: everything is computed, nothing changes, and Adam's memory is created."""
    task = toy.Task()
    step = make(task)
    before = weights(task.module)
    step.hold.fill_(1)
    go(step, range(3))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(task.module), strict=True))
    assert step.optimizer.state_dict()["state"][0]["step"].item() == 0


def test_the_bound_of_a_step_has_no_warm_up(toy, make):
    """At weight 1/1000 the loss is far below the bound, and the bound is lx + lz."""
    step = make(toy.Task(), warmup=1000)
    go(step, range(1))
    found, _ = step.read()
    assert found["bound"] == pytest.approx(found["lx"] + found["lz"], rel=1e-6)
    assert found["loss"] == pytest.approx(found["lx"] + found["lz"] / 1000, rel=1e-6)


def test_the_cosine_schedule_follows_its_formula():
    settings = Settings(lr=0.2)
    rates = [schedules.rate(settings, t, 8) for t in range(8)]
    squares = [0.2 * math.cos(math.pi * t / 16) ** 2 for t in range(8)]  # (1 + cos 2a) / 2 = cos^2 a
    assert rates == pytest.approx(squares, rel=1e-12)
    assert schedules.rate(Settings(schedule="constant"), 5, 8) == 1e-3


def test_the_warm_up_rises_by_equal_parts_to_one():
    assert [schedules.beta(Settings(warmup=4), t) for t in range(6)] == [0.25, 0.5, 0.75, 1, 1, 1]
    assert schedules.beta(Settings(), 0) == 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: the graph is captured on one alone")
def test_the_captured_step_equals_the_eager_one(toy):
    """It has the same noise from the registered generator, and the same weights up to the order of float32 sums."""
    from labkit.training import capture

    ends = []
    for graph in (False, True):
        task = toy.Task(breaks=0.2)
        chosen = Settings(batch_size=8, devices="cuda", graph=graph, log_every=5)
        fabric = devices.launch(chosen)
        step = Step(fabric, task, chosen, tuple(part.to(fabric.device) for part in toy.images()))
        advance = None
        for number in range(20):
            step.prepare(torch.arange(8, device=fabric.device), number, 20)
            advance = advance or capture.advance(step)
            advance()
        ends.append((weights(task.module), weights(step.average.module), step.read()))
    (eager, mean, read), (graphed, graphed_mean, graphed_read) = ends
    for one, other in zip([*eager, *mean], [*graphed, *graphed_mean], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert read[1] == graphed_read[1] and read[0] == pytest.approx(graphed_read[0], rel=1e-5)

"""DRAW while it learns: a run lowers the bound, continues exactly after a rewind, and stops with an error message."""

import copy
from dataclasses import fields, replace

import pytest
import torch

import labkit
from labkit import course, draw
from labkit.data import load
from labkit.draw.task import Task
from labkit.experiments.draw.learn import EVERY, HELD_OUT, LearnSettings
from labkit.training import functional

pytestmark = pytest.mark.slow  # many steps of whole networks


@pytest.fixture(scope="module")
def digits():
    return tuple(load("digits", split)[0] for split in ("train", "test"))


@pytest.fixture(scope="module")
def warm():
    return labkit.load_checkpoint("draw-digits")


@pytest.fixture
def small():
    """A learner with fast steps."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = draw.DRAW(draw.Config(height=5, width=4, steps=2, hidden=6, latent=2, read=2, write=2))
    train, test = torch.randint(0, 256, (60, 1, 5, 4), generator=torch.Generator().manual_seed(0)).byte().split(40)
    return LearnSettings(model, train, test, batch=8)


def after(learner, steps, state=None):
    state = learner.start() if state is None else state
    for _ in range(steps):
        state = learner.step(state)
    return state


def tensors(state):
    """All tensors of a state, in a flat list."""
    if isinstance(state, torch.Tensor):
        return [state]
    parts = [getattr(state, f.name) for f in fields(state)] if hasattr(state, "__dataclass_fields__") else state
    return [each for part in parts for each in tensors(part)] if isinstance(parts, list | tuple) else []


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))


def test_thirty_steps_from_the_warm_start_lower_the_bound_of_a_fixed_batch(warm, digits):
    """The run trains on this black and white batch. Both networks get the same noise; the margin is four standard
    errors.
    """
    batch = (digits[0][:64] > 127).byte() * 255
    learner = LearnSettings(warm, batch, digits[1], batch=64)
    bound = lambda m: m(batch / 255, generator=torch.Generator().manual_seed(2)).bound  # noqa: E731
    start = learner.start()
    end = after(learner, 30, start)
    with torch.no_grad():
        gain = torch.sub(*(functional.call(warm, state.trained.weights, bound) for state in (start, end)))
    assert gain.mean() > 4 * gain.std() / 8


def test_the_warm_start_is_the_shipped_network_and_scratch_depends_on_the_seed(warm, digits):
    first = LearnSettings(warm, *digits).start()
    assert torch.equal(first.trained.weights, functional.start(warm).weights) and first.t == 0
    x, _ = Task(warm).batch((digits[1],), torch.arange(HELD_OUT), torch.Generator().manual_seed(1))
    bounds = warm(x, generator=torch.Generator().manual_seed(2)).bound
    assert abs(first.tests[0, 1] - bounds.mean()) < 4 * bounds.std() / HELD_OUT**0.5
    fresh = [LearnSettings(warm, *digits, begin="from scratch", seed=seed).start() for seed in (1, 1, 2)]
    assert same(fresh[0], fresh[1]) and not torch.equal(fresh[0].trained.weights, fresh[2].trained.weights)
    assert fresh[0].tests[0, 1] > first.tests[0, 1] + 5  # one random bit per pixel costs 64 log 2 = 44


def test_the_same_seed_gives_the_same_bits_and_another_seed_other_batches(small):
    one = after(small, 10)
    assert same(one, after(small, 10))
    small.seed = 1
    assert not torch.equal(one.trained.weights, after(small, 10).trained.weights)


def test_a_rewound_run_repeats_its_steps_exactly(small):
    model, half = copy.deepcopy(small.model.state_dict()), after(small, 5)
    kept = [each.clone() for each in tensors(half)]
    end = after(small, 8, half)
    after(small, 3)
    assert same(end, after(small, 8, half)) and same(end, after(small, 13))
    assert all(torch.equal(a, b) for a, b in zip(kept, tensors(half), strict=True))
    assert all(torch.equal(value, model[name]) for name, value in small.model.state_dict().items())
    assert not any(each.requires_grad for each in tensors(end))


def test_rate_and_batch_size_act_on_the_next_step(small):
    """Adam's first step moves every weight by the rate, up to ε, wherever its gradient exceeds rounding errors."""
    start = small.start()
    for rate in (1e-3, 4e-3):
        small.lr = rate
        moved = (small.step(start).trained.weights - start.trained.weights).abs()
        assert moved.max() == pytest.approx(rate, rel=1e-3)
    one = small.step(start)
    small.batch = 40
    assert not torch.equal(one.trained.m, small.step(start).trained.m)


def test_the_row_of_a_step_is_the_bound_of_its_batch_before_the_update(small):
    """All 40 images are in one batch, black and white. So only z is random, and only its cost varies."""
    small.train, small.batch = (small.train > 99).byte() * 255, 40
    rows = after(small, 3).batches
    assert rows[:, 0].tolist() == [0, 1, 2] and torch.allclose(rows[:, 1], rows[:, 2] + rows[:, 3])
    found = small.model(small.train / 255, generator=torch.Generator().manual_seed(5))
    for value, of_each in zip(rows[0, 1:4], (found.bound, found.nll[-1], found.kl.sum(0)), strict=True):
        assert abs(value - of_each.mean()) < 4 * of_each.std() / 40**0.5


def test_the_same_latents_are_drawn_with_the_newest_weights(small):
    start = small.start()
    before, now = after(small, EVERY - 1), after(small, EVERY)
    assert same(before.samples, start.samples) and len(before.tests) == 1
    assert torch.equal(now.samples.trace.z, start.samples.trace.z) and now.tests[:, 0].tolist() == [0, EVERY]
    assert len(now.batches) == EVERY and not torch.equal(now.samples.canvas(2), start.samples.canvas(2))
    drawn = functional.call(small.model, now.trained.weights, lambda m: m.generate(16, z=start.samples.trace.z))
    assert torch.equal(drawn.canvas, now.samples.trace.canvas)


def test_a_value_that_is_not_finite_stops_the_run_with_a_message(small):
    """In a step, and in the images between steps."""
    state = after(small, 3)
    broken = replace(state, trained=replace(state.trained, weights=state.trained.weights * float("nan")))
    with pytest.raises(
        ValueError, match="^the bound is not finite at step 3; lower the learning rate, then press Reset$"
    ):
        small.step(broken)
    with torch.no_grad():
        small.model.stroke.bias.fill_(float("inf"))
    with pytest.raises(ValueError, match="^the bound is not finite at step 0; "):
        small.start()


def test_a_curve_keeps_its_first_and_newest_points_and_a_few_between():
    table = course.empty(1)
    for t in range(5000):
        table = course.longer(table, t, float(-t))
        assert len(table) <= course.POINTS + 1
    steps = table[:, 0].long()
    assert steps[0] == 0 and steps[-1] == 4999 and torch.equal(table[:, 1], -table[:, 0])
    assert set(steps[:-1].diff().tolist()) == {16}  # 5000 / 400 is more than 8

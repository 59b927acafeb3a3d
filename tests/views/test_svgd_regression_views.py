"""The tab Regression: the law of total variance, points that the user moves, and noise with and without its units."""

import math
import time

import numpy as np
import panel as pn
import pytest
import torch

from labkit.experiments.svgd.regression import RegressionSettings, spread
from labkit.experiments.svgd.regression_data import BACK_LEAST, FEWEST, SETS, RegressionPoints
from labkit.views.keyboard import Keyboard
from labkit.views.stage import Stage
from labkit.views.svgd import RegressionScene
from labkit.views.svgd.points import CurvePoints
from labkit.views.svgd.regression import remarks, sentence
from labkit.views.svgd.regression_pictures import WIDTH, Bands, NoiseLevels


def after(settings, steps=3):
    state = settings.start()
    for _ in range(steps):
        state = settings.step(state)
    return state


def by_loop(state, row):
    """f of every particle at one point and its noise, in units of y, with plain products."""
    h, found = state.target.hidden, []
    used = ~(state.rows.held | state.back)
    (sx, mx), (sy, my) = (torch.std_mean(each[used], correction=0) for each in (state.rows.x, state.rows.y))
    for theta in state.theta:
        hidden = torch.clamp((row - mx) / sx * theta[:h] + theta[h : 2 * h], min=0)
        found.append(
            (float(hidden @ theta[2 * h : 3 * h] + theta[3 * h]) * sy + my, float((-theta[-2] / 2).exp() * sy))
        )
    return torch.tensor(found, dtype=torch.float64).T


# the points


def test_every_fourth_point_is_held_out_and_none_lies_in_a_gap():
    for made in SETS.values():
        rows = made.rows(torch.Generator().manual_seed(1))
        assert int(rows.held.sum()) == math.ceil(made.count / 4)
        assert all(any(low <= x <= high for low, high in made.spans) for x in rows.x.tolist())
        still = made.rows(torch.Generator().manual_seed(1), times=0.0)
        assert torch.equal(still.x, rows.x) and torch.equal(still.y, made.curve(rows.x))
        double = made.rows(torch.Generator().manual_seed(1), times=2.0)
        assert torch.allclose(double.y - still.y, 2 * (rows.y - still.y))
    cubic = SETS["cubic"].rows(torch.Generator().manual_seed(0))
    assert int((~cubic.held).sum()) == 20 and cubic.x.abs().max() <= 4  # Hernandez-Lobato & Adams 2015


def test_the_newest_point_is_first_and_removed_first_and_enough_stay():
    rows = SETS["few points"].rows(torch.Generator().manual_seed(0))
    more = rows.added(1.0, 2.0)
    assert (float(more.x[0]), float(more.y[0]), bool(more.held[0])) == (1.0, 2.0, False)
    assert torch.equal(more.without_newest().x, rows.x)
    there = more.moved(3, -1.0, 0.5)
    assert (float(there.x[3]), float(there.y[3])) == (-1.0, 0.5) and torch.equal(there.x[4:], more.x[4:])
    for _ in range(int((~rows.held).sum()) - FEWEST):
        rows = rows.without_newest()
    with pytest.raises(ValueError, match=f"at least {FEWEST} training points"):
        rows.without_newest()


def test_the_last_tenth_is_held_out_and_it_has_at_least_two_points():
    rows = SETS["sine with a gap"].rows(torch.Generator().manual_seed(0))
    used = (~rows.held).nonzero()[:, 0]
    assert rows.kept_back().nonzero()[:, 0].tolist() == used[-6:].tolist()  # from 60 points
    assert int(SETS["few points"].rows(torch.Generator().manual_seed(0)).kept_back().sum()) == BACK_LEAST
    assert not rows.added(0.0, 0.0).kept_back()[0]  # the reader's own point is used for training


# the numbers


def test_the_wide_band_has_the_deviation_of_samples_of_y():
    """y = f of a random particle + its noise: the variance by the law of total variance, or from samples."""
    generator = torch.Generator().manual_seed(0)
    f, noise = 0.3 * torch.randn(6, 2, generator=generator), torch.rand(6, generator=generator) + 0.2
    mean, model, total = spread(f.double(), noise.double())
    which = torch.randint(6, (400_000,), generator=generator)
    y = f[which] + noise[which, None] * torch.randn(len(which), 2, generator=generator)
    # five standard errors; the tails are light, so those of a deviation are smaller
    errors = 5 * y.std(0) / len(y) ** 0.5
    assert ((y.mean(0) - mean).abs() < errors).all() and ((y.std(0) - total).abs() < errors).all()
    assert ((f[which].std(0) - model).abs() < errors).all()


def test_errors_and_likelihood_equal_a_plain_loop():
    state = after(RegressionSettings(data="cubic", n=7, original=True))
    rows, used = state.rows, ~(state.rows.held | state.back)
    errors, logs = {True: [], False: []}, []
    for i in range(len(rows.x)):
        f, noise = by_loop(state, rows.x[i])
        if rows.held[i]:
            z = (rows.y[i] - f) / noise
            logs.append(math.log(float(((-0.5 * z * z).exp() / (noise * math.sqrt(2 * math.pi))).mean())))
        if rows.held[i] or used[i]:
            errors[bool(rows.held[i])].append(float(f.mean() - rows.y[i]) ** 2)
    assert state.held_out_rmse() == pytest.approx(np.mean(errors[True]) ** 0.5)
    assert state.training_rmse() == pytest.approx(np.mean(errors[False]) ** 0.5)
    assert state.log_likelihood() == pytest.approx(np.mean(logs))
    assert len(errors[False]) == 20 - 2


def test_overwritten_noise_is_each_networks_error_on_the_held_out_points():
    state = after(RegressionSettings(data="cubic", n=5, original=True))
    f = torch.stack([by_loop(state, x)[0] for x in state.rows.x[state.back]], 1)
    own = (f - state.rows.y[state.back]).square().mean(1).sqrt()
    noise, changed = state.overwritten
    assert changed == 5 and noise.tolist() == pytest.approx(own.tolist())
    assert torch.equal(state.noise, noise) and not torch.equal(state.learned, noise)
    plain = after(RegressionSettings(data="cubic", n=5))
    assert plain.overwritten is None and torch.equal(plain.noise, plain.learned)
    assert math.isnan(plain.overwritten_log_likelihood())


@pytest.mark.parametrize("unit", [0.01, 10, 100])
def test_another_unit_of_y_scales_the_noise_and_shifts_the_log_density(unit):
    one, other = (after(RegressionSettings(n=6, original=True, unit=u), 20) for u in (1, unit))
    assert other.learned.tolist() == pytest.approx((unit * one.learned).tolist(), rel=1e-6)
    assert other.noise.tolist() == pytest.approx((unit * one.noise).tolist(), rel=1e-6)
    assert other.log_likelihood() - one.log_likelihood() == pytest.approx(-math.log(unit), abs=1e-6)
    assert other.overwritten[1] == 6  # no precision makes those points more likely than 1/error², in any unit


# the run


def test_a_moved_point_changes_the_density_by_its_own_two_terms():
    """Same particles, same standardisation: log p changes by log N of the point at its new place, minus the old."""
    settings = RegressionSettings(n=4)
    before = after(settings)
    i = int((~before.rows.held).nonzero()[0])
    moved = settings.edit(before, lambda rows: rows.moved(i, 0.5, 2.5))

    def term(x, y):
        f, noise = by_loop(before, x)
        return -0.5 * ((y - f) / noise) ** 2 - noise.log()

    wanted = term(0.5, 2.5) - term(before.rows.x[i], before.rows.y[i])
    change = moved.target.log_prob(before.theta) - before.target.log_prob(before.theta)
    assert change.tolist() == pytest.approx(wanted.tolist())
    assert torch.equal(moved.theta, before.theta) and moved.t == before.t
    assert torch.allclose(moved.particles.score, moved.target.score(moved.theta))
    assert torch.equal(moved.particles.memory, before.particles.memory)
    assert torch.equal(settings.start().rows.x, moved.rows.x)  # the next run starts with it
    settings.unit = 10
    assert float(settings.start().rows.y[i]) == pytest.approx(25.0)
    tens = settings.edit(settings.start(), lambda rows: rows.moved(i, 0.5, 30.0))
    settings.unit = 1
    assert tens.unit == 10 and float(settings.start().rows.y[i]) == pytest.approx(3.0)
    settings.forget()
    assert float(settings.start().rows.y[i]) == pytest.approx(float(before.rows.y[i]))


def test_a_held_out_point_changes_no_particle():
    settings = RegressionSettings(n=4)
    before = after(settings)
    i = int(before.rows.held.nonzero()[0])
    moved = settings.edit(before, lambda rows: rows.moved(i, 0.5, 2.5))
    assert torch.equal(moved.particles.phi, before.particles.phi)
    assert moved.held_out_rmse() != before.held_out_rmse()


OTHERS = {
    "data": "step", "times": 3.0, "unit": 10, "n": 7, "hidden": 9, "rate": 0.1, "kernel": "imq", "step_size": 0.1,
    "batch": 5, "original": True, "seed": 1,
}  # fmt: skip


def test_each_setting_changes_the_run():
    plain = after(RegressionSettings(n=6))
    assert set(OTHERS) == set(RegressionSettings.param) - {"name"}
    for name, value in OTHERS.items():
        other = after(RegressionSettings(**{"n": 6, name: value}))
        same = other.theta.shape == plain.theta.shape and torch.equal(other.learned, plain.learned)
        assert not same, name


def test_equal_seeds_give_equal_runs_and_a_kept_state_continues_exactly():
    settings = RegressionSettings(n=6, batch=7)
    one, other = after(settings, 6), after(RegressionSettings(n=6, batch=7), 6)
    assert torch.equal(one.theta, other.theta)
    kept = after(settings, 3)
    on = settings.step(settings.step(settings.step(kept)))
    assert torch.equal(on.theta, one.theta) and kept.t == 3


def test_points_that_give_no_information_are_named():
    settings = RegressionSettings(data="few points", n=3)
    state = settings.start()
    settings.edit(state, lambda rows: rows.scaled(0.0))  # a running run may have them
    with pytest.raises(ValueError, match="y must vary over the training rows"):
        settings.start()


# the pictures


@pytest.mark.parametrize("original", [False, True])
def test_columns_have_the_names_of_the_sources_and_the_numbers_of_the_state(original):
    settings = RegressionSettings(n=3, original=original)
    state = after(settings)
    view = Bands(settings)
    for each in (view, NoiseLevels(settings)):
        stage = Stage()
        stage.show(each, state, lambda figure: None)
        stage.pane.get_root()
        assert set(stage._sources) == set(each.columns(state))
        stage.patch(each.columns(state))
    columns = view.columns(state)
    x = view.grid[50]
    f = by_loop(state, x)[0]
    mean, model = float(f.mean()), float(f.var(correction=0))
    total = model + float(state.noise.square().mean())
    for name, variance in (("model", model), ("model + noise", total)):
        low, high = columns[name]["y"][50], columns[name]["y"][::-1][50]
        assert columns[name]["x"][50] == columns[name]["x"][::-1][50] == pytest.approx(float(x))
        assert low == pytest.approx(mean - WIDTH * variance**0.5) and high == pytest.approx(
            mean + WIDTH * variance**0.5
        )
    each = columns["network"]["y"].reshape(3, -1)
    assert each[:, 50] == pytest.approx(f.numpy()) and np.isnan(each[:, -1]).all()
    assert columns["truth"]["y"][50] == pytest.approx(math.sin(x))
    counts = {name: len(columns[name]["x"]) for name in ("training", "held out")}
    assert counts == {"training": 60 - 6 * original, "held out": 20}
    noises = NoiseLevels(settings).columns(state)
    assert noises["learned"]["y"] == pytest.approx(by_loop(state, 0.0)[1].numpy())
    assert noises["true noise"]["y"].tolist() == [0.2, 0.2]


def test_the_sentence_gives_the_overwritten_noise_and_its_units():
    state = after(RegressionSettings(n=4, original=True, unit=10))
    said = sentence(state, 2.0, 0.5)
    assert (
        "Overwritten: 4 of 4" in said
        and "6 reserved points" in said
        and "true noise is 2." in said
        and "from 54 training points" in said
        and "its RMSE on the held-out points is 0.5." in said
    )
    least = state.target.unit * math.sqrt(2 * 1.0 / (54 + 2))  # b = 1
    assert f"without any error would still learn a noise of {least:.2g} (" in said
    assert f"learned for y in units of {state.target.unit:.4g}" in said
    bare = state.learned / state.target.unit
    assert f"a noise of {bare.mean():.4g}" in said
    assert "Overwritten" not in sentence(after(RegressionSettings(n=4)), 0.2, 0.1)


def test_the_noise_at_a_mode_equals_the_one_in_the_text():
    """d log p / d log gamma = 0 at 1/gamma = (sum of error² + 2b)/(N + 2), for standardised y."""
    state = after(RegressionSettings(n=4, rate=0.3))
    target, theta = state.target, state.theta.clone()
    used = ~state.rows.held
    f = torch.stack([by_loop(state, x)[0] for x in state.rows.x[used]], 1)
    square = ((f - state.rows.y[used]) / target.unit).square().sum(1)
    theta[:, -2] = -((square + 2 * 0.3) / (target.rows + 2)).log()
    assert target.score(theta)[:, -2].abs().max() < 1e-9


def test_remarks_follow_the_settings():
    assert "MAP" in remarks(1, 5, 0) and "20 particles in 18 dimensions" in remarks(20, 5, 0)
    assert "uses 7 of the points" in remarks(20, 5, 7) and "of the points" not in remarks(20, 5, 0)


# the scene


@pytest.fixture
def scene(without_pictures):
    """A tab without its pictures."""
    made = RegressionScene(RegressionSettings(n=3, hidden=2))
    made.live.run.watched()
    yield made
    made.live.close()


def settled(scene):
    """The state after all commands, and their errors."""
    run, number, deadline = scene.live.run, scene.live.run.frame.number, time.monotonic() + 10
    run.past(lambda past: None)
    run.redraw()
    while run.frame.number <= number and time.monotonic() < deadline:
        time.sleep(0.002)
    run.past(lambda past: None)
    return run.frame.state, run.frame.error


def test_the_pointer_drags_adds_and_removes_points_during_the_run(scene):
    (state, _), hand = settled(scene), scene.pointer()
    rows = state.rows
    hand.grab(5.5, -2.9)  # an empty place
    hand.drag(0.0, 0.0)
    assert settled(scene)[0].rows.x is rows.x
    hand.grab(float(rows.x[3]) + 0.01, float(rows.y[3]))
    hand.drag(1.0, 2.0)
    hand.drag(9.0, 2.0)  # outside the picture: its edge
    hand.drop()
    hand.drag(0.0, 0.0)
    moved, _ = settled(scene)
    assert (float(moved.rows.x[3]), float(moved.rows.y[3])) == (6.0, 2.0) and torch.equal(moved.theta, state.theta)
    hand.add(1.5, 1.0)
    assert settled(scene)[0].target.rows == state.target.rows + 1
    scene.live.reset()
    assert float(settled(scene)[0].rows.x[0]) == 1.5  # it stays
    less = next(b for box in scene.controls() if isinstance(box, pn.FlexBox) for b in box if "Remove" in b.label)
    less.clicks += 1
    assert float(settled(scene)[0].rows.x[3]) == 6.0
    scene.restore()
    assert torch.equal(settled(scene)[0].rows.x, rows.x)


@pytest.fixture
def keys(scene, pressed):
    """keys(*names) presses keys on the picture of the points, and returns what was spoken."""
    said: list[str] = []
    board = Keyboard(CurvePoints(scene), scene.live, said.append)

    return lambda *names: pressed(scene, board, said, names, settled)


def test_points_are_chosen_moved_added_and_removed_by_keyboard(scene, keys):
    rows = settled(scene)[0].rows
    first = int(rows.x.argmin())
    held = ["training", "held-out"][int(rows.held[first])]
    of = int((rows.held == rows.held[first]).sum())
    assert keys("next") == [f"{held.capitalize()} point 1 of {of}: x {rows.x[first]:.3g}, y {rows.y[first]:.3g}"]
    bands = next(view for view in scene.live.views if isinstance(view, Bands))
    assert bands.columns(settled(scene)[0])["chosen"]["x"].tolist() == [float(rows.x[first])]
    keys("right")
    moved = settled(scene)[0].rows
    assert float(moved.x[first]) == pytest.approx(float(rows.x[first]) + 0.12)
    assert torch.equal(moved.y, rows.y)
    scene.pointer().add(0.0, 0.0)
    keys("up")  # the same point, although another one was added
    assert float(settled(scene)[0].rows.y[first + 1]) == pytest.approx(float(rows.y[first]) + 0.06)
    at, y = settled(scene)[0].rows.x[first + 1], settled(scene)[0].rows.y[first + 1]
    assert keys("add") == [f"Added at x {at + 0.24:.3g}, y {y:.3g}"]
    now = settled(scene)[0].rows
    assert len(now.x) == len(rows.x) + 2 and bands.chosen == -len(now.x)
    assert keys("remove") == ["Removed"] and bands.chosen is None
    assert torch.equal(settled(scene)[0].rows.x, now.x[1:])


def test_the_last_held_out_point_and_the_last_training_points_cannot_be_removed(scene, keys):
    state, _ = settled(scene)
    held, used = (int(each.nonzero()[0, 0]) for each in (state.rows.held, ~state.rows.held))
    few = RegressionPoints(
        *(torch.cat([each[used : used + 1], each[held : held + 1]]) for each in vars(state.rows).values())
    )
    with pytest.raises(ValueError, match=f"at least {FEWEST} training points are needed; add one first"):
        few.without(0)
    with pytest.raises(ValueError, match="at least one held-out point is needed; remove another point"):
        few.without(1)


@pytest.mark.filterwarnings("ignore:the median distance is 0")  # all networks start with biases of 0
def test_dials_act_on_the_current_step_and_other_settings_restart_the_run(scene):
    scene.live.run.once()
    before, _ = settled(scene)
    scene.settings.kernel = "per-dimension"
    state, _ = settled(scene)
    assert state.t == 1 and torch.equal(state.theta, before.theta) and state.particles.bandwidth.shape == (9,)
    scene.settings.batch = 7
    state, _ = settled(scene)
    assert state.t == 1 and not torch.equal(state.particles.score, before.particles.score)
    assert "uses 7 of the points" in scene.remark.object
    scene.settings.original = True
    state, error = settled(scene)
    assert state.t == 0 and int(state.back.sum()) == 6 and not error
    assert len(scene.live.views[2].numbers.functions) == 2
    scene.settings.data = "few points"
    for _ in range(9 - FEWEST):
        scene.change(lambda rows: rows.without_newest())
    assert settled(scene)[0].target.rows == FEWEST - BACK_LEAST
    scene.change(lambda rows: rows.without_newest())
    assert f"at least {FEWEST} training points are needed" in settled(scene)[1]
    scene.settings.data = "cubic"
    assert settled(scene)[1] == ""


def test_every_control_has_a_label_and_a_tooltip(scene):
    tips = scene.live.remote.tips
    for control in scene.controls():
        widget = control[0] if isinstance(control, pn.Column) else control  # a number has a line for its limits below
        if not isinstance(widget, pn.FlexBox):
            assert tips[widget.label]


def test_the_nearest_point_is_measured_in_the_picture(scene):
    scene.settings.data = "cubic"
    rows, points = settled(scene)[0].rows, CurvePoints(scene)
    key = points.nearest(float(rows.x[0]), float(rows.y[0]) + 2)  # 2 of 320 units
    assert key == -len(rows.x) and points.nearest(5.9, 150.0) is None

"""The tab Classification: points that the user moves, their posterior, and the predictions of the particles."""

import math
import time
from functools import partial
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pytest
import torch

from labkit.experiments.svgd import classification as classifier
from labkit.experiments.svgd import classification_data as labelled
from labkit.experiments.svgd.classification import FEATURES, UNIT, ClassificationSettings, ClassifierPosterior
from labkit.experiments.svgd.classification_data import HALF, SETS, drawn
from labkit.views.keyboard import Keyboard
from labkit.views.stage import Stage
from labkit.views.svgd import ClassificationScene, Curves
from labkit.views.svgd import classification_pictures as seen
from labkit.views.svgd.classification_pictures import (
    AXIS,
    FINE,
    CachedPredictions,
    ClassProbabilities,
    PredictiveDeviation,
    boundaries,
    lines,
    predictions,
    shades,
)
from labkit.views.svgd.points import ClassPoints


def heard(told, name, attr, old, new):
    """A listener of Bokeh that records its name."""
    told.append(name)


def after(settings, steps, state=None):
    state = settings.start() if state is None else state
    for _ in range(steps):
        state = settings.step(state)
    return state


def sigma(v):
    return 1 / (1 + math.exp(-v))


def by_hand(features, x):
    """Features of one point and a 1, from their definition."""
    a, b = (v / math.sqrt(3) for v in x)
    if features == "linear":
        return [a, b, 1.0]
    if features == "quadratic":
        return [a, b, a * b, (a * a - 1) / math.sqrt(0.8), (b * b - 1) / math.sqrt(0.8), 1.0]
    at = [-3.0, -1.8, -0.6, 0.6, 1.8, 3.0]
    return [*(math.exp(-((x[0] - p) ** 2 + (x[1] - q) ** 2) / 2 / 1.2**2) for p in at for q in at), 1.0]


# points


@pytest.mark.parametrize("name", SETS)
def test_a_set_has_its_shape_and_equally_many_points_of_each_class(name):
    for seed in range(5):
        data = drawn(name, seed)
        one, zero = data.x[data.y], data.x[~data.y]
        assert len(one) == len(zero) == labelled.MANY // 2 and data.x.abs().max() <= HALF
        if name == "two blobs":
            assert (one @ torch.tensor([1.3, 0.9]).double() > 0).all()
            assert (zero @ torch.tensor([1.3, 0.9]).double() < 0).all()
        elif name == "rings":
            assert zero.norm(dim=1).max() <= 1 and one.norm(dim=1).min() >= 1.8
        elif name == "a checkerboard":
            assert ((data.x[:, 0] * data.x[:, 1] > 0) == data.y).all()
        else:  # half circles of radius 1.5, their noise within five deviations
            for half, middle in ((zero, (-0.75, -0.375)), (one, (0.75, 0.375))):
                from_it = half - torch.tensor(middle, dtype=torch.float64)
                assert (from_it.norm(dim=1) - 1.5).abs().max() < 5 * 0.15
            assert zero[:, 1].mean() > one[:, 1].mean()
    assert torch.equal(drawn(name, 3).x, drawn(name, 3).x) and not torch.equal(drawn(name, 3).x, drawn(name, 4).x)


def test_other_points_keep_their_side_when_a_point_is_added_moved_or_removed():
    data = drawn("rings", 0)
    held = data.held(0.25)
    assert held.sum() == 30 and (data.held(0.5) | held).equal(data.held(0.5)) and not data.held(0.0).any()
    more = data.added((9.0, 0.5), True)
    assert more.held(0.25).tolist() == [*held.tolist(), False] and more.y[-1]
    assert more.x[-1].tolist() == [HALF, 0.5] and torch.equal(more.x[:-1], data.x)
    moved = more.moved(3, (-1.0, -9.0))
    assert moved.x[3].tolist() == [-1.0, -HALF] and moved.held(0.25).equal(more.held(0.25))
    assert (moved.x != more.x).any(1).nonzero().tolist() == [[3]]
    assert torch.equal(more.fewer().x, data.x) and len(drawn(labelled.BARE, 0).fewer().fewer().fewer().x) == 0


# the model


@pytest.mark.parametrize("features", ["linear", "quadratic"])
def test_monomials_have_mean_zero_and_variance_one_over_the_picture(features):
    cells = 400
    middle = (torch.arange(cells).double() + 0.5) / cells * 2 * HALF - HALF
    f = FEATURES[features](torch.cartesian_prod(middle, middle))
    assert f.mean(0).abs().max() < 1e-4 and (f.var(0) - 1).abs().max() < 1e-4  # the midpoint rule errs by 1/cells²


@pytest.mark.parametrize("features", FEATURES)
def test_the_density_equals_that_of_the_model_point_by_point(features):
    data = drawn("two moons", 1)
    target = ClassifierPosterior(data, features, 2.0, data.held(0.25))
    theta = target.initial(3, torch.Generator().manual_seed(0))
    for one, found in zip(theta.tolist(), target.log_prob(theta).tolist(), strict=True):
        *w, lam = one
        wanted = math.log(2.0) + lam - 2.0 * math.exp(lam)
        wanted += sum(0.5 * (lam - math.log(2 * math.pi)) - 0.5 * math.exp(lam) * v * v for v in w)
        for x, y, turn in zip(data.x.tolist(), data.y.tolist(), data.turn.tolist(), strict=True):
            if turn >= 0.25:
                odds = sum(v * f for v, f in zip(w, by_hand(features, x), strict=True))
                wanted += math.log(sigma(odds if y else -odds))
        assert found == pytest.approx(wanted, rel=1e-10)


def test_accuracies_and_log_likelihood_equal_a_count_by_hand():
    state = after(ClassificationSettings(features="linear", data="a checkerboard", n=7), 5)
    right, logs = {True: [], False: []}, []
    for x, y, held in zip(state.data.x.tolist(), state.data.y.tolist(), state.target.held.tolist(), strict=True):
        odds = [sum(v * f for v, f in zip(w, by_hand("linear", x), strict=True)) for w in state.weights.tolist()]
        p = sum(map(sigma, odds)) / len(odds)
        right[held].append((p > 0.5) == y)
        logs += [math.log(p if y else 1 - p)] if held else []
    assert state.accuracies == pytest.approx((np.mean(right[True]), np.mean(right[False])), abs=1e-12)
    assert 0.2 < state.accuracies[0] < 0.9  # not a trivial count
    assert state.log_likelihood == pytest.approx(np.mean(logs), abs=1e-12)


def test_blobs_are_separated_and_equal_seeds_give_equal_runs():
    for features in FEATURES:
        assert after(ClassificationSettings(data="two blobs", features=features), 30).accuracies == (1.0, 1.0)
    one, again = (after(ClassificationSettings(seed=5), 3) for _ in range(2))
    assert torch.equal(one.run.x, again.run.x)


def test_linear_features_cannot_separate_rings_and_bumps_can():
    assert after(ClassificationSettings(data="rings", features="linear"), 60).accuracies[0] < 0.8
    assert after(ClassificationSettings(data="rings", features="bumps"), 60).accuracies[0] > 0.95


# the run while the user changes points


def test_other_points_act_on_the_same_particles():
    settings = ClassificationSettings(features="quadratic")
    state = after(settings, 5)
    x = state.run.x.clone()
    edited = settings.evaluate(state, state.data.added((0.5, 2.0), True))
    assert torch.equal(edited.run.x, x) and edited.t == 5 and len(state.data.x) == labelled.MANY
    w, f = edited.weights, torch.tensor(by_hand("quadratic", (0.5, 2.0)), dtype=torch.float64)
    pull = torch.sigmoid(-(w @ f))[:, None] * f  # d/dw log σ(w·f): the added point adds only this to the score
    assert torch.allclose(edited.run.score - state.run.score, torch.nn.functional.pad(pull, (0, 1)), atol=1e-10)
    assert len(settings.step(edited).data.x) == labelled.MANY + 1
    rewound = settings.step(state), settings.evaluate(state)
    assert all(len(s.data.x) == labelled.MANY for s in rewound)  # a rewound run has the points of that step
    assert len(settings.start().data.x) == labelled.MANY + 1  # and a new run has the current points


def test_points_of_the_user_are_kept_by_other_features_and_dropped_by_another_set():
    settings = ClassificationSettings(seed=3)
    state = settings.start()
    assert torch.equal(state.data.x, drawn("two moons", 3).x)
    settings.evaluate(state, state.data.added((0.0, 0.0), True))
    settings.features = "linear"
    assert len(settings.start().data.x) == labelled.MANY + 1
    settings.data = labelled.BARE
    assert len(settings.start().data.x) == 2


CHANGES = {"data": "rings", "features": "linear", "n": 20, "kernel": "imq", "step_size": 0.5, "batch": 7, "rate": 0.1,
           "held": 0.5, "seed": 1}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_setting_acts(name):
    plain, other = after(ClassificationSettings(), 3), after(ClassificationSettings(**{name: CHANGES[name]}), 3)
    assert plain.run.x.shape != other.run.x.shape or not torch.allclose(plain.run.x, other.run.x)


def test_settings_of_a_running_run_act_from_its_current_step():
    settings = ClassificationSettings(features="linear")
    state = after(settings, 3)
    settings.param.update(rate=1.0, held=0.5)
    now = settings.evaluate(state)
    assert torch.equal(now.run.x, state.run.x) and now.target.held.sum() == 60 and now.target.rate == 1.0
    assert settings.step(state).target.held.sum() == 60
    settings.features = "bumps"  # a run keeps its own until it restarts
    assert settings.step(state).target.features == "linear"


def test_no_points_one_class_and_too_large_a_batch_are_valid():
    settings = ClassificationSettings(data=labelled.BARE, batch=300, features="linear")
    state = after(settings, 2)
    assert all(map(math.isnan, (state.accuracies[0], state.log_likelihood)))  # no point is held out
    for left in (1, 0):
        state = after(settings, 2, settings.evaluate(state, state.data.fewer()))
        assert len(state.data.x) == left and state.run.x.isfinite().all()
    prior = ClassifierPosterior(state.data, "linear", settings.rate, state.data.held(0.25))
    assert torch.allclose(prior.log_prob(state.run.x), prior.log_prior(state.run.x))


# the pictures


@pytest.mark.parametrize("features", FEATURES)
def test_the_tint_and_the_uncertainty_are_mean_and_deviation_of_the_sigmoids(features):
    state = after(ClassificationSettings(features=features, n=9), 20)
    found = predictions(state)
    for row, column in ((0, 0), (10, 40), (25, 25), (50, 7)):
        f = by_hand(features, (AXIS[column], AXIS[row]))
        odds = [sum(v * e for v, e in zip(w, f, strict=True)) for w in state.weights.tolist()]
        p = np.array([sigma(o) for o in odds])
        assert found.mean[row, column].item() == pytest.approx(p.mean(), abs=1e-5)
        assert found.deviation[row, column].item() == pytest.approx(p.std(), abs=1e-3)  # float32, with mean² subtracted
        assert found.log_odds[:, row, column].tolist() == pytest.approx(odds[: seen.FEW], abs=1e-4)
    tint = ClassProbabilities(CachedPredictions()).columns(state)[seen.PROBABILITY]["image"][0]
    doubt = next(iter(PredictiveDeviation(CachedPredictions()).columns(state).values()))["image"][0]
    assert tint.shape == doubt.shape == (FINE, FINE) and tint.dtype == doubt.dtype == np.uint8
    assert np.abs(tint[::2, ::2] - 255 * found.mean.numpy()).max() <= 0.51
    assert np.abs(doubt[::2, ::2] - 255 * (found.deviation.numpy() / seen.FULL).clip(max=1)).max() <= 0.51


def test_values_between_places_are_their_mean():
    values = torch.zeros(len(AXIS), len(AXIS))
    (image,) = PredictiveDeviation(CachedPredictions()).picture(ClassificationSettings(n=2).start()).values()
    left, bottom, right, top = image.bounds.lbrt()
    pixel = (right - left) / FINE
    assert left == bottom == -right == -top and left + pixel / 2 == pytest.approx(AXIS[0])  # each in its pixel's middle
    assert pixel == pytest.approx((AXIS[1] - AXIS[0]) / 2)
    values[0, 1] = 1.0
    assert shades(values)[0, :4].tolist() == [0, 128, 255, 128] and shades(values)[1, 2] == 128


def test_a_linear_particle_has_a_straight_boundary_through_the_picture():
    state = after(ClassificationSettings(features="linear", n=6), 10)
    drawn_lines = lines(state.weights)
    gap = np.isnan(drawn_lines["x"])
    assert np.array_equal(gap, np.isnan(drawn_lines["y"])) and gap[::3].all() and gap.sum() == 7
    x = np.stack([drawn_lines["x"], drawn_lines["y"]], 1)[~gap].reshape(6, 2, 2)
    w = state.weights.numpy()
    assert np.abs((x / UNIT * w[:, None, :2]).sum(-1) + w[:, None, 2]).max() < 1e-9
    assert (np.linalg.norm(x[:, 1] - x[:, 0], axis=1) > 4 * math.sqrt(2) * HALF).all()
    level = boundaries(predictions(state).log_odds, 0.0)
    for px, py in np.stack([level["x"], level["y"]], 1)[~np.isnan(level["x"])]:
        assert np.abs(w @ by_hand("linear", (px, py))).min() < 1e-4


def test_the_boundary_of_the_mean_is_its_one_half_line():
    state = after(ClassificationSettings(features="bumps"), 30)
    found = ClassProbabilities(CachedPredictions()).columns(state)[seen.MEAN]
    at = np.stack([found["x"], found["y"]], 1)[~np.isnan(found["x"])]
    p = torch.sigmoid(classifier.rows("bumps", torch.from_numpy(at)) @ state.weights.T).mean(1)
    assert len(at) > 20 and (p - 0.5).abs().max() < 0.01  # a lattice of .12 under bumps of 1.2


def test_columns_match_the_layers_and_every_point_is_in_one():
    state = after(ClassificationSettings(), 2)
    for view in ClassificationScene().live.views:
        layers = {e.label for e in view.picture(state).traverse(lambda e: e, [hv.Element]) if e.label}
        if not isinstance(view, Curves):
            assert set(view.columns(state)) == layers
    columns = ClassProbabilities(CachedPredictions()).columns(state)
    counts = {n: len(c["x"]) for n, c in columns.items() if "class" in n}
    held = [int((state.target.held & (state.data.y == y)).sum()) for y in (False, True)]
    names = ("class 0", "class 1", f"{seen.HELD}, class 0", f"{seen.HELD}, class 1")
    assert counts == dict(zip(names, (60 - held[0], 60 - held[1], *held), strict=True)) and sum(held) == 30


@pytest.mark.slow
def test_a_layer_that_is_rendered_twice_moves_in_both():
    settings = ClassificationSettings(features="linear", n=5)
    state, view, stage = settings.start(), ClassProbabilities(CachedPredictions()), Stage()
    stage.show(view, state, lambda figure: None)
    told = []
    for name in "one", "other":
        stage.pane.get_root()
        stage._sources[seen.EACH][-1].on_change("data", partial(heard, told, name))
    for _ in range(4):
        state = settings.step(state)
        stage.patch(view.columns(state))
    assert told == 4 * ["one", "other"]
    wanted = lines(state.weights)["x"].astype(np.float32)
    assert all(np.array_equal(source.data["x"], wanted, equal_nan=True) for source in stage._sources[seen.EACH])


def test_both_pictures_show_the_same_state():
    both, settings = CachedPredictions(), ClassificationSettings(features="linear")
    one = settings.start()
    other = settings.step(one)
    assert both(one) is both(one) and both(other) is both(other)
    assert torch.equal(both(one).mean, predictions(one).mean) and not torch.equal(both(one).mean, both(other).mean)


# the scene


@pytest.fixture
def scene():
    made = ClassificationScene(ClassificationSettings(data=labelled.BARE, features="linear", n=5))
    yield made
    made.live.close()


def state_of(scene):
    """The newest state, after its frame was sent: the pointer grabs only shown particles."""
    state = scene.live.run.past(lambda past: past.states[-1])
    deadline = time.monotonic() + 10
    while scene.live.run.frame.state is not state and time.monotonic() < deadline:
        time.sleep(0.001)
    return state


def test_the_pointer_adds_drags_and_removes_points(scene):
    first, hand = state_of(scene).run.x, scene.pointer()
    scene.settings.label = False
    hand.add(0.5, 0.5)
    data = state_of(scene).data
    assert data.x[-1].tolist() == [0.5, 0.5] and not data.y[-1]
    hand.grab(0.6, 0.45)
    hand.drag(2.0, -2.0)
    assert state_of(scene).data.x[-1].tolist() == [2.0, -2.0]
    next(c for c in scene.controls() if getattr(c, "label", "").startswith("Remove")).param.trigger("clicks")
    hand.drag(1.0, 1.0)  # the grabbed point was removed
    hand.drop()
    hand.grab(0.0, 2.0)  # an empty place
    hand.drag(1.0, 2.0)
    state = state_of(scene)
    assert state.data.x.tolist() == [[-1.0, 0.0], [1.0, 0.0]] and torch.equal(state.run.x, first) and state.t == 0
    assert scene.live.run.frame.error == ""


def test_points_are_chosen_moved_added_and_removed_by_keyboard(scene):
    """The run continues; a new point has the class of the control."""
    said: list[str] = []
    board = Keyboard(ClassPoints(scene), scene.live, said.append)
    picture = next(view for view in scene.live.views if isinstance(view, ClassProbabilities))

    def press(name):
        board.press(name)
        scene.live.run.redraw()
        state = state_of(scene)
        scene.live.show_news(more=False)
        return state.data

    press("next")
    assert said == ["Point of class 0 1 of 1: x -1, y 0"] and picture.chosen == 0
    assert press("up").x.tolist() == [[-1.0, pytest.approx(0.06)], [1.0, 0.0]]
    assert picture.columns(state_of(scene))["chosen"]["y"].tolist() == [pytest.approx(0.06)]
    scene.settings.label = True
    data = press("add")
    assert data.x[2].tolist() == pytest.approx([-0.88, 0.06]) and bool(data.y[2]) and picture.chosen == 2
    assert said[-1] == "Added at x -0.88, y 0.06"
    assert press("previous").x.shape == (3, 2) and picture.chosen == 0
    assert press("remove").x.tolist() == [[1.0, 0.0], data.x[2].tolist()] and said[-1] == "Removed"
    assert picture.chosen is None


def test_only_the_picture_of_the_points_handles_the_pointer(scene):
    events = []
    figure = SimpleNamespace(id="f", on_event=lambda kind, _: events.append(kind.__name__))
    for view in scene.live.views:
        scene.drawn(view, figure)
    assert events == ["DoubleTap", "PanStart", "Pan", "PanEnd"] and set(scene.live.remote.editable) == {"f"}


def test_too_many_points_are_refused_with_a_message_and_the_run_stays(scene):
    def filled(data):
        while len(data.x) < labelled.MOST:
            data = data.added((0.0, 1.0), True)
        return data

    scene.change(filled)
    scene.change(lambda data: data.added((0.0, 1.0), True))
    assert len(state_of(scene).data.x) == labelled.MOST
    assert f"at most {labelled.MOST} points are allowed; remove one" in scene.live.run.frame.error
    scene.change(labelled.LabelledPoints.fewer)
    assert len(state_of(scene).data.x) == labelled.MOST - 1


def test_texts_follow_the_settings_and_running_ones_do_not_restart(scene):
    scene.live.run.once()
    assert state_of(scene).t == 1
    scene.settings.param.update(batch=1, held=0.5, rate=0.5)
    assert state_of(scene).t == 1 and state_of(scene).target.rate == 0.5
    assert "at most 1 of the points" in scene.remark.object
    assert "cannot separate" not in scene.remark.object
    scene.settings.data = "rings"
    assert state_of(scene).t == 0 and "cannot separate rings" in scene.remark.object
    scene.settings.features = "bumps"
    assert "Raise b" in scene.remark.object and state_of(scene).run.x.shape == (5, 38)
    assert "held-out points correct" in scene.status(state_of(scene))

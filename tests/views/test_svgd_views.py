"""The views of SVGD: layers and columns agree for every target, and the stories show what their texts describe."""

import math
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pytest
import torch

from labkit import baselines, engine, svgd
from labkit.experiments.svgd import PRESETS, Pair, ParticlesSettings
from labkit.experiments.svgd.numbers import Numbers, bandwidth, of_run
from labkit.experiments.svgd.particles import SNAPSHOTS
from labkit.paint.source import declared
from labkit.targets import PARAMETERS, TARGETS
from labkit.views import save
from labkit.views.spans import RANGE
from labkit.views.stage import Stage
from labkit.views.svgd import Curves, Line, Microscope, Plane, half, plane

STANDING = {"target"}  # a planar target's level lines do not move


def near(target, **more):
    """An experiment that starts near the middle of its target."""
    return ParticlesSettings(**{"target": target, "n": 12, "begin_mean": 0.0, "begin_scale": 0.5} | more)


def main_view(experiment):
    target = experiment.density()
    return Line(experiment.density, experiment.box()[0]) if target.dim == 1 else Plane(target, experiment.box())


def past_of(experiment, steps, view=None):
    past, state = engine.Past(getattr(view, "record", None), pins=SNAPSHOTS), experiment.start()
    past.add(state)
    for _ in range(steps):
        state = experiment.step(state)
        past.add(state)
    return past


def labels(picture):
    return [layer.label for layer in picture]


def columns(view, past):
    return view.columns(past.states[-1], past)


# layers


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("chosen, arrows", [(None, False), (3, True)])
def test_columns_match_the_layers_for_every_target(name, chosen, arrows):
    experiment = near(name)
    view = main_view(experiment)
    view.chosen, view.arrows = chosen, arrows
    past = past_of(experiment, 2)
    moving = set(labels(view.picture(past.states[0]))) - (STANDING if isinstance(view, Plane) else set())
    found = columns(view, past)
    assert set(found) == moving
    for layer in found.values():
        assert len({len(values) for values in layer.values()}) == 1
    assert len(found["chosen"]["x"]) == (chosen is not None)
    assert {"drive", "repulsion"} <= set(found) if arrows else not {"drive", "repulsion"} & set(found)


@pytest.mark.parametrize(
    "experiment",
    [near("mixture"), near("banana"), near("normal", shape={"dim": 20}), near("logistic")],
    ids=lambda experiment: experiment.target,
)
def test_columns_have_the_names_of_the_sources(experiment):
    """Bokeh draws the patched columns: no column is added to those of the declared picture."""
    view, stage = main_view(experiment), Stage()
    view.chosen, view.arrows = 2, True
    past = past_of(experiment, 1)
    figures = []
    stage.show(view, past.states[0], figures.append)
    stage.pane.get_root()
    before = {label: set(sources[0].data) for label, sources in stage._sources.items()}
    found = columns(view, past)
    for label, layer in found.items():
        assert set(layer) <= before[label]
    stage.patch(found)
    for renderer in figures[0].renderers:
        assert len({len(values) for values in renderer.data_source.data.values()}) == 1


def test_a_chosen_particle_that_was_removed_is_not_shown():
    for name in ("mixture", "banana"):
        view = main_view(near(name))
        view.chosen = 99
        assert len(columns(view, past_of(near(name), 0))["chosen"]["x"]) == 0


def test_published_columns_are_copies():
    """Writing into them changes neither the state nor the next columns."""
    for name in ("mixture", "banana"):
        experiment = near(name)
        view, past = main_view(experiment), past_of(experiment, 1)
        x = past.states[-1].x.clone()
        found = columns(view, past)
        for label in ("particles", "chosen"):
            for values in found[label].values():
                values[...] = 77
        assert torch.equal(past.states[-1].x, x)


def test_earlier_steps_are_broken_curves_and_can_be_left_out():
    """There is one curve per pinned step, with NaN between them."""
    experiment = near("mixture")
    view, past = main_view(experiment), past_of(experiment, 76)
    before = columns(view, past)["earlier steps"]
    assert sorted(past.pinned) == [0, 50, 75]
    assert np.isnan(before["y"]).sum() == 3 and len(before["x"]) == 3 * (len(view.grid) + 1)
    other = past_of(near("mixture", seed=1), 76)
    fresh = columns(main_view(near("mixture", seed=1)), other)["earlier steps"]
    # not those of the previous run
    np.testing.assert_array_equal(columns(view, other)["earlier steps"]["y"], fresh["y"])
    assert (fresh["y"] != before["y"]).any()
    view.snapshots = False
    assert len(columns(view, past)["earlier steps"]["x"]) == 0


def test_the_densities_of_particles_and_target_have_area_one():
    experiment = ParticlesSettings(n=300)
    view = main_view(experiment)
    found = columns(view, past_of(experiment, 3))
    for label in ("outline", "target"):
        area = np.trapezoid(found[label]["y"], found[label]["x"])
        assert area == pytest.approx(1, abs=0.01)
    assert found["particles"]["y"].min() == 0


def test_handles_are_on_the_peaks_of_isolated_modes():
    """Modes are twenty widths apart, so the height of a handle is the density at its mean."""
    experiment = ParticlesSettings(means=[-10.0, 0.0, 10.0], weights=[0.2, 0.3, 0.5], scale=0.5)
    handles = main_view(experiment).handles()
    at = torch.tensor([[-10.0], [0.0], [10.0]], dtype=torch.float64)
    np.testing.assert_allclose(handles[:, 0], [-10, 0, 10])
    np.testing.assert_allclose(handles[:, 1], experiment.density().log_prob(at).exp().numpy(), rtol=1e-9)


def test_a_file_of_one_state_shows_the_whole_bars_of_forces():
    experiment = near("mixture")
    view, state = main_view(experiment), experiment.start()
    view.arrows = True
    low, _ = declared(view.still(view.picture(state), state))["ylim"]
    found = view.columns(state)
    assert low < min(found[name]["y1"].min() for name in ("drive", "repulsion"))


def test_arrows_have_one_scale_and_the_direction_of_the_forces():
    experiment = near("banana")
    view, state = main_view(experiment), experiment.start()
    view.arrows = True
    found = view.columns(state)
    wide = view.box[0][1] - view.box[0][0]
    for name in ("drive", "repulsion"):
        layer, force = found[name], getattr(state, name).numpy()
        moved = np.column_stack([layer["x1"] - layer["x0"], layer["y1"] - layer["y0"]])
        scale = (moved * force).sum() / (force**2).sum()
        np.testing.assert_allclose(moved, scale * force, rtol=1e-9)
        assert np.abs(moved).max() <= 0.09 * wide * (1 + 1e-9)


def test_forces_on_a_line_are_bars_that_point_up_for_the_right_and_stay_below_the_axis():
    experiment = near("mixture")
    view, state = main_view(experiment), experiment.start()
    view.arrows = True
    found = view.columns(state)
    bars = np.stack([found[name]["y1"] - found[name]["y0"] for name in ("drive", "repulsion")])
    forces = torch.stack([state.drive[:, 0], state.repulsion[:, 0]]).numpy()
    np.testing.assert_allclose(bars, np.abs(bars).max() / np.abs(forces).max() * forces, rtol=1e-9)
    ends = np.concatenate([found[name][end] for name in ("drive", "repulsion") for end in ("y0", "y1")])
    low = hv.Store.lookup_options("bokeh", view.picture(state), "plot").kwargs["ylim"][0]
    assert low < ends.min() and ends.max() < found["each particle"]["y"].max() < 0


def test_the_circle_around_the_chosen_particle_has_a_radius_of_one_bandwidth():
    experiment = near("banana")
    view, state = main_view(experiment), experiment.start()
    view.chosen = 5
    circle = view.columns(state)["one bandwidth"]
    apart = np.hypot(circle["x"] - state.x[5, 0].item(), circle["y"] - state.x[5, 1].item())
    np.testing.assert_allclose(apart, state.bandwidth.item(), rtol=1e-9)
    for kernel in ("linear", "per-dimension"):  # which have no single length
        state = near("banana", kernel=kernel).start()
        assert len(view.columns(state)["one bandwidth"]["x"]) == 0


# the microscope


@pytest.mark.parametrize("kernel", ["rbf", "imq", "matern32", "linear", "sum", "per-dimension", "preconditioned"])
def test_the_shares_under_the_microscope_sum_to_drive_and_repulsion(kernel):
    experiment = near("mixture", kernel=kernel)
    view, state = Microscope(experiment.make_kernel, True), experiment.start()
    view.chosen = 4
    found = view.columns(state)
    for name in ("drive", "repulsion"):
        assert found[name]["y"].sum() == pytest.approx(getattr(state, name)[4, 0].item(), rel=1e-9, abs=1e-12)
        np.testing.assert_allclose(found[name]["x"], (state.x - state.x[4])[:, 0].numpy())


@pytest.mark.parametrize("name", ["banana", "logistic"])
def test_the_microscope_shows_lengths_in_more_dimensions(name):
    experiment = near(name)
    view, state = Microscope(experiment.make_kernel, False), experiment.start()
    assert set(view.columns(state)) == set(labels(view.picture(state)))
    assert len(view.columns(state)["drive"]["x"]) == 0
    view.chosen = 4
    found = view.columns(state)
    drive, _ = svgd.pulls(state, 4)
    np.testing.assert_allclose(found["drive"]["y"], drive.norm(dim=1).numpy())
    assert found["drive"]["x"][4] == 0 and set(found) == set(labels(view.picture(state)))


# curves


def test_curves_follow_the_table():
    view = Curves(Numbers("Title", {"t": lambda s: s.t, "odd": lambda s: s.t % 2}, log=False))
    experiment = near("mixture")
    past = past_of(experiment, 5, view)
    found = view.columns(past.states[-1], past)
    assert set(found) == set(labels(view.picture(past.states[0]))) == {"t", "odd", "t" + RANGE, "odd" + RANGE}
    np.testing.assert_array_equal(found["t"]["x"], np.arange(6))
    np.testing.assert_array_equal(found["t"]["y"], np.arange(6))
    np.testing.assert_array_equal(found["odd"]["y"], [0, 1, 0, 1, 0, 1])
    earlier = view.columns(past.states[3], past)
    np.testing.assert_array_equal(earlier["t"]["y"], [0, 1, 2, 3])


def test_values_that_a_logarithmic_axis_cannot_show_are_left_out():
    view = Curves(Numbers("Title", {"y": lambda s: [1.0, 0.0, -1.0, math.inf, math.nan, 2.0][s.t]}))
    past = past_of(near("mixture"), 5, view)
    np.testing.assert_array_equal(view.columns(past.states[-1], past)["y"]["y"], [1] + [np.nan] * 4 + [2])


@pytest.mark.parametrize("name", TARGETS)
def test_the_numbers_of_every_target_can_be_drawn(name):
    experiment = near(name)
    state = experiment.start()
    for view in map(Curves, [*of_run(experiment), bandwidth()]):
        past = past_of(experiment, 1, view)
        assert all(math.isfinite(number) for number in view.record(state).values())
        assert set(columns(view, past)) == set(labels(view.picture(state)))


# two runs compared


def test_a_side_shows_its_half_and_marks_its_numbers():
    one, other = near("mixture"), near("mixture", seed=5)
    curve = Curves(Numbers("Title", {"first": lambda s: s.x[0, 0]}, log=False))
    past = engine.Past(lambda pair: half(curve, "left").record(pair) | half(curve, "right").record(pair))
    pair = Pair(one.start(), other.start())
    for _ in range(3):
        past.add(pair)
        pair = Pair(one.step(pair.left), other.step(pair.right), pair.t + 1)
    for side in ("left", "right"):
        for view in (main_view(one), curve):
            beside = half(view, side)
            assert (beside.automatic, beside.leading) == (view.automatic, view.leading)
            assert set(columns(beside, past)) == set(labels(beside.picture(past.states[0])))
        wanted = [getattr(state, side).x[0, 0].item() for state in past.states]
        np.testing.assert_allclose(columns(half(curve, side), past)["first"]["y"], wanted)
    left, right = (columns(half(main_view(one), side), past)["each particle"]["x"] for side in ("left", "right"))
    np.testing.assert_array_equal(left, past.states[-1].left.x[:, 0].numpy())
    np.testing.assert_array_equal(right, past.states[-1].right.x[:, 0].numpy())


def test_a_side_without_svgd_has_no_arrows():
    experiment = near("banana")
    view = main_view(experiment)
    view.arrows = view.chosen = 1
    found = half(view, "right").columns(Pair(experiment.start(), baselines.State(experiment.particles())))
    assert not {"drive", "repulsion"} & set(found) and len(found["one bandwidth"]["x"]) == 0
    assert len(found["particles"]["x"]) == 12


# the stories


@pytest.fixture(scope="module")
def after():
    """after(story, steps, ...) -> the state of a story at that step."""

    def run(story, steps, **more):
        experiment = ParticlesSettings(**PRESETS[story][0] | more)
        state = experiment.start()
        for _ in range(steps):
            state = experiment.step(state)
        return SimpleNamespace(state=state, x=state.x, target=experiment.density())

    return run


@pytest.mark.parametrize("story", PRESETS)
def test_every_story_takes_ten_steps(after, story):
    there = after(story, 10)
    assert there.state.t == 10 and bool(there.x.isfinite().all()) and len(PRESETS[story][1]) > 40


@pytest.mark.slow
def test_the_papers_particles_settle_on_both_humps(after):
    x = after("The paper's figure", 500).x
    assert 0.5 < (x > 0).double().mean() < 0.8


@pytest.mark.slow
def test_one_particle_ends_at_a_mode(after):
    """There the score is nearly zero and falls."""
    there = after("One particle finds a peak", 1500)
    assert there.target.score(there.x).abs().item() < 0.05
    assert there.target.score(there.x + 0.1).item() < 0 < there.target.score(there.x - 0.1).item()


@pytest.mark.slow
def test_too_wide_a_kernel_spreads_only_slightly(after):
    """The particles never reach half of the target's variance; with the median rule they do."""
    wide, median = after("Too wide a kernel", 500), after("Too wide a kernel", 500, bandwidth="median")
    exact = wide.target.covariance.item()
    assert wide.x.var() < 0.5 * exact and median.x.var() > 0.8 * exact


@pytest.mark.slow
def test_a_far_mode_stays_empty(after):
    """It has two thirds of the mass; the advice in the text finds it."""
    assert (after("A far mode", 500).x > 0).double().mean() < 0.02
    assert (after("A far mode", 300, begin="uniform").x > 0).double().mean() > 0.2
    assert (after("A far mode", 600, temper="linear", step_size=1.0).x > 0).double().mean() > 0.2


@pytest.mark.slow
def test_in_twenty_dimensions_particles_collapse_and_the_per_dimension_kernel_spreads_them(after):
    assert after("Collapse", 300).x.var(0).mean() < 0.4
    assert after("Collapse", 120, kernel="per-dimension").x.var(0).mean() > 0.8


@pytest.mark.slow
def test_on_the_banana_drive_and_repulsion_cancel_at_rest(after):
    """At first φ is half as large as the drive; later it is only a small part of it."""
    state = after("A banana", 400).state
    assert state.phi.norm(dim=1).mean() < 0.25 * state.drive.norm(dim=1).mean()


def test_the_logistic_regressions_classify_most_patients_correctly(after):
    there = after("Breast cancer posterior", 150)
    assert there.target.accuracy(there.x) > 0.9


# settings


def test_every_slider_of_a_target_makes_a_target():
    """At both ends of every parameter."""
    for name, known in PARAMETERS.items():
        for key, p in known.items():
            for value in (p.low, p.default, p.high):
                experiment = near(name, shape={key: value})
                assert experiment.refuses("shape", {key: value}, {}) == ""
                assert bool(experiment.start().x.isfinite().all()), (name, key, value)


def test_equal_seeds_give_equal_runs_and_others_differ():
    one, two, other = near("banana", seed=3), near("banana", seed=3), near("banana", seed=4)
    a, b, c = (e.step(e.start()).x for e in (one, two, other))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_settings_that_exclude_each_other_say_what_to_do():
    with pytest.raises(ValueError, match="choose another kernel"):
        near("logistic", kernel="preconditioned").start()
    with pytest.raises(ValueError, match="choose a normal or a uniform start"):
        near("double_banana", begin="target").start()


def test_the_box_of_the_picture_contains_the_target_and_a_normal_start():
    experiment = ParticlesSettings(begin_mean=-10.0, begin_scale=1.0)
    (low, high), (a, b) = experiment.box()[0], experiment.density().plot_range[0]
    assert low <= min(a, -13) and high >= max(b, -7)
    assert bool(((experiment.particles() > low) & (experiment.particles() < high)).all())
    assert ParticlesSettings(begin="uniform").box() == tuple(experiment.density().plot_range)


def test_pictures_are_overlays_with_limits():
    for name in ("mixture", "banana"):
        picture = main_view(near(name)).picture(near(name).start())
        assert isinstance(picture, hv.Overlay)
        plot = hv.Store.lookup_options("bokeh", picture, "plot").kwargs
        assert None not in plot["xlim"] + plot["ylim"]


def test_the_marks_of_many_particles_are_smaller_and_more_transparent():
    few, full, many = (plane.marks(n) for n in (1, 300, 5000))
    assert few == full == {"size": 8, "alpha": 0.85}
    assert many["size"] < 4 and 0.3 < many["alpha"] < 0.5
    sizes = [plane.marks(n)["size"] for n in range(300, 3000, 100)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_target_on_a_line_is_drawn_again_only_when_it_changes():
    settings = ParticlesSettings(n=10)
    line, state = Line(settings.density, settings.box()[0]), settings.start()
    first = line.columns(state)
    assert line.columns(state)["target"] is first["target"]  # so a packer does not encode it again
    settings.means = [0.0, 3.0]
    moved = line.columns(state)
    grid, peaks = torch.from_numpy(line.grid)[:, None], moved["modes"]["x"]
    np.testing.assert_allclose(moved["target"]["y"], settings.density().log_prob(grid).exp())
    assert peaks.tolist() == [0.0, 3.0] and first["modes"]["x"].tolist() == [-2.0, 2.0]


def test_a_file_of_one_state_shows_a_peak_that_the_moving_picture_cuts():
    settings = ParticlesSettings(target="mixture", n=50, begin_scale=0.05)
    view, state = Line(settings.density, settings.box()[0]), settings.start()
    peak = view.columns(state)["outline"]["y"].max()
    past = engine.Past(None, [state], [0])
    assert view.top < peak < save.painter([view], past, (400, 300), state).panels[0].axes.y.high
    assert save.painter([view], past, (400, 300)).panels[0].axes.y.high == view.top

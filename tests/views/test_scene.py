"""A whole experiment: settings act on the current state, two runs are compared, and the pointer moves particles."""

import re
import time
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch
from bokeh.document import Document
from panel.io.state import set_curdoc

from labkit import baselines, svgd
from labkit.experiments.svgd import PRESETS, Pair, ParticlesSettings
from labkit.experiments.svgd.comparison import SAMPLERS, SETTINGS
from labkit.experiments.svgd.numbers import Discrepancy
from labkit.serving import pages
from labkit.targets import TARGETS
from labkit.views import pulse
from labkit.views.keyboard import Keyboard
from labkit.views.readout import Readout
from labkit.views.remote import Remote
from labkit.views.svgd import Curves, Line, ParticlesScene, Plane, hand
from labkit.views.svgd.beside import whole
from labkit.views.svgd.controls import Controls
from labkit.views.svgd.hand import added, moved

pytestmark = pytest.mark.slow  # whole pages, without a browser

OTHERS = {
    "kernel": "matern32", "bandwidth": "paper", "length": 0.5, "optimizer": "adam", "step_size": 0.5,
    "temper": "linear", "n": 7, "begin": "uniform", "seed": 9,
}  # fmt: skip


@pytest.fixture
def make(drawn, without_pictures):
    """make(settings) -> a scene without pictures that is closed after the test."""
    return drawn


@pytest.fixture
def drawn():
    """drawn(settings) -> a scene with its pictures."""
    made = []

    def scene(**settings):
        one = ParticlesScene(ParticlesSettings(**{"n": 12} | settings))
        one.live.run.watched()
        made.append(one)
        return one

    yield scene
    for each in made:
        each.live.close()


def settled(scene, until=lambda frame: True):
    """The run's frame after all commands were executed."""
    run = scene.live.run
    run.past(lambda past: None)
    number, deadline = run.frame.number, time.monotonic() + 10
    run.redraw()
    while run.frame.number == number or not until(run.frame):
        assert time.monotonic() < deadline, run.frame.error or "it did not happen"
        time.sleep(0.002)
    assert not run.frame.error
    return run.frame


def steps(scene, count):
    for _ in range(count):
        scene.live.run.once()
    return settled(scene).state


def test_a_scene_keeps_the_states_whose_density_is_shown_at_earlier_steps(make):
    scene = make()
    steps(scene, 51)
    assert scene.live.run.past(lambda past: sorted(past.pinned)) == [0, 50]


# settings


@pytest.mark.parametrize(
    "name, value",
    [("kernel", "imq"), ("bandwidth", "paper"), ("optimizer", "adam"), ("step_size", 0.7), ("means", [-1.0, 3.0])],
)
def test_a_setting_acts_on_the_current_state_of_the_run(make, name, value):
    """The state keeps its step and its particles and is evaluated again; the next step uses the new setting."""
    scene = make()
    before = steps(scene, 3)
    setattr(scene.settings.run, name, value)
    now = settled(scene).state
    assert now.t == 3 and torch.equal(now.x, before.x)
    again = scene.settings.run.evaluate(before)
    assert torch.equal(now.phi, again.phi)
    assert torch.equal(steps(scene, 1).x, scene.settings.run.step(again).x)


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_can_be_chosen_while_the_run_plays_on(make, name):
    scene = make()
    scene.settings.run.param.update(target="banana" if name == "mixture" else "mixture", begin_mean=0.0)
    scene.live.play()
    settled(scene, lambda frame: frame.state.t > 1)
    scene.settings.run.target = name
    dim = scene.settings.run.density().dim
    frame = settled(scene, lambda frame: frame.state.x.shape[1] == dim and frame.state.t > 1 and frame.playing)
    assert isinstance(scene.live.views[0], Line if dim == 1 else Plane)
    assert len(frame.content[1]) == len(scene.live.stages) == len(scene.live.views)


def test_a_setting_of_the_start_resets_the_run(make):
    scene = make()
    steps(scene, 4)
    scene.settings.run.seed = 5
    frame = settled(scene)
    assert frame.state.t == 0 and frame.kept == 1
    assert torch.equal(frame.state.x, ParticlesSettings(n=12, seed=5).particles())


@pytest.mark.parametrize(
    "change, kept",
    [({"seed": 5}, 5), ({"n": 30}, 5), ({"begin_mean": -9.0}, 4), ({"target": "banana"}, 3), ({"kernel": "imq"}, 5)],
)
def test_only_pictures_that_a_setting_changes_are_replaced(drawn, change, kept):
    """A picture costs a tenth of a second. Another seed keeps all; a moved start replaces only one."""
    scene = drawn()
    pictures = [stage.pane.object for stage in scene.live.stages]
    scene.settings.run.param.update(**change)
    settled(scene)
    assert sum(a is b.pane.object for a, b in zip(pictures, scene.live.stages, strict=True)) == kept
    assert len(settled(scene).content[1]) == 5


def test_an_invalid_setting_is_shown_and_a_valid_one_fixes_it(make):
    scene = make(target="banana", begin_mean=0.0)
    steps(scene, 1)
    scene.settings.run.param.update(target="double_banana", begin="target")
    wait_for_error(scene, "has no sampler")
    scene.settings.run.begin = "normal"
    assert settled(scene).state.x.shape == (12, 2)
    scene.settings.run.kernel = "preconditioned"
    scene.settings.run.target = "logistic"
    wait_for_error(scene, "choose another kernel")
    scene.settings.run.kernel = "rbf"
    assert settled(scene).state.x.shape[1] == scene.settings.run.density().dim
    assert steps(scene, 2).t == 2


def wait_for_error(scene, words):
    deadline = time.monotonic() + 10
    while words not in scene.live.run.frame.error:
        assert time.monotonic() < deadline, scene.live.run.frame.error
        time.sleep(0.002)


def test_a_scene_shows_the_numbers_that_its_target_has(make):
    """Moment errors if the moments are known, accuracy if there are held-out rows."""
    titles = lambda scene: {getattr(view, "title", "microscope") for view in scene.live.views}  # noqa: E731
    assert titles(make()) == {"", "Stein discrepancy", "Error of the moments", "Bandwidth", "microscope"}
    assert "Test accuracy" in titles(make(target="logistic", begin_mean=0.0))
    assert "Error of the moments" not in titles(make(target="logistic", begin_mean=0.0))


def test_the_line_and_the_chart_use_different_names_for_their_ksd(make):
    """Two numbers: one under the run's kernel, one under the kernel of the first particles."""
    scene = make()
    state = steps(scene, 40)
    chart = next(
        view for view in scene.live.views if isinstance(view, Curves) and isinstance(view.numbers, Discrepancy)
    )
    options = hv.Store.lookup_options("bokeh", chart.picture(state), "plot").kwargs
    h = svgd.median_bandwidth(scene.settings.run.particles())
    assert options["title"] == "KSD (Gaussian, h of step 0)" and options["ylabel"] == "KSD"
    assert f"Stein discrepancy: KSD (fixed kernel, h = {h:.3g})" in chart.record(state)
    fixed = float(svgd.ksd(state.x, scene.settings.run.density(), bandwidth=float(h)))
    (shown,) = set(chart.record(state).values())
    assert shown == pytest.approx(fixed, rel=1e-5) and shown != pytest.approx(state.ksd.item(), rel=1e-3)
    assert scene.status(state).startswith(f"KSD (run's kernel) {float(state.ksd):.3g} · ")


def test_arrows_and_earlier_steps_change_only_the_pictures(make):
    scene = make(target="banana", begin_mean=0.0)
    before = steps(scene, 2)
    scene.settings.arrows = True
    frame = settled(scene)
    assert torch.equal(frame.state.x, before.x) and "drive" in frame.content[1][0]
    scene.settings.arrows = False
    assert "drive" not in settled(scene).content[1][0]


# comparison


@pytest.mark.parametrize("compare", SETTINGS)
def test_two_runs_differ_in_only_one_setting(make, compare):
    scene = make(**({"bandwidth": "fixed"} if compare == "length" else {}))
    scene.settings.compare = compare
    scene.settings.other = OTHERS[compare]
    first = settled(scene).state
    assert isinstance(first, Pair)
    last = steps(scene, 2)
    assert last.t == last.left.t == last.right.t == 2
    alone, beside = scene.settings.run, scene.settings.run.but(**{compare: OTHERS[compare]})
    for run, side in ((alone, "left"), (beside, "right")):
        state = run.start()
        for _ in range(2):
            state = run.step(state)
        assert torch.equal(getattr(last, side).x, state.x)
    assert last.left.x.shape != last.right.x.shape or not torch.equal(last.left.x, last.right.x) or compare == "temper"


@pytest.mark.parametrize("compare", SAMPLERS)
@pytest.mark.parametrize("target", ["mixture", "banana"])
def test_another_sampler_is_shown_next_to_the_run(make, compare, target):
    scene = make(target=target, begin_mean=0.0)
    scene.settings.compare = compare
    first = settled(scene).state
    last = steps(scene, 3)
    assert isinstance(last.right, baselines.State) and last.right.x.shape == last.left.x.shape
    assert not torch.equal(last.right.x, first.right.x)
    assert {view.name for view in scene.live.views} == {"left", "right"}


def test_a_target_without_a_sampler_shows_a_message(make):
    scene = make(target="double_banana", begin_mean=0.0)
    scene.settings.compare = "independent draws"
    wait_for_error(scene, "no exact sampler; compare with Langevin chains")
    scene.settings.compare = "Langevin chains"
    assert steps(scene, 2).t == 2


def test_another_comparison_resets_the_previous_value(make):
    scene = make()
    scene.settings.compare = "kernel"
    scene.settings.other = "imq"
    scene.settings.param.update(compare="n", other=None)
    assert scene.settings.other is None and settled(scene).state.right.x.shape == (12, 1)
    scene.settings.compare = "nothing"
    assert not isinstance(settled(scene).state, Pair)


def test_a_common_setting_reaches_both_runs(make):
    scene = make()
    scene.settings.compare = "kernel"
    scene.settings.other = "imq"
    scene.settings.run.n = 9
    assert scene.settings.second().n == 9 and scene.settings.second().kernel == "imq"
    assert settled(scene).state.right.x.shape == (9, 1)
    scene.settings.run.kernel = "linear"
    assert scene.settings.second().kernel == "imq"


# controls


def test_every_setting_has_a_control_with_a_tooltip(make):
    scene = make()
    controls = Controls(scene.settings, scene.live)
    tips = scene.live.remote.tips
    for owner in (scene.settings.run, scene.settings):
        for name, p in owner.param.objects().items():
            # parameters of the targets, or set with the pointer
            if name not in ("name", "shape", "means", "weights", "other"):
                assert tips[p.label], name
    for widget in controls.__panel__().select(pn.widgets.Widget):
        if getattr(widget, "label", "") and not isinstance(widget, pn.widgets.StaticText):
            assert widget.label in tips or widget.description, widget


@pytest.mark.parametrize("story", PRESETS)
def test_every_story_can_be_chosen(make, story):
    scene = make(seed=3, optimizer="adam")
    controls = Controls(scene.settings, scene.live)
    controls.preset.value = story
    values, words = PRESETS[story]
    for name, value in values.items():
        assert getattr(scene.settings.run, name) == value
    assert scene.settings.run.seed == 3 and scene.settings.run.optimizer == "adagrad"
    assert words in controls.story.object
    assert settled(scene, lambda frame: frame.state.t > 1).playing


@pytest.mark.parametrize("compare", ["nothing", "Langevin chains", "step_size", "kernel", "length"])
def test_the_second_run_has_its_own_control(make, compare):
    scene = make()
    controls = Controls(scene.settings, scene.live)
    scene.settings.compare = compare
    if compare not in SETTINGS:
        assert len(controls.second) == 0
        return
    widget = controls.second[1]
    widget.value = min(getattr(widget, "options", [5]), key=lambda o: abs(o - 0.5)) if compare in (
        "length", "step_size") else OTHERS[compare]  # fmt: skip
    assert getattr(scene.settings.second(), compare) == widget.value == scene.settings.other
    settled(scene)


# the pointer


def test_only_the_moved_particle_changes():
    x = torch.arange(6.0, dtype=torch.float64).reshape(3, 2)
    to = moved(x, 1, (9.0,))
    assert to.tolist() == [[0, 1], [9, 3], [4, 5]] and x[1, 0] == 2
    assert moved(x, 1, (9.0, 8.0)).tolist() == [[0, 1], [9, 8], [4, 5]]
    assert torch.equal(moved(x, 7, (9.0,)), x)


def test_an_added_particle_has_the_mean_in_missing_coordinates():
    x = torch.tensor([[0.0, 1.0], [4.0, 5.0]], dtype=torch.float32)
    assert added(x, (7.0,)).tolist() == [[0, 1], [4, 5], [7, 3]]
    assert added(x, (7.0, 8.0)).dtype == torch.float32


@pytest.mark.parametrize("height", [-1.0, 0.0, 0.1, 0.2, 0.35, 9.0])
@pytest.mark.parametrize("i", [0, 1, 2])
def test_the_weights_stay_a_distribution_while_a_mode_is_dragged(i, height):
    """The others keep their ratio; between the ends, the handle is at the height to which it was dragged."""
    experiment = ParticlesSettings(means=[-4.0, 0.0, 4.0], weights=[0.2, 0.3, 0.5], scale=0.8)
    others = [j for j in range(3) if j != i]
    ratio = experiment.weights[others[0]] / experiment.weights[others[1]]
    experiment.move_handle(i, 1.5, height)
    weights = experiment.weights
    assert sum(weights) == pytest.approx(1) and min(weights) > 0
    assert weights[others[0]] / weights[others[1]] == pytest.approx(ratio)
    assert experiment.means[i] == 1.5 and [experiment.means[j] for j in others] == [[-4.0, 0.0, 4.0][j] for j in others]
    peak = 1 / (0.8 * (2 * np.pi) ** 0.5)
    assert weights[i] == pytest.approx(min(max(height / peak, 0.02), 0.98))


def test_a_single_mode_keeps_all_of_the_weight():
    experiment = ParticlesSettings(means=[0.0], weights=[1.0])
    experiment.move_handle(0, 3.0, 0.1)
    assert experiment.weights == [1.0] and experiment.means == [3.0]


def test_a_click_selects_the_particle_under_it_and_a_click_elsewhere_none(make):
    scene = make(target="banana", begin_mean=0.0)
    x = settled(scene).state.x
    view = scene.live.views[0]
    scene.pointer("left", view).tap(*x[5].tolist())
    assert scene.chosen == ("left", ("particle", 5))
    assert len(settled(scene).content[1][-1]["drive"]["x"]) == 12
    scene.pointer("left", view).tap(*(x.max(0).values + 3).tolist())
    assert scene.chosen == ("left", None)
    line = make()
    x = settled(line).state.x
    line.pointer("left", line.live.views[0]).tap(float(x[3]), 0.0)
    _, (_, i) = line.chosen
    assert x[i] == x[3]


def test_a_dragged_particle_follows_and_the_run_pauses_and_then_plays_on(make):
    scene = make(target="banana", begin_mean=0.0)
    scene.live.play()
    settled(scene, lambda frame: frame.state.t > 1)
    scene.live.run.speed = 1e-3  # so that it stays where the pointer finds it
    x = settled(scene).state.x
    pointer = scene.pointer("left", scene.live.views[0])
    pointer.grab(*x[5].tolist())
    for place in ((0.5, 0.5), (1.0, -0.75)):
        pointer.drag(*place)
    frame = settled(scene)
    assert frame.state.x[5].tolist() == [1.0, -0.75] and not frame.playing
    pointer.drop()
    assert settled(scene).playing


def test_a_double_click_adds_a_particle_and_the_run_continues(make):
    scene = make()
    steps(scene, 2)
    scene.pointer("left", scene.live.views[0]).add(1.25, 0.1)
    state = settled(scene).state
    assert state.x.shape == (13, 1) and state.x[-1].item() == 1.25 and state.t == 2
    assert steps(scene, 2).x.shape == (13, 1)


def test_the_pointer_on_one_side_leaves_the_other_unchanged(make):
    scene = make()
    scene.settings.compare = "kernel"
    before = steps(scene, 1)
    right = next(view for view in scene.live.views if view.name == "right")
    scene.pointer("right", right.view).add(0.0, 0.1)
    state = settled(scene).state
    assert torch.equal(state.left.x, before.left.x) and state.right.x.shape == (13, 1)


def test_a_dragged_mode_moves_the_target_and_keeps_the_run(make):
    scene = make()
    steps(scene, 2)
    view = scene.live.views[0]
    pointer = scene.pointer("left", view)
    handle = view.handles()[1].tolist()
    pointer.grab(*handle)
    pointer.drag(4.0, handle[1])
    pointer.drop()
    assert scene.settings.run.means == [-2.0, 4.0] and settled(scene).state.t == 2
    assert view.handles()[1, 0] == 4.0


# the keyboard


@pytest.fixture
def keys(pressed):
    """keys(scene, *names, side="left") presses keys on the picture of one side; returns what was spoken."""
    boards = {}

    def press(scene, *names, side="left"):
        settled(scene)  # nothing can be chosen before the first frame
        if (scene, side) not in boards:
            view = next(view for at, view in map(whole, scene.live.views) if at == side)
            said: list[str] = []
            boards[scene, side] = Keyboard(hand.Particles(scene, side, view), scene.live, said.append), said
        return pressed(scene, *boards[scene, side], names, settled)

    return press


def test_a_particle_is_chosen_and_moved_by_keyboard_and_the_picture_marks_it(make, keys):
    scene = make(target="banana", begin_mean=0.0)
    before = settled(scene).state
    first = int(before.x[:, 0].argmin())
    x, y = before.x[first].tolist()
    assert keys(scene, "next") == [f"Particle 1 of 12: x1 {x:.3g}, x2 {y:.3g}"]
    assert scene.chosen == ("left", ("particle", first))
    assert settled(scene).content[1][0]["chosen"]["x"].tolist() == [x]
    (left, right), _ = scene.live.views[0].box
    said = keys(scene, "right", "right")
    after = settled(scene).state
    assert said[-1] == "x1 {:.3g}, x2 {:.3g}".format(*after.x[first].tolist())
    assert after.x[first].tolist() == pytest.approx([x + 0.02 * (right - left), y]) and after.t == before.t
    others = torch.arange(12) != first
    assert torch.equal(after.x[others], before.x[others])
    assert torch.equal(after.phi, scene.settings.evaluate(after).phi)


def test_a_removed_particle_takes_its_memory_along_and_the_others_keep_theirs(make, keys):
    scene = make(target="banana", begin_mean=0.0, optimizer="adam")
    before = steps(scene, 3)
    keys(scene, "next", "next")
    _, (_, i) = scene.chosen
    assert i < 11  # without the last particle, the first rows would be right in any case
    assert keys(scene, "remove") == ["Removed"] and scene.chosen == ("left", None)
    after, others = settled(scene).state, torch.arange(12) != i
    assert torch.equal(after.x, before.x[others]) and after.t == 3
    assert torch.equal(after.memory.first, before.memory.first[others]) and after.memory.count == 3
    alone = scene.settings.run.step(after)
    assert torch.equal(steps(scene, 1).x, alone.x)


def test_an_added_particle_is_chosen_and_the_last_one_cannot_be_removed(make, keys):
    scene = make(target="banana", begin_mean=0.0, n=1)
    assert keys(scene, "add")[0].startswith("Added at x1 ")
    assert len(settled(scene).state.x) == 2 and scene.chosen == ("left", ("particle", 1))
    keys(scene, "remove", "next")
    with pytest.raises(ValueError, match="the last particle cannot be removed; add another one first"):
        scene.settings.without(settled(scene).state, "left", 0)


def test_modes_come_before_particles_and_are_moved_added_and_removed(make, keys):
    scene = make()
    run = scene.settings.run
    assert keys(scene, "next")[0].startswith("Mode 1 of 2: x -2, height ")
    keys(scene, "right")
    low, high = scene.live.views[0].box
    assert run.means == pytest.approx([-2 + 0.01 * (high - low), 2]) and settled(scene).state.t == 0
    assert settled(scene).content[1][0]["chosen"]["x"].tolist() == pytest.approx(run.means[:1])
    keys(scene, "add")
    assert len(run.means) == 3 and sum(run.weights) == pytest.approx(1) and scene.chosen == ("left", ("mode", 2))
    assert keys(scene, "remove", "next", "remove", "next")[0] == "Removed" and run.weights == [1.0]
    refused: list[dict] = []
    scene.live.remote._send_msg = refused.append
    Keyboard(hand.Particles(scene, "left", scene.live.views[0]), scene.live, scene.live.remote.say).press("remove")
    wait_for_error(scene, "the last mode cannot be removed")
    scene.live.show_news(more=False)
    spoken = "This change is not possible: the last mode cannot be removed; add another one first"
    assert refused == [{"kind": "say", "data": spoken}]
    assert len(run.means) == 1 and scene.chosen == ("left", ("mode", 0))


def test_a_choice_on_one_side_ends_that_on_the_other_and_a_new_run_has_none(make, keys):
    scene = make(target="banana", begin_mean=0.0)
    scene.settings.compare = "kernel"
    before = settled(scene).state
    keys(scene, "next")
    keys(scene, "next", "up", side="right")
    assert scene.chosen[0] == "right"
    shown = settled(scene).content[1]
    assert [len(each["chosen"]["x"]) for each in shown[:2]] == [0, 1]
    after = settled(scene).state
    assert torch.equal(after.left.x, before.left.x) and not torch.equal(after.right.x, before.right.x)
    assert keys(scene, "left") == ["No particle or mode is chosen. Enter chooses one."]
    keys(scene, "remove", side="right")
    assert (len(settled(scene).state.left.x), len(settled(scene).state.right.x)) == (12, 11)
    keys(scene, "next")
    scene.settings.arrows = True  # new pictures of the same run
    assert scene.chosen[1] is not None and len(settled(scene).content[1][0]["chosen"]["x"]) == 1
    scene.settings.run.n = 7
    assert scene.chosen == ("left", None)


# page files


@pytest.mark.parametrize("name", [page.name for page in pages.listing()])
def test_a_page_starts_and_ten_presses_of_step_take_ten_steps(name):
    pulse._pulses.clear()  # the page of another test is still being built, and no event loop completes it
    document = Document()
    request = SimpleNamespace(arguments={}, headers={}, cookies={}, uri="/", path="/")
    session = SimpleNamespace(id="one", request=request, server_context=None, session=None)
    document._session_context = lambda: session
    with set_curdoc(document):
        template = pages.load(pages.at(next(p.file for p in pages.listing() if p.name == name))).page()
        template.server_doc(document)
        if name in ("index", "runs"):
            return
        run_page(document, lambda: greet(template))
        run_page(document, lambda: counted(template) is not None)
        before = counted(template)
        for button in (each for each in template.select(pn.widgets.Button) if each.label == "Step"):
            for _ in range(10):
                button.clicks += 1
        run_page(document, lambda: counted(template) == before + 10)


def greet(template):
    """Send the browser's first message as soon as the page can receive it; return whether it could."""
    found = template.select(Remote)
    for remote in found:
        remote._handle_msg({"kind": "hello", "dark": False, "reduced": True})
    return bool(found)


def counted(template):
    """The number in the step counter, None before it exists."""
    found = [re.search(r"step <b>(\d+)</b>", line.value) for line in template.select(Readout)]
    return int(found[0][1]) if found and found[0] else None


def run_page(document, until):
    """Run the pages' timer and the scheduled calls of the page until a condition holds."""
    deadline = time.monotonic() + 30
    while not until():
        assert time.monotonic() < deadline
        for each in pulse._pulses.values():
            each._beat()
        for callback in document.session_callbacks:
            callback.callback()
        time.sleep(0.01)


def test_a_scene_as_the_last_line_of_a_cell_shows_its_live_view():
    scene = ParticlesScene(ParticlesSettings(n=12))
    shown = pn.panel(scene)
    assert scene.live.pictures in shown.select(pn.Column) and scene.live.player in shown.select(pn.Column)
    scene.live.close()

"""The tabs Bias meter and Alpha dial: pictures that show the measured values, and a run that ends automatically."""

import math
import time

import holoviews as hv
import numpy as np
import pytest

from labkit.dreg import frontier, sequential
from labkit.experiments.dreg.alpha import AlphaSettings
from labkit.experiments.dreg.bias import BiasSettings
from labkit.views.dreg import AlphaScene, BiasInterval, BiasScene, Evidence
from labkit.views.dreg.alpha import BEST, GRID, SELECTED, BiasVariance, SquaredError
from labkit.views.dreg.evidence import EXACT, HEIGHT, SUM, limits
from labkit.views.dreg.scaling import BAND

pytestmark = pytest.mark.slow  # whole scenes and commands


def run(settings, steps):
    state = settings.start()
    for _ in range(steps - 1):
        state = settings.step(state)
    return state


# its pictures


@pytest.mark.parametrize(("name", "k"), [("stl", 8), ("jk", 2), ("stl", 1)])
def test_columns_of_the_meter_match_its_layers(name, k, stood, check):
    settings = BiasSettings(estimator=name, dim=2, k=k)
    state = settings.start()
    views = [BiasInterval(settings.budget), Evidence(settings.budget, settings.level)]
    stages = [stood(view, state) for view in views]
    assert [bool(views[1].missing(each, 0)) for each in (state, settings.step(state))] == [True, False]
    for _ in range(6):
        for view, stage in zip(views, stages, strict=True):
            check(view, stage, state)
        state = settings.step(state)


def test_lines_bands_and_evidence_show_the_history():
    state = run(BiasSettings(dim=2, distance=0.5), 12)
    test, view = state.tests[0], BiasInterval(100_000)
    view.picture(state)
    columns, (n, norm, low, high, whole, total) = view.columns(state), test.history.numpy().T
    good = np.isfinite(high)
    assert 0 < good.sum() < len(n) and np.allclose(columns["stl"]["y"], norm)
    assert columns["stl" + EXACT]["y"].tolist() == [test.exact] * 2
    floor = limits(state, 100_000)[0] / 10
    assert np.allclose(columns["stl" + BAND]["y"][: good.sum()], low[good].clip(floor))
    assert np.allclose(columns["stl" + BAND]["x"], [*n[good], *n[good][::-1]])
    drawn = Evidence(100_000, 0.05).columns(state)
    assert np.allclose(drawn["stl, all coordinates"]["y"], whole.clip(*HEIGHT)) and np.allclose(
        drawn["stl" + SUM]["y"], total
    )
    assert whole[-1] == pytest.approx(test.state.log_e / math.log(10))


def test_the_exact_value_can_be_hidden():
    state = run(BiasSettings(dim=2, distance=0.5), 2)
    shown, hidden = (BiasInterval(100_000, reveal) for reveal in (True, False))
    for view, there in ((shown, True), (hidden, False)):
        label = hv.Store.lookup_options("bokeh", view.picture(state), "plot").kwargs["xlabel"]
        assert ("exact" in label) == there == bool(np.isfinite(view.columns(state)["stl" + EXACT]["y"]).all())


def test_limits_are_decades_that_contain_the_exact_bias_and_the_noise():
    state = BiasSettings(estimator="iwae", dim=2).start()
    low, high = limits(state, 6400)
    first = state.tests[0].history[0, 1].item()
    assert low <= first / 10 and 1.5 * first <= high and math.log10(low) % 1 == math.log10(high) % 1 == 0
    assert limits(BiasSettings(k=1).start(), 6400) == (1e-3, 1.0)


# the dial


def test_the_dial_is_the_frontier_of_all_batches_and_marks_its_best():
    settings = AlphaSettings(k=4, dim=3, alpha=0.3)
    state = run(settings, 3)
    assert state.total.n % 3 == 0 and state.measured == frontier.measured(state.total)
    assert state.exact == frontier.true(state.toy, 4)
    line, errors = BiasVariance(settings).columns(state), SquaredError(settings).columns(state)
    assert np.allclose(errors["measured"]["y"], line["measured"]["x"] + line["measured"]["y"])
    assert line["dreg"]["y"] == [0] and line["rws-dreg"]["x"] == [state.measured.rws]
    assert errors[SELECTED]["x"] == [0.3] and line[SELECTED]["y"] == [state.measured.squared_bias(0.3)]
    assert errors[BEST]["y"] <= errors["measured"]["y"].min() + 1e-12 and len(GRID) == 101


@pytest.mark.parametrize("params", [{"dim": 2}, {"k": 1}, {"distance": 0.0, "variance": 0.5}])
def test_columns_of_the_dial_match_its_layers(params, stood, check):
    settings = AlphaSettings(**params)
    state = settings.start()
    views = [BiasVariance(settings), SquaredError(settings)]
    stages = [stood(view, state) for view in views]
    for _ in range(2):
        for view, stage in zip(views, stages, strict=True):
            check(view, stage, state)
        state = settings.step(state)


# the tabs


@pytest.fixture
def scene(request):
    made = request.param()
    yield made
    made.live.close()


def wait(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


@pytest.mark.parametrize("scene", [lambda: BiasScene(BiasSettings(dim=2, distance=0.5))], indirect=True)
def test_the_meter_pauses_at_its_verdict_and_play_starts_the_next_test(scene):
    live = scene.live
    live.play()
    assert wait(lambda: live.run.frame.state is not None and live.run.frame.state.decided)
    assert wait(lambda: not live.run.frame.playing)
    ended = live.run.past(lambda past: past.states[-1])
    assert ended.decided and not live.run.past(lambda past: past.states[-2]).decided
    scene.status(ended)
    assert "STL is biased (after " in scene.said.object and scene.said in scene.first()  # the text of a page
    scene.settings.estimator = "iwae"
    assert wait(lambda: live.run.frame.playing and live.run.frame.state.tests[0].name == "iwae")
    assert "“No bias found”" in scene.remark.object


@pytest.mark.parametrize("scene", [lambda: AlphaScene(AlphaSettings(dim=2))], indirect=True)
def test_another_alpha_keeps_the_run_and_moves_the_mark(scene):
    scene.live.run.once()
    assert wait(lambda: scene.live.run.past(lambda past: len(past.states)) == 2)
    scene.settings.alpha = 0.25
    assert scene.live.run.past(lambda past: len(past.states)) == 2
    moved = lambda: scene.live.run.frame.content[1][0][SELECTED]["y"][0]  # noqa: E731
    assert wait(lambda: moved() == scene.live.run.frame.state.measured.squared_bias(0.25))
    scene.settings.k = 8
    assert scene.live.run.past(lambda past: len(past.states)) == 1


def test_the_text_explains_the_special_cases_jk_and_dreg():
    assert sequential.start(BiasSettings().toy(), "dreg", 4).reference == "iwae"
    for name, words in (("jk", "another bound"), ("dreg", "compared with IWAE")):
        made = BiasScene(BiasSettings(estimator=name))
        try:
            assert words in made.remarks()
        finally:
            made.live.close()

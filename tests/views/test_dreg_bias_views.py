"""The tabs Bias meter and Alpha dial: pictures that say what was measured, and a run that ends by itself."""

import csv
import io
import math
import time

import numpy as np
import pytest
import torch

from labkit.dreg import exact, frontier, sequential
from labkit.dreg.sequential import BLOCK
from labkit.views.dreg import AlphaDial, Bias, BiasMeter, Court, Dial, Evidence, Trials, save_bias_csv, sentence
from labkit.views.dreg.dial import BEST, DIALED, GRID, Errors, Line
from labkit.views.dreg.evidence import EXACT, HEIGHT, SUM, limits
from labkit.views.dreg.law import BAND
from labkit.views.dreg.trial import SPACING

pytestmark = pytest.mark.slow  # whole scenes and commands


def run(settings, steps):
    state = settings.start()
    for _ in range(steps - 1):
        state = settings.step(state)
    return state


def to_the_end(court):
    state = court.start()
    while not state.decided:
        state = court.step(state)
    return state


# the trial


def test_a_trial_is_the_sequential_test_and_stops_where_it_does():
    court = Court(estimator="stl", dim=3, distance=0.5)
    (trial,) = to_the_end(court).trials
    assert trial.verdict.word == "biased" and trial.state.peak >= math.log(20)
    before = run(court, trial.state.t - 1).trials[0]
    assert before.verdict is None and before.state.peak < math.log(20)
    assert torch.equal(before.trail[:, 0], torch.arange(1.0, trial.state.t, dtype=torch.float64) * BLOCK)
    assert trial.state.low <= trial.exact <= trial.state.high


def test_exact_biases_are_those_that_are_known():
    for name, k, known in (("stl", 4, None), ("iwae", 4, 0.0), ("vimco", 4, 0.0), ("stl", 1, 0.0)):
        court = Court(estimator=name, k=k)
        found = exact.answers(court.toy(), (k,), ("stl", "dreg")).mean[:, 0]
        wanted = (found[0] - found[1]).abs().item() if known is None else known
        assert court.start().trials[0].exact == pytest.approx(wanted, abs=1e-14)
    for name in ("jk", "dreg-alpha", "vae"):  # other targets, or no quadrature
        assert Court(estimator=name).start().trials[0].exact is None


@pytest.mark.parametrize("dim", [2, 5])
def test_offsets_sum_to_nothing_and_keep_their_length(dim):
    toy = Court(dim=dim, distance=0.7).toy()
    assert toy.offset.sum().abs() < 1e-12 and toy.distance == pytest.approx(0.7)
    assert Court(dim=dim, distance=0.7, opposed=False).toy().offset.min() > 0
    assert Court(dim=1, distance=0.7).toy().distance == pytest.approx(0.7)


def test_points_of_the_trail_lie_ever_farther_apart_and_the_last_is_now():
    state = run(Court(estimator="iwae", dim=1, k=1), 70)
    (trial,) = state.trials
    n = trial.trail[:, 0]
    assert len(n) < 65 and n[-1] == trial.state.n == 70 * BLOCK
    assert (n[1:-1] >= SPACING * n[:-2]).all()
    assert trial.trail[-1, 1].item() == trial.state.norm


def test_the_sentence_says_verdict_interval_and_what_the_sum_missed():
    trial = to_the_end(Court(dim=2, distance=0.5)).trials[0]
    said = sentence(trial)
    assert said.startswith(
        f"stl: biased after {trial.state.n:,} replicates: the evidence has reached 20; |bias| is from"
    )
    assert f"(exactly {trial.exact:.3g}) with 95 %" in said and "sum over coordinates alone: t = " in said
    assert sentence(Court().start().trials[0]) == "stl: not decided after 64 replicates."


# its pictures


@pytest.mark.parametrize(("name", "k"), [("stl", 8), ("jk", 2), ("stl", 1)])
def test_columns_of_the_meter_are_those_of_its_layers(name, k, stood, check):
    court = Court(estimator=name, dim=2, k=k)
    state = court.start()
    views = [Bias(court.budget), Evidence(court.budget, court.level)]
    stages = [stood(view, state) for view in views]
    for _ in range(6):
        for view, stage in zip(views, stages, strict=True):
            check(view, stage, state)
        state = court.step(state)


def test_lines_bands_and_evidence_are_the_trails():
    state = run(Court(dim=2, distance=0.5), 12)
    trial, view = state.trials[0], Bias(100_000)
    view.picture(state)
    columns, (n, norm, low, high, whole, total) = view.columns(state), trial.trail.numpy().T
    good = np.isfinite(high)
    assert 0 < good.sum() < len(n) and np.allclose(columns["stl"]["y"], norm)
    assert columns["stl" + EXACT]["y"].tolist() == [trial.exact] * 2
    floor = limits(state, 100_000)[0] / 10
    assert np.allclose(columns["stl" + BAND]["y"][: good.sum()], low[good].clip(floor))
    assert np.allclose(columns["stl" + BAND]["x"], [*n[good], *n[good][::-1]])
    drawn = Evidence(100_000, 0.05).columns(state)
    assert np.allclose(drawn["stl, T²"]["y"], whole.clip(*HEIGHT)) and np.allclose(drawn["stl" + SUM]["y"], total)
    assert whole[-1] == pytest.approx(trial.state.log_e / math.log(10))


def test_limits_are_decades_that_hold_the_exact_bias_and_the_noise():
    state = Court(estimator="iwae", dim=2).start()
    low, high = limits(state, 6400)
    first = state.trials[0].trail[0, 1].item()
    assert low <= first / 10 and 1.5 * first <= high and math.log10(low) % 1 == math.log10(high) % 1 == 0
    assert limits(Court(k=1).start(), 6400) == (1e-3, 1.0)


def test_a_table_has_a_row_for_each_trial():
    courts = Court(dim=2, distance=0.5), Court(estimator="jk", dim=2)
    states = [run(court, 10) for court in courts]
    target = io.BytesIO()
    save_bias_csv(Trials(states[0].toy, tuple(state.trials[0] for state in states)), target)
    stl, jk = csv.DictReader(io.StringIO(target.getvalue().decode()))
    trial = states[0].trials[0]
    assert (stl["estimator"], stl["verdict"], stl["replicates"]) == ("stl", "biased", "640")
    assert float(stl["bias_exact"]) == trial.exact and float(stl["p"]) == trial.state.p
    assert float(stl["T2"]) == trial.state.t2 and (jk["verdict"], jk["bias_exact"]) == ("", "")


# the dial


def test_the_dial_is_the_frontier_of_all_batches_and_marks_its_best():
    settings = Dial(k=4, dim=3, alpha=0.3)
    state = run(settings, 3)
    assert state.total.n % 3 == 0 and state.measured == frontier.measured(state.total)
    assert state.exact == frontier.true(state.toy, 4)
    line, errors = Line(settings).columns(state), Errors(settings).columns(state)
    assert np.allclose(errors["measured"]["y"], line["measured"]["x"] + line["measured"]["y"])
    assert line["dreg"]["y"] == [0] and line["rws-dreg"]["x"] == [state.measured.rws]
    assert errors[DIALED]["x"] == [0.3] and line[DIALED]["y"] == [state.measured.squared_bias(0.3)]
    assert errors[BEST]["y"] <= errors["measured"]["y"].min() + 1e-12 and len(GRID) == 101


@pytest.mark.parametrize("params", [{"dim": 2}, {"k": 1}, {"distance": 0.0, "variance": 0.5}])
def test_columns_of_the_dial_are_those_of_its_layers(params, stood, check):
    settings = Dial(**params)
    state = settings.start()
    views = [Line(settings), Errors(settings)]
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


@pytest.mark.parametrize("scene", [lambda: BiasMeter(Court(dim=2, distance=0.5))], indirect=True)
def test_the_meter_pauses_at_its_verdict_and_plays_the_next_trial(scene):
    live = scene.live
    live.play()
    assert wait(lambda: live.run.frame.state is not None and live.run.frame.state.decided)
    assert wait(lambda: not live.run.frame.playing)
    ended = live.run.past(lambda past: past.states[-1])
    assert ended.decided and not live.run.past(lambda past: past.states[-2]).decided
    scene.status(ended)
    assert "biased after" in scene.said.object
    scene.settings.estimator = "iwae"
    assert wait(lambda: live.run.frame.playing and live.run.frame.state.trials[0].name == "iwae")
    assert "“None found”" in scene.remark.object


@pytest.mark.parametrize("scene", [lambda: AlphaDial(Dial(dim=2))], indirect=True)
def test_another_alpha_keeps_the_run_and_moves_the_mark(scene):
    scene.live.run.once()
    assert wait(lambda: scene.live.run.past(lambda past: len(past.states)) == 2)
    scene.settings.alpha = 0.25
    assert scene.live.run.past(lambda past: len(past.states)) == 2
    moved = lambda: scene.live.run.frame.content[1][0][DIALED]["y"][0]  # noqa: E731
    assert wait(lambda: moved() == scene.live.run.frame.state.measured.squared_bias(0.25))
    scene.settings.k = 8
    assert scene.live.run.past(lambda past: len(past.states)) == 1


def test_jk_and_dreg_are_said_to_be_special():
    assert sequential.start(Court().toy(), "dreg", 4).reference == "iwae"
    for name, words in (("jk", "another bound"), ("dreg", "compared with iwae")):
        made = BiasMeter(Court(estimator=name))
        try:
            assert words in made.remarks()
        finally:
            made.live.close()

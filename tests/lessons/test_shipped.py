"""The lessons that come with labkit: their runs mark their questions, and what their texts claim is true."""

import dataclasses
import re
from functools import cache

import numpy as np
import pytest

from labkit import lessons
from labkit.experiments.draw import ReadSettings, ResampleSettings
from labkit.lessons.catalog import SHIPPED
from labkit.models import load_checkpoint

NAMES = sorted(file.stem for file in SHIPPED.glob("*.toml"))
QUESTIONS = {
    (name, i + 1): step.question for name in NAMES for i, step in enumerate(lessons.load(name).steps) if step.question
}


@cache
def walked(name):
    """The states of each step of a lesson, by the number of the step, counted from 1."""
    return dict(enumerate(lessons.walk(lessons.load(name)), 1))


def end(name, step):
    return walked(name)[step][-1]


def found(name, step):
    return QUESTIONS[name, step].find(walked(name)[step])


# their form


def test_there_are_three_lessons_for_each_method_in_the_order_of_the_pages():
    pages = [lessons.load(name).page for name in lessons.names()]
    assert pages == ["svgd"] * 3 + ["draw"] * 3 + ["dreg"] * 3
    assert [lesson.name for lesson in lessons.of_page("svgd")] == NAMES[6:]


@pytest.mark.parametrize("name", NAMES)
def test_the_texts_are_short_enough_for_the_page(name):
    for step in lessons.load(name).steps:
        asked = step.question
        texts = [step.text, *([asked.text, asked.tell] if asked else [])]
        assert all(len(s.split()) <= 20 for text in texts for s in re.split(r"(?<=[.?!:])\s+", text)), texts
        assert len(step.text) <= 160
        assert not asked or (len(asked.text) <= 95 and asked.tell and max(map(len, asked.choices), default=0) <= 40)


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_asks_at_least_twice_and_begins_in_the_middle_without_a_question(name):
    lesson = lessons.load(name)
    assert sum(name == each for each, _ in QUESTIONS) >= 2
    assert lesson.title.endswith("?") and lesson.steps[0].restart and lesson.steps[0].question is None
    assert lesson.steps[0].at > 0 and lesson.steps[0].play == 0


def test_the_run_decides_every_question():
    """No right choice is written in a lesson."""
    assert [key for key, question in QUESTIONS.items() if question.right or not question.mark] == []


# what the runs give


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step"), QUESTIONS)
def test_the_run_of_a_step_marks_its_question(name, step):
    """The right answer comes from the run, and every other choice, or a number beyond the tolerance, is wrong."""
    question, number = QUESTIONS[name, step], found(name, step)
    solution = question.solution(number)
    assert question.judge(solution, number).right and question.judge(None, number).right is None
    if question.kind == "choice":
        wrong = [choice for choice in question.choices if choice != solution]
        assert wrong and not any(question.judge(choice, number).right for choice in wrong)
        return
    assert question.refuses(solution) == ""
    assert question.judge(shifted(solution, 0.99 * question.tolerance, question), number).right
    assert not question.judge(shifted(solution, 1.01 * question.tolerance, question), number).right


def shifted(solution, by, question):
    """The answer moved by a distance, inside its range."""
    numbers = list(solution) if isinstance(solution, tuple) else [solution]
    numbers[0] += by if numbers[0] + by <= question.high else -by
    return numbers if isinstance(solution, tuple) else numbers[0]


# another run gives another answer; True: the right answer of the lesson is then wrong
CHANGES = {
    ("svgd-100-particles", 2): ({"begin_mean": 10.0}, True),
    ("svgd-100-particles", 3): ({"weights": [0.8, 0.2]}, True),
    ("svgd-100-particles", 4): ({"n": 1}, True),
    ("svgd-100-particles", 6): ({"weights": [0.9, 0.1]}, True),
    ("svgd-100-particles", 7): ({"means": [-2.0, 5.0]}, True),
    ("svgd-100-particles", 8): ({"scale": 2.0}, True),
    ("svgd-one-particle", 2): ({"means": [-6.0, 6.0]}, True),
    ("svgd-one-particle", 3): ({"means": [-6.0, 6.0]}, True),
    ("svgd-one-particle", 4): ({"weights": [2 / 3, 1 / 3]}, True),
    ("svgd-one-particle", 5): ({"means": [-5.0, 2.0]}, True),
    ("svgd-one-particle", 6): ({"means": [2.0], "weights": [1.0]}, True),
    ("svgd-one-particle", 7): ({"weights": [0.8, 0.2]}, True),
    ("svgd-when-it-fails", 2): ({"means": [-2.0, 2.0], "begin_mean": -2.0}, True),
    ("svgd-when-it-fails", 3): ({"temper": "none"}, True),
    ("svgd-when-it-fails", 4): ({"begin": "normal", "begin_mean": -7.0}, True),
    ("svgd-when-it-fails", 5): ({"shape": {"dim": 2}}, True),
    ("svgd-when-it-fails", 6): ({"shape": {"dim": 20}}, True),
    ("svgd-when-it-fails", 7): ({"kernel": "rbf"}, True),
    ("draw-attention", 2): ({"model": "draw-small-labels"}, False),
    ("draw-attention", 3): ({"digit": 1}, False),
    ("draw-attention", 4): ({"digit": 1}, False),
    ("draw-attention", 5): ({"digit": 7}, False),
    ("draw-attention", 6): ({"model": "draw-small"}, True),
    ("draw-digit", 3): ({"digit": 1}, False),
    ("draw-digit", 4): ({"digit": 0}, False),
    ("draw-digit", 5): ({"digit": 1}, False),
    ("draw-digit", 6): ({"digit": 0}, False),
    ("draw-digit", 8): ({"digit": 1}, False),
    ("draw-early-glimpses", 2): ({"t": 1}, True),
    ("draw-early-glimpses", 3): ({"t": 6}, True),
    ("draw-early-glimpses", 4): ({"t": 10}, True),
    ("draw-early-glimpses", 5): ({"t": 1}, True),
    ("draw-early-glimpses", 6): ({"seed": 2}, False),
    ("draw-early-glimpses", 7): ({"t": 6}, True),
    ("dreg-more-samples", 2): ({"seed": 1}, False),
    ("dreg-more-samples", 3): ({"snap": True}, True),
    ("dreg-more-samples", 4): ({"distance": 1.0}, True),
    ("dreg-more-samples", 5): ({"snap": True}, True),
    ("dreg-more-samples", 6): ({"dim": 1}, False),
    ("dreg-more-samples", 7): ({"snap": False}, True),
    ("dreg-second-reparameterisation", 2): ({"distance": 2.0}, True),
    ("dreg-second-reparameterisation", 3): ({"k": 1}, True),
    ("dreg-second-reparameterisation", 4): ({"variance": 1.0}, True),
    ("dreg-second-reparameterisation", 5): ({"k": 8}, True),
    ("dreg-second-reparameterisation", 6): ({"k": 1}, True),
    ("dreg-second-reparameterisation", 7): ({"variance": 2 / 3}, True),
    ("dreg-stl-bias", 2): ({"k": 1}, True),
    ("dreg-stl-bias", 3): ({"distance": 0.5}, True),
    ("dreg-stl-bias", 4): ({"k": 8}, True),
    ("dreg-stl-bias", 5): ({"k": 1}, True),
    ("dreg-stl-bias", 6): ({"k": 1}, True),
    ("dreg-stl-bias", 7): ({"k": 1}, True),
    ("dreg-stl-bias", 8): ({"estimator": "stl"}, True),
}


def test_every_question_has_a_change():
    assert set(CHANGES) == set(QUESTIONS)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "step"), CHANGES)
def test_another_run_gives_another_answer(name, step):
    change, flips = CHANGES[name, step]
    question, before = QUESTIONS[name, step], found(name, step)
    after = question.find(lessons.states(changed(lessons.load(name), step - 1, change), step - 1))
    assert after != before
    verdict = question.judge(None, after).text if question.kind == "choice" else None
    if flips:
        assert not question.judge(question.solution(before), after).right, verdict


def changed(lesson, i, change):
    """The lesson with other settings from the start of the run of step i."""
    began = lesson.began(i)
    steps = [
        dataclasses.replace(step, settings={**step.settings, **change}) if began <= k <= i else step
        for k, step in enumerate(lesson.steps)
    ]
    return dataclasses.replace(lesson, steps=tuple(steps))


def test_no_question_on_the_bias_shows_the_exact_value():
    lesson = lessons.load("dreg-stl-bias")
    shown = [lessons.experiment(lesson, i).reveal for i in range(len(lesson.steps))]
    assert shown == [False] * (len(shown) - 1) + [True] and lesson.steps[-1].question is None


def test_the_curve_of_the_spread_is_hidden_at_questions_about_pixels():
    lesson = lessons.load("draw-early-glimpses")
    asked = [(i, step.question.mark) for i, step in enumerate(lesson.steps) if step.question]
    assert {mark for _, mark in asked} == {"mean_difference", "spread_falls_below"}
    for i, mark in asked:
        assert lessons.experiment(lesson, i).chosen.reveal == (mark == "spread_falls_below")


# what their texts claim


@pytest.mark.slow
def test_100_particles_share_themselves_as_the_weights_and_their_forces_cancel():
    name = "svgd-100-particles"
    assert (end(name, 1).x < 0).all() and end(name, 1).x.mean() < -2
    assert any((state.x < -4).any() and (state.x > 1).any() for state in walked(name)[2])
    assert abs((end(name, 3).x < 0).double().mean() - 1 / 3) < 0.03
    drive, phi = end(name, 4).drive.abs().mean(), end(name, 4).phi.abs().mean()
    assert drive > 0.05 and phi < 0.3 * drive
    assert (walked(name)[4][0].x - end(name, 4).x).abs().mean() < 0.1
    assert abs(found(name, 6) - 10 / 3) < 1
    assert abs(found(name, 7) - 2 / 3) < 0.1 and abs(found(name, 8) - (1 + 2 / 9 * 4**2)) < 0.2


@pytest.mark.slow
def test_one_particle_climbs_to_the_nearest_peak():
    name = "svgd-one-particle"
    target = lessons.experiment(lessons.load(name), 0).run.density()
    grid = np.linspace(-2, 2, 4001)
    p = np.exp(-((grid + 2) ** 2) / 2) / 3 + np.exp(-((grid - 2) ** 2) / 2) * 2 / 3
    assert grid[p.argmin()] < 0 and p[-1] > p[0] and target.dim == 1
    assert all((state.repulsion == 0).all() for state in walked(name)[2])
    assert found(name, 2) < 0 < found(name, 3)
    assert end(name, 5).x.item() == pytest.approx(end(name, 2).x.item(), abs=1e-6)
    assert 0.8 < end(name, 6).x.max() - end(name, 6).x.min() < 1.2


@pytest.mark.slow
def test_svgd_fails_as_the_lesson_says_and_the_remedies_help():
    name = "svgd-when-it-fails"
    assert 0.25 < end(name, 2).bandwidth < 0.35
    left = [float((state.x < 0).double().mean()) for state in walked(name)[3]]
    assert left[100] == left[-1] < 1
    begun = walked(name)[5][0].x
    assert abs(begun.var(0, correction=0).mean() - 1) < 0.1
    assert closeness(begun) < 0.2 < 0.4 < closeness(walked(name)[6][0].x)
    assert found(name, 5) == pytest.approx(np.log(101) / 20, abs=0.05)
    linear = end(name, 8).x.var(0, correction=0)
    assert abs(linear.mean() - 1) < 0.05


def closeness(x):
    """How much the distances of all pairs differ: their standard deviation divided by their mean."""
    apart = np.linalg.norm(x.numpy()[:, None] - x.numpy()[None], axis=-1)[np.triu_indices(len(x), 1)]
    return apart.std() / apart.mean()


@pytest.mark.slow
def test_the_windows_of_draw_move_as_the_lesson_says():
    name, model = "draw-attention", load_checkpoint("draw-small")
    traces = [ReadSettings(model, digit=k).start().trace for k in range(10)]
    firsts = np.array([[trace.read.center_x[0, 0], trace.read.center_y[0, 0]] for trace in traces])
    assert np.ptp(firsts, 0).max() < 1e-4 and 8 < firsts[0, 1] < 13.5
    trace = end(name, 4).trace
    assert (np.diff(trace.read.center_y[:8, 0].numpy()) > 0).all()
    assert trace.write.sigma[9, 0] > 2 * trace.write.sigma[7, 0]
    undecided = ((trace.images > 0.2) & (trace.images < 0.8)).double().mean((1, 2, 3, 4))
    assert undecided[7] > 0.2 > 0.1 > undecided[9]
    one = end(name, 5)
    p, paper = one.trace.images[7, 0].numpy(), one.image[0].numpy() < 0.1
    assert -np.log1p(-p[paper]).sum() > one.trace.nll[7, 0] / 2
    assert found(name, 6) > QUESTIONS[name, 6].edges[0] == pytest.approx(trace.bound.item(), abs=0.1)
    both = [ReadSettings(each, digit=3).start().trace.bound for each in (model, load_checkpoint("draw-small-full"))]
    assert abs(both[0] - both[1]) < 3


@pytest.mark.slow
def test_digits_cost_what_the_lesson_says_and_other_images_more():
    name, model = "draw-digit", load_checkpoint("draw-small")
    assert end(name, 1).trace.glimpse.shape[-2:] == (5, 5)
    bounds = [ReadSettings(model, digit=k).start().trace.bound.item() for k in range(10)]
    assert 50 < min(bounds) < 70 and 115 < max(bounds) < 135
    stripes = np.zeros((1, 28, 28), np.float32)
    stripes[:, ::4] = 1
    drawing = ReadSettings(model)
    drawing.image = model.posterior.weight.new_tensor(stripes)
    assert drawing.start().trace.bound > QUESTIONS[name, 8].edges[-1]


@pytest.mark.slow
def test_the_first_z_decides_more_than_a_third_with_and_without_windows():
    name = "draw-early-glimpses"
    z = end(name, 2).trace.z
    assert (z[:5] == z[:5, :1]).all() and not (z[5] == z[5, :1]).all()
    assert found(name, 4) < 2 / 3 * found(name, 3)
    whole = ResampleSettings(load_checkpoint("draw-small-full"), t=1, seed=1).sheet(1)
    assert found(name, 7) < 2 / 3 * lessons.MARKS["mean_difference"]([whole])
    spread = end(name, 6).spread
    assert spread[4] < 0.5 * spread[0]


@pytest.mark.slow
def test_the_noise_of_iwae_falls_more_slowly_than_its_gradient():
    name = "dreg-more-samples"
    both = end(name, 6)
    k = np.log(both.sizes[6:])
    spread = np.log(both.values("variance").numpy()[:, 6:])
    signal = np.log(both.values("SNR").numpy()[:, 6:]) + spread / 2
    for i, slope in enumerate((-1, -3)):
        assert np.polyfit(k, spread[i], 1)[0] == pytest.approx(slope, abs=0.1)
        assert np.polyfit(k, signal[i], 1)[0] == pytest.approx(-1, abs=0.1)
    assert found(name, 4) == pytest.approx(32, abs=8)
    assert (end(name, 7).truths("SNR")[0] == 0).all()


@pytest.mark.slow
def test_the_gain_of_dreg_grows_with_the_number_of_samples():
    name = "dreg-second-reparameterisation"
    one, eight, many = (found(name, step) for step in (4, 3, 5))
    assert one == pytest.approx(4, abs=1e-6) and 15 < eight < 20 < many
    score, path = end(name, 4).score.numpy(), end(name, 4).path.numpy()
    noise_of_path = path + (2 * (end(name, 4).toy.offset.numpy()))
    assert np.abs(noise_of_path - score) == pytest.approx(4 * np.abs(noise_of_path))
    w = end(name, 7).w.numpy()
    assert w == pytest.approx(np.full(8, 1 / 8)) and np.abs(end(name, 7).path.numpy()).max() < 1e-12


@pytest.mark.slow
def test_the_bias_of_stl_stays_while_its_noise_falls():
    name = "dreg-stl-bias"
    eight, many = (end(name, step).tests[0] for step in (2, 5))
    assert many.exact == pytest.approx(eight.exact, rel=0.15) == pytest.approx(0.03, abs=0.004)
    assert many.state.scatter < eight.state.scatter / 2
    assert end(name, 4).tests[0].state.norm == 0
    silent = end(name, 7).tests[0].state
    assert silent.scatter < 1e-6 < silent.norm
    assert end(name, 8).tests[0].state.scatter == pytest.approx(4 * eight.state.scatter, rel=0.1)

"""A lesson is read from a text file; every problem names file and step, and says what to do."""

import pytest

from labkit import lessons
from labkit.lessons.reading import read

GOOD = """
title = "Where do they go?"
page = "svgd"
tab = "Particles"
minutes = 3

[[steps]]
text = "Two particles."
settings = { n = 2 }
restart = true
at = 5

[[steps]]
text = "They climb."
settings = { begin_mean = -6 }
play = 20

[steps.question]
text = "Where is the mean?"
kind = "place"
low = -10
high = 10.0
tolerance = 0.5
mark = "mean"
parameters = { coordinate = 1 }

[[steps]]
text = "More of them."
settings = { n = 10 }

[steps.question]
text = "How many are left of 0?"
kind = "choice"
choices = ["None", "Some", "All"]
edges = [0.5, 9.5]
mark = "count_below"
parameters = { x = 0.0 }
"""


def written(folder, text, name="mine.toml"):
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def problems(folder, text, name="mine.toml"):
    with pytest.raises(lessons.LessonError) as found:
        read(written(folder, text, name))
    assert str(found.value).splitlines() == found.value.lines
    return found.value.lines


def test_a_good_file_gives_the_lesson_that_it_describes(tmp_path):
    lesson = read(written(tmp_path, GOOD))
    assert (lesson.name, lesson.page, lesson.tab, lesson.minutes) == ("mine", "svgd", "Particles", 3)
    assert lesson.settings(0) == {"n": 2} and lesson.settings(2) == {"n": 10, "begin_mean": -6}
    assert lesson.began(2) == 0 and lesson.steps[0].at == 5 and lesson.steps[1].play == 20
    assert lesson.steps[1].question.tolerance == 0.5 and lesson.steps[2].question.edges == (0.5, 9.5)


def test_a_fresh_step_has_only_its_own_settings(tmp_path):
    lesson = read(written(tmp_path, GOOD.replace("settings = { n = 10 }", "settings = { n = 10 }\nfresh = true")))
    assert lesson.settings(2) == {"n": 10}


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ('"svgd"', '"svg"', ["mine.toml: page", "'svg'", "did you mean 'svgd'?"]),
        ('"Particles"', '"Particle"', ["mine.toml: tab", "did you mean 'Particles'?"]),
        ('"Where do they go?"', '"They go"', ["mine.toml: title must be a question", "question mark"]),
        ("minutes = 3", "minutes = 0", ["mine.toml: minutes", "from 1 to 120", "got 0"]),
        ("minutes = 3", "minuets = 3", ["nothing here is called 'minuets'", "did you mean 'minutes'?"]),
        ('text = "Two particles."', "", ["step 1: text", "it is missing"]),
        ('"Two particles."', '"' + "very " * 31 + 'long."', ["step 1", "at most 30 words, got 32", "split it"]),
        (
            '"Two particles."',
            '"' + "All of it is very short. " * 11 + '"',
            ["step 1: text", "at most 60 words, got 66"],
        ),
        ("{ n = 2 }", "{ n = 5000 }", ["step 1, settings: n=5000", "at most 2000"]),
        ("{ n = 2 }", "{ number = 2 }", ["step 1, settings: no setting is called number"]),
        ("{ n = 2 }", '{ kernel = "rbff" }', ["step 1, settings: kernel=rbff"]),
        ("{ n = 2 }", "{ n = nan }", ["step 1, settings: n=nan"]),
        ("{ n = 2 }", "7", ["step 1: settings must be a table, got 7"]),
        ("{ begin_mean = -6 }", "{ begin_mean = true }", ["step 2, settings: begin_mean=True", "a number"]),
        ("play = 20", "play = -1", ["step 2: play", "whole number", "got -1"]),
        ("play = 20", "play = true", ["step 2: play", "got True"]),
        ("restart = true", 'restart = "yes"', ["step 1: restart must be true or false, got 'yes'"]),
        ('"place"', '"spot"', ["step 2, question: kind", "choice, number, place"]),
        ('"mean"', '"maen"', ["step 2, question: mark", "did you mean 'mean'?"]),
        ('"mean"', '"bias_size"', ["the mark bias_size is for /dreg, Bias meter"]),
        ('mark = "mean"', "", ["step 2, question: mark", "it is missing"]),
        ("{ coordinate = 1 }", "{ axis = 1 }", ["parameters do not fit the mark mean", "coordinate, side"]),
        ("tolerance = 0.5", "tolerance = 0", ["step 2, question: tolerance", "got 0"]),
        ("tolerance = 0.5", "axes = 3\ntolerance = 1.0", ["step 2, question: axes", "from 1 to 2"]),
        ("high = 10.0", 'high = "ten"', ["step 2, question: high must be a number, got 'ten'"]),
        ('["None", "Some", "All"]', "[]", ["step 3, question: choices", "2 or more"]),
        ('["None", "Some", "All"]', '["None", "None", "All"]', ["step 3, question: choices", "different"]),
        ("[0.5, 9.5]", "[9.5, 0.5]", ["step 3, question: edges must be 2 increasing numbers"]),
        ("[0.5, 9.5]", "[0.5]", ["step 3, question: edges must be 2 increasing numbers"]),
        (
            'mark = "count_below"',
            'right = "Some"\nmark = "count_below"',
            ["step 3", "either a mark", "give one of them"],
        ),
        ('mark = "count_below"', 'right = "Other"', ["right must be one of the choices", "got 'Other'"]),
        ("{ x = 0.0 }", "{ }", ["parameters do not fit the mark count_below", "'x'"]),
        ("title =", "title", ["not valid TOML", "line 2"]),
        ("edges = [0.5, 9.5]", "", ["step 3, question: edges", "count_below returns a number"]),
        ('"count_below"', '"window_place"', ["step 3, question", "returns a place", "needs a number"]),
        ("tolerance = 0.5", "axes = 2\ntolerance = 0.5", ["the mark mean returns a number", "needs a place"]),
        ("{ coordinate = 1 }", '{ coordinate = "a" }', ["coordinate must be a whole number, got 'a'"]),
        ("{ x = 0.0 }", "{ x = true }", ["x must be a number, got True"]),
        ("tolerance = 0.5", "tolerance = 1" + "0" * 400, ["step 2, question: tolerance must be a number"]),
        ("tolerance = 0.5", "tolerance = 1" + "0" * 5000, ["not valid TOML"]),
        ("{ begin_mean = -6 }", "{ begin_mean = 1" + "0" * 400 + " }", ["begin_mean=inf", "finite"]),
    ],
)
def test_a_wrong_file_is_refused_with_its_place_and_what_to_do(tmp_path, old, new, wanted):
    assert old in GOOD
    lines = problems(tmp_path, GOOD.replace(old, new, 1))
    assert any(all(word in line for word in wanted) for line in lines), lines
    assert all(line.startswith("mine.toml") for line in lines)


def test_all_problems_of_a_file_are_listed_at_once(tmp_path):
    lines = problems(tmp_path, GOOD.replace("{ n = 2 }", "{ n = 0 }").replace("minutes = 3", "minutes = 999"))
    assert len(lines) == 2


def test_a_wrong_setting_is_listed_only_at_the_step_that_sets_it(tmp_path):
    lines = problems(tmp_path, GOOD.replace("{ n = 2 }", "{ scale = 99.0 }"))
    assert len(lines) == 1 and "step 1" in lines[0]


@pytest.mark.parametrize(("steps", "count"), [((6, 10), 3), ((1, 2), 3)])
def test_too_few_or_too_many_steps_are_refused(tmp_path, steps, count):
    with pytest.raises(lessons.LessonError, match=f"{steps[0]} to {steps[1]} steps, got {count}"):
        read(written(tmp_path, GOOD), steps)


def test_a_name_that_does_not_fit_into_an_address_is_refused(tmp_path):
    assert "small letters" in problems(tmp_path, GOOD, "My Lesson.toml")[0]


@pytest.mark.parametrize(
    ("parameters", "wanted"),
    [
        ('{ of = "mean", top = { }, bottom = { } }', None),
        ('{ of = "mean", top = 3, bottom = { } }', "top must be a table, got 3"),
        ('{ of = "meen", top = { }, bottom = { } }', "no mark is called 'meen'; did you mean 'mean'?"),
        ('{ of = "mean", top = { a = 1 }, bottom = { } }', "do not fit the mark mean"),
        ('{ of = "slope", top = { quantity = "SNR", estimator = "stl" }, bottom = { } }', "slope is for /dreg"),
    ],
)
def test_the_mark_inside_a_comparison_is_checked_too(tmp_path, parameters, wanted):
    text = GOOD.replace('"mean"', '"ratio"').replace("{ coordinate = 1 }", parameters)
    if wanted is None:
        assert read(written(tmp_path, text)).steps[1].question.mark == "ratio"
    else:
        assert any(wanted in line for line in problems(tmp_path, text))


def test_a_network_that_does_not_exist_is_refused(tmp_path):
    text = """
title = "Where does it look?"
page = "draw"
tab = "Read"
[[steps]]
text = "A step."
settings = { model = "draw-tiny" }
"""
    assert "model=draw-tiny: must be one of" in problems(tmp_path, text)[0]


def test_the_settings_of_the_chosen_experiment_are_known(tmp_path):
    text = """
title = "What does one number do?"
page = "draw"
tab = "Latents"
[[steps]]
text = "A step."
settings = { i = 3, experiment = "Change one latent" }
"""
    lesson = read(written(tmp_path, text))
    assert lessons.experiment(lesson, 0).chosen.i == 3
    assert "no setting is called i" in problems(tmp_path, text.replace("Change one latent", "x"))[-1]

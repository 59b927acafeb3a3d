"""The box for a typed log-density: a usable formula starts the run again, another one stays with its reason."""

import time

import panel as pn
import pytest

from labkit.experiments.links import set_all
from labkit.experiments.svgd import ParticlesSettings
from labkit.views.svgd import ParticlesScene, typed


@pytest.fixture
def settings():
    return ParticlesSettings(target="formula", n=5)


def parts(run):
    """The text box and the line below it."""
    box, reason = typed.field(run)
    return box, reason


def test_a_typed_formula_becomes_the_target(settings):
    box, reason = parts(settings)
    box.value = "-(x - 3)**2 / 2"
    assert settings.density().dim == 1 and float(settings.density().mean[0]) == pytest.approx(3)
    assert not reason.visible
    settings.formula = "-x**4"
    assert box.value == "-x**4"


def test_a_wrong_formula_is_not_used_and_its_reason_is_shown_as_text(settings):
    box, reason = parts(settings)
    before = settings.density()
    box.value = "<b>x</b>"
    assert settings.density() is before and reason.visible
    assert reason.object.startswith("Not used: character 1 of the formula") and "<" not in reason.object
    box.value = "-x**2"
    assert not reason.visible


def test_the_picture_follows_the_number_of_dimensions():
    scene = ParticlesScene(ParticlesSettings(target="formula", n=5), play=False)
    kinds = []
    for formula in ("-x**2", "-x**2 - y**2"):
        scene.settings.run.formula = formula
        kinds.append(type(scene.live.views[0]).__name__)
        assert scene.live.run.frame.state.x.shape == (5, len(kinds))
    assert kinds == ["Line", "Plane"]


def test_a_formula_that_is_set_in_python_and_wrong_shows_its_reason():
    scene = ParticlesScene(ParticlesSettings(target="formula", n=5), play=False)
    scene.live.run.watched()
    scene.settings.run.formula = "log(x)"
    until = time.monotonic() + 20
    while not scene.live.run.frame.error and time.monotonic() < until:
        time.sleep(0.01)
    scene.live.close()
    assert "log p must be finite everywhere" in scene.live.run.frame.error


def test_the_box_is_shown_with_its_target_only():
    scene = ParticlesScene(ParticlesSettings(n=5), play=False)
    (controls,) = scene.controls()
    labels = lambda: [box.label for box in controls.__panel__().select(pn.widgets.TextInput)]  # noqa: E731
    assert "Formula, log p" not in labels()
    scene.settings.run.target = "formula"
    assert "Formula, log p" in labels()


def test_a_link_sets_a_formula_and_a_wrong_one_is_refused_with_its_reason(settings):
    assert set_all(settings, {"formula": "-x**4 + x**2"}) == []
    assert settings.formula == "-x**4 + x**2"
    (refused,) = set_all(settings, {"formula": "-x**2 +"})
    assert "character 8 of the formula" in refused and settings.formula == "-x**4 + x**2"


def test_runs_with_other_formulas_are_not_stepped_as_one_batch(settings):
    from labkit.experiments.svgd.together import Together

    runs = [settings.but(optimizer="plain", formula=text) for text in ("-x**2", "-x**2", "-x**4")]
    keys = [Together(run).key(run.start()) for run in runs]
    assert keys[0] == keys[1] != keys[2]

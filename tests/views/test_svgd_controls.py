"""The controls of /svgd: a new mode has space, a new comparison differs, an equation has small parentheses."""

import re

import param
import pytest

from labkit.experiments.links import set_all
from labkit.experiments.settings import Linkable
from labkit.experiments.svgd import numbers
from labkit.experiments.svgd.comparison import SETTINGS, ComparisonSettings, another
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.views.pad import Pad
from labkit.views.svgd import Curves, ParticlesScene, texts
from labkit.views.svgd.controls import compared, emptiest, modes


def test_a_new_mode_is_far_from_the_others():
    assert emptiest([-2.0, 2.0], -4, 4) == 0.0
    assert emptiest([0.0], -4, 4) == pytest.approx(-2.0)
    run = ParticlesSettings()
    more = modes(run)[1][0]
    for _ in range(3):
        more.clicks += 1
    assert len(set(run.means)) == len(run.means) == 5


def test_a_second_run_begins_with_another_value():
    settings = ComparisonSettings()
    select = compared(settings)
    for name in SETTINGS:
        select.value = name
        chosen = settings.run.param[name]
        if isinstance(chosen, param.Selector):
            assert settings.other in chosen.objects and settings.other != getattr(settings.run, name)
    assert another(settings.run, "n") is None


def test_a_link_without_a_second_value_begins_with_another_one():
    for name in ("kernel", "bandwidth", "optimizer"):
        settings = ComparisonSettings(compare=name)
        assert getattr(settings.second(), name) == another(settings.run, name) != getattr(settings.run, name)
    assert ComparisonSettings(compare="n").second().n == ParticlesSettings().n


def test_parentheses_of_the_equation_do_not_grow():
    marks = re.findall(r"<mo[^>]*>[][()]</mo>", texts.EQUATION)
    assert len(marks) > 5 and all('stretchy="false"' in each for each in marks)


def test_a_refused_value_is_explained_without_words_of_python():
    class Some(Linkable):
        number = param.Number(1.0)

    (refused,) = set_all(Some(), {"number": "three"})
    assert "not text" in refused and "class" not in refused


@pytest.fixture
def controls(without_pictures):
    """The controls of the particles, whose scene has no pictures."""
    scene = ParticlesScene(ParticlesSettings(n=5), play=False)
    yield scene.controls()[0]
    scene.live.close()


def test_a_target_that_is_chosen_again_adds_no_watcher(controls):
    run = controls.settings.run

    def watchers():
        return sum(len(each) for kinds in run.param.watchers.values() for each in kinds.values())

    def choose_all():
        for target in ("formula", "drawn", "mixture"):
            run.target = target
        run.add_mode(0.5)

    choose_all()
    before = watchers()
    choose_all()
    assert watchers() == before


def test_the_square_keeps_its_drawing_while_another_target_is_chosen(controls):
    run = controls.settings.run
    run.target = "drawn"
    (pad,) = controls.shape.select(Pad)
    ink = [255.0 if 100 <= i < 140 else 0.0 for i in range(pad.side**2)]
    pad._handle_msg({"kind": "drawn", "pixels": ink})
    run.target = "banana"
    run.target = "drawn"
    assert controls.shape.select(Pad) == [pad] and pad.pixels == ink
    pad.clear()
    assert pad.pixels == []


def test_a_kernel_without_a_bandwidth_hides_its_rule_and_the_plot_of_it(controls):
    settings, plot = controls.settings, Curves(numbers.bandwidth())
    settings.run.param.update(kernel="linear", bandwidth="fixed")
    state = settings.run.start()
    assert not (controls.rule.visible or controls.length.visible) and "no bandwidth" in plot.missing(state, 3)
    settings.run.kernel = "rbf"
    assert controls.rule.visible and controls.length.visible and not plot.missing(settings.run.evaluate(state), 3)
    settings.run.kernel, settings.compare = "linear", "kernel"
    assert controls.rule.visible  # the second run has another kernel

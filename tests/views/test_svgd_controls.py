"""The controls of /svgd: a new mode has space, a new comparison differs, an equation has small parentheses."""

import re

import param
import pytest

from labkit.experiments.links import set_all
from labkit.experiments.settings import Linkable
from labkit.experiments.svgd.comparison import SETTINGS, ComparisonSettings
from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.views.svgd import texts
from labkit.views.svgd.controls import another, compared, emptiest, modes


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


def test_parentheses_of_the_equation_do_not_grow():
    marks = re.findall(r"<mo[^>]*>[][()]</mo>", texts.EQUATION)
    assert len(marks) > 5 and all('stretchy="false"' in each for each in marks)


def test_a_refused_value_is_explained_without_words_of_python():
    class Some(Linkable):
        number = param.Number(1.0)

    (refused,) = set_all(Some(), {"number": "three"})
    assert "not text" in refused and "class" not in refused

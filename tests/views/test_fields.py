"""Controls: a box for a number always shows the number that is used."""

import importlib
import math

import panel as pn
import param
import pytest

from labkit.lessons.tabs import TABS
from labkit.views import fields
from labkit.views.lesson_cell import SCENES

NUMBERS = pn.widgets.IntInput, pn.widgets.FloatInput  # boxes of Panel for a number


class Settings(param.Parameterized):
    n = param.Integer(default=100, bounds=(1, 2000), label="Particles, n")


@pytest.fixture
def box():
    """The settings, the box for their n, and the line below it."""
    settings = Settings()
    column = fields.number(settings, "n")
    return settings, *column


@pytest.mark.parametrize(
    ("typed", "used", "said"),
    [
        (50, 50, ""),
        (1_000_000_000, 2000, "Allowed: 1 to 2,000. Using 2,000."),
        (1e26, 2000, "Allowed: 1 to 2,000. Using 2,000."),  # what a browser sends for 27 digits
        (math.inf, 2000, "Allowed: 1 to 2,000. Using 2,000."),
        (-5, 1, "Allowed: 1 to 2,000. Using 1."),
        (12.6, 13, "Only whole numbers. Using 13."),
        (None, 100, "Not a number. Using 100."),
        ("letters", 100, "Not a number. Using 100."),
        (math.nan, 100, "Not a number. Using 100."),
        (True, 100, "Not a number. Using 100."),
    ],
)
def test_the_box_shows_the_used_number_for_every_browser_input(box, typed, used, said):
    settings, field, line = box
    field._process_events({"value": typed, "value_throttled": typed})
    assert (settings.n, field.value, line.object, line.visible) == (used, used, said, bool(said))


def test_the_browser_receives_the_used_number(box):
    settings, field, _ = box
    model = field.get_root()
    for typed in (None, 1_000_000_000):
        model.value = typed  # as Bokeh does with the text from the browser
        field._process_events({"value": typed})
        assert model.value == settings.n == field.value


def test_a_number_that_code_sets_is_shown_and_the_message_is_cleared(box):
    settings, field, line = box
    field._process_events({"value": 3000})
    assert line.visible
    settings.n = 7
    assert field.value == 7 and not line.visible
    field._process_events({"value": 3000})
    field._process_events({"value": 8})
    assert settings.n == 8 and not line.visible


@pytest.mark.parametrize(("page", "tab"), [(page, tab) for page, tabs in TABS.items() for tab in tabs])
def test_every_number_box_of_a_tab_says_what_it_uses(page, tab, without_pictures):
    """Other inputs are tested above, for the same box: here a number that is too large would cost a large run."""
    module, name = SCENES[page][tab]
    scene = getattr(importlib.import_module(f"labkit.views.{module}"), name)(TABS[page][tab]({}))
    controls = pn.Column(*scene.controls())
    rows = [each for each in controls.select(pn.Column) if any(isinstance(part, NUMBERS) for part in each)]
    assert len(rows) == len(controls.select(lambda each: isinstance(each, NUMBERS))) and (
        rows or tab == "Attention lab"
    )
    for box, line in rows:
        assert isinstance(box, fields.Whole) and "whole" in box.css_classes
        for typed, said in ((-5, "Allowed: "), (None, "Not a num")):
            box._process_events({"value": typed})
            assert line.visible and line.object.startswith(said) and line.object.endswith(f" Using {box.value:,}.")
    scene.live.close()


def test_seed_and_number_of_particles_have_a_box_and_others_a_slider(box):
    class Others(param.Parameterized):
        batch = param.Integer(default=1, bounds=(1, 9))

    assert isinstance(box[1], fields.Whole)
    assert isinstance(fields.number(Others(), "batch"), pn.widgets.IntSlider)


class Wide(param.Parameterized):
    """A link or a script may use more than a control offers."""

    n = param.Integer(default=100, bounds=(1, 10**6), softbounds=(2, 2000))
    k = param.Integer(default=8, bounds=(1, 10**6), softbounds=(1, 256))
    rate = param.Number(default=0.1, bounds=(1e-9, 1e9), softbounds=(0.01, 1.0))


def test_controls_offer_the_soft_bounds():
    settings = Wide()
    box, line = fields.number(settings, "n")
    box._process_events({"value": 3000})
    assert (settings.n, line.object) == (2000, "Allowed: 2 to 2,000. Using 2,000.")
    for make in (fields.number, fields.dial):
        slider = make(settings, "k")
        assert (slider.start, slider.end) == (1, 256)
    options = fields.log_slider(settings, "rate").options
    assert (options[0], options[-1], len(options)) == (0.01, 1.0, 41)


def test_a_control_keeps_a_setting_beyond_what_it_offers():
    settings = Wide(n=5000, k=1000, rate=50.0)
    shown = [fields.number(settings, "n"), fields.number(settings, "k"), fields.log_slider(settings, "rate")]
    pn.Column(*shown).get_root()
    assert (settings.n, settings.k, settings.rate, shown[1].value) == (5000, 1000, 50.0, 1000)

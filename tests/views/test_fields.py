"""Controls: a box for a number always shows the number that is used."""

import math

import panel as pn
import param
import pytest

from labkit.views import fields


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
        (1_000_000_000, 2000, "From 1 to 2,000: 2,000 is used."),
        (1e26, 2000, "From 1 to 2,000: 2,000 is used."),  # what a browser sends for 27 digits
        (math.inf, 2000, "From 1 to 2,000: 2,000 is used."),
        (-5, 1, "From 1 to 2,000: 1 is used."),
        (12.6, 13, ""),
        (None, 100, ""),
        ("letters", 100, ""),
        (math.nan, 100, ""),
        (True, 100, ""),
    ],
)
def test_whatever_a_browser_sends_the_box_shows_the_number_that_is_used(box, typed, used, said):
    settings, field, line = box
    field._process_events({"value": typed, "value_throttled": typed})
    assert (settings.n, field.value, line.object, line.visible) == (used, used, said, bool(said))


def test_the_browser_is_told_the_number_that_is_used(box):
    settings, field, _ = box
    model = field.get_root()
    for typed in (None, 1_000_000_000):
        model.value = typed  # as Bokeh does with what the browser has typed
        field._process_events({"value": typed})
        assert model.value == settings.n == field.value


def test_a_number_that_is_set_elsewhere_is_shown_and_the_limit_is_forgotten(box):
    settings, field, line = box
    field._process_events({"value": 3000})
    settings.n = 7
    assert field.value == 7
    field._process_events({"value": 8})
    assert settings.n == 8 and not line.visible


def test_a_seed_and_a_number_of_particles_have_a_box_and_all_else_a_slider(box):
    class Others(param.Parameterized):
        batch = param.Integer(default=1, bounds=(1, 9))

    assert isinstance(box[1], fields.Whole)
    assert isinstance(fields.number(Others(), "batch"), pn.widgets.IntSlider)

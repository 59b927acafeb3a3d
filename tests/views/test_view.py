"""The contract of a view: its defaults, what a wrapper forwards, and which views are refused."""

from dataclasses import dataclass
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pytest

from labkit.past import Past
from labkit.views.view import Part, View, checked


@dataclass(frozen=True)
class Two:
    """A state of two numbers."""

    a: float
    b: float


class Number(View):
    """A number as a point, and how many states there were."""

    leading, wide, automatic, aspect, declaration = True, True, True, 2.5, ("x",)

    def picture(self, state):
        return hv.Points([(state, 0.0)], label="p")

    def columns(self, state, past=None):
        seen = [] if past is None else [*past.states, *past.pinned.values(), *past.drawn("n")[0]]
        return {"p": {"x": np.array([state]), "y": np.array(seen)}}

    def record(self, state):
        return {"n": float(state)}

    def describe(self, state, past=None):
        return f"{state} of {len(past.states)}"


def test_a_minimal_view_is_a_small_plot_that_records_and_has_no_text():
    view = View()
    assert (view.leading, view.wide, view.automatic, view.aspect, view.declaration) == (False, False, False, None, None)
    assert view.record(None) == {} and view.describe(None, None) == ""
    for method in (view.picture, view.columns):
        with pytest.raises(NotImplementedError, match=r"View must define"):
            method(None)


def test_a_part_forwards_everything_to_its_view_for_its_part_of_the_state():
    view = Number()
    left, right = (Part(view, part, name) for part, name in ((lambda s: s.a, "left"), (lambda s: s.b, "right")))
    past = Past(lambda state: left.record(state) | right.record(state))
    for i in range(3):
        past.add(Two(i, 10.0 * i))
    state = past.states[-1]
    assert past.names == ("left n", "right n")
    assert left.picture(state).data.iloc[0, 0] == 2 and right.picture(state).data.iloc[0, 0] == 20
    pinned = list(past.pinned.values())
    for part, numbers in ((left, [0, 1, 2]), (right, [0, 10, 20])):
        assert [getattr(part, name) for name in ("leading", "wide", "automatic", "aspect")] == [True, True, True, 2.5]
        assert part.declaration == (Number, "x")
        columns = part.columns(state, past)["p"]
        assert columns["x"][0] == numbers[-1]
        assert columns["y"].tolist() == [*numbers, *[part.part(each) for each in pinned], *numbers]
        assert part.describe(state, past) == f"{part.part(state)} of 3"
        assert part.columns(state)["p"]["y"].tolist() == []


def test_a_part_without_a_name_keeps_the_names_of_the_numbers():
    assert Part(Number(), lambda state: state.a).record(Two(1.0, 2.0)) == {"n": 1.0}


def test_an_invalid_view_is_refused_with_what_to_do():
    with pytest.raises(TypeError, match=r"must be a labkit.views.view.View, got SimpleNamespace; derive its class"):
        checked([Number(), SimpleNamespace(picture=None, columns=None)])
    assert checked(view := Number()) == [view]

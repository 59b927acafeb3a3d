"""Axes of a painted picture: limits, ticks, text, legend, background, and a layout of several."""

import holoviews as hv
import numpy as np
import pytest

from labkit.paint import Painter, paint
from labkit.paint.ticks import linear_ticks, log_ticks
from labkit.paint.words import spell

RED = (255, 0, 0)
SQUARE = {"xlim": (0, 1), "ylim": (0, 1)}


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-4, 4, ["-4", "-2", "0", "2", "4"]),
        (0, 2e6, ["0", "5.0e5", "1.0e6", "1.5e6", "2.0e6"]),
    ],
)
def test_ticks_are_round_numbers_and_labels_show_their_values(low, high, labels):
    ticks = linear_ticks(low, high, 5)
    assert [label for _, label in ticks] == labels
    assert all(float(label) == pytest.approx(value, abs=1e-12) for value, label in ticks)


def test_ticks_lie_inside_the_limits_and_have_different_labels():
    rng = np.random.default_rng(0)
    for exponent in range(-12, 12):
        low = rng.normal() * 10.0**exponent
        ticks = linear_ticks(low, low + 10.0 ** (exponent - 2), 6)
        assert 2 <= len(ticks) <= 7
        assert all(low - 1e-9 * abs(low) <= v <= low + 10.0 ** (exponent - 2) * (1 + 1e-6) for v, _ in ticks)
        assert len({label for _, label in ticks}) == len(ticks)


def test_logarithmic_ticks_are_powers_of_ten():
    assert log_ticks(1e-3, 1e3, 6) == [(10.0**k, f"{10.0**k:g}") for k in range(-3, 4)]
    assert [v for v, _ in log_ticks(1e-9, 20, 6)] == [1e-8, 1e-6, 1e-4, 1e-2, 1.0]  # every second, 1 among them


def test_logarithmic_ticks_are_1_2_5_within_two_decades_and_even_within_one():
    assert [label for _, label in log_ticks(0.06, 4.1, 6)] == ["0.1", "0.2", "0.5", "1", "2"]
    assert [label for _, label in log_ticks(0.62, 0.66, 4)] == ["0.62", "0.63", "0.64", "0.65", "0.66"]


def test_a_dark_picture_has_light_axes_and_unchanged_colours(shown):
    image, at = shown(hv.Points([(0.5, 0.5)]).opts(color="red", size=10, **SQUARE), dark=True)
    assert max(image.getpixel((1, 1))) < 40 and max(at(0.2, 0.2)) < 40
    assert np.asarray(image)[-40:].max() > 180
    assert at(0.5, 0.5) == RED


def test_a_legend_names_labelled_layers_unless_it_is_switched_off(line):
    named, bare = line(), line().relabel("")
    hidden, wanted = (paint(e.opts(show_legend=show)) for e, show in ((named, False), (named, True)))
    assert hidden.tobytes() == paint(bare.opts(show_legend=True)).tobytes() != wanted.tobytes()
    changed = np.nonzero((np.asarray(hidden) != np.asarray(wanted)).any(2))
    assert changed[0].max() < 270 and changed[1].min() > 480  # in the upper right corner


@pytest.mark.parametrize(("position", "covered"), [(s, 0) for s in ("left", "right", "top", "bottom")] + [(None, 1)])
def test_a_legend_outside_covers_no_data(line, shown, position, covered):
    lines = [line(y, line_width=6).relabel(f"at {y}").opts(show_legend=True) for y in (0.02, 0.9)]
    look = {} if position is None else {"legend_position": position}
    _, at = shown(hv.Overlay(lines).opts(title="Two lines", **SQUARE, **look))
    hidden = [(x, y) for y in (0.02, 0.9) for x in np.linspace(0.02, 0.96, 40) if at(x, y) != RED]
    assert bool(hidden) == covered


def test_greek_letters_are_written_or_spelled_out():
    assert spell("ε² → β₁") == "epsilon^2 -> beta_1"
    plain, greek = (paint(hv.Points([(0, 0)]).opts(title=title)) for title in ("", "ε"))
    assert plain.tobytes() != greek.tobytes()


@pytest.mark.parametrize("values", [[], [3.0, 3.0], [np.nan, np.nan], [1e9, 1e9], [np.inf, 0.0]])
def test_constant_data_without_limits_can_be_painted(values):
    for element in (hv.Curve, hv.Points, hv.Area, hv.Spikes):
        picture = element((np.arange(len(values)), values))
        assert paint(picture, size=(200, 150)).size == (200, 150)
    log = hv.Curve((np.arange(len(values)), values)).opts(logy=True)
    assert paint(log, size=(200, 150)).size == (200, 150)


def test_an_area_without_width_does_not_change_the_limits():
    line = hv.Curve(([0, 1], [-27, -25]), "x", "y")
    bands = [hv.Area((x, y, y), "x", ["y", "y2"]) for x, y in (([0.0, 0.0], [1.0, 1.0]), ([0.0, 1.0], [-30.0, 1.0]))]
    painters = [Painter(band * line) for band in bands]
    for painter in painters:
        painter.fit({})
    assert [painter.panels[0].axes.y.high > 0 for painter in painters] == [False, True]


def test_far_away_points_do_not_change_the_picture(shown):
    _, at = shown(hv.Curve(([-1e12, 1e12], [0.5, 0.5])).opts(color="red", line_width=4, line_dash="solid", **SQUARE))
    assert at(0.5, 0.5) == RED


def test_fitted_limits_contain_all_shown_data():
    painter = Painter(hv.Points([], label="p"))
    painter.fit(*({"p": {"x": [0.0, x], "y": [-1.0, 1]}} for x in (10, 30, 20)))
    x = painter.panels[0].axes.x
    assert (x.low, x.high) == pytest.approx((-1.5, 31.5))


def test_a_layout_puts_its_panels_in_columns():
    colours = ["red", "blue", "red"]
    panels = [hv.Points([(0.5, 0.5)]).opts(color=c, size=20, **SQUARE) for c in colours]
    layout = hv.Layout(panels).cols(2)
    image = np.asarray(paint(layout, size=(600, 400))).astype(int)
    blue = (image[..., 2] > 200) & (image[..., 0] < 100)
    red = (image[..., 0] > 200) & (image[..., 2] < 100)
    assert red[:200, :300].any() and blue[:200, 300:].any() and red[200:, :300].any()
    assert not blue[:, :300].any() and not red[200:, 300:].any()

"""Columns of a frame replace the data that a picture declares."""

import holoviews as hv
import numpy as np
import pytest

from labkit.paint import Painter, paint

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
SQUARE = {"xlim": (0, 1), "ylim": (0, 1)}


def test_columns_replace_the_declared_data(shown):
    picture = hv.Points([(0.2, 0.2)], label="p").opts(color="red", size=12, show_legend=False, **SQUARE)
    _, at = shown(picture, {"p": {"x": np.array([0.8]), "y": np.array([0.6])}})
    assert at(0.8, 0.6) == RED and at(0.2, 0.2) == WHITE


def test_columns_may_have_the_names_of_the_dimensions(shown):
    curve = hv.Curve(([0, 1], [0.2, 0.2]), "x", "log p", label="c").opts(color="red", line_width=4, show_legend=False)
    _, at = shown(curve.opts(**SQUARE), {"c": {"x": [0, 1], "log_p": [0.7, 0.7]}})
    assert at(0.5, 0.7) == RED and at(0.5, 0.2) == WHITE


def test_an_area_accepts_a_closed_outline_or_only_its_upper_edge(shown):
    area = hv.Area(([0, 1], [0.1, 0.1]), label="a").opts(color="red", line_color=None, show_legend=False, **SQUARE)
    edge = {"x": np.array([0.0, 1]), "y": np.array([0.6, 0.6])}
    closed = {"x": np.array([0, 1, 1, 0.0]), "y": np.array([0, 0, 0.6, 0.6])}
    pictures = [shown(area, {"a": columns})[0] for columns in (edge, closed)]
    assert pictures[0].tobytes() == pictures[1].tobytes()
    assert shown(area, {"a": edge})[1](0.5, 0.5) == RED


def test_segments_and_paths_accept_columns(shown):
    picture = hv.Segments([(0, 0, 0, 0)], label="s") * hv.Path([np.zeros((2, 2))], label="p")
    picture = picture.opts(hv.opts.Segments(color="red", line_width=4), hv.opts.Path(color="blue", line_width=4))
    picture = picture.opts(show_legend=False, **SQUARE)
    segments = {"x0": [0.2], "y0": [0.2], "x1": [0.2], "y1": [0.9]}
    _, at = shown(picture, {"s": segments, "p": {"xs": [[0.5, 0.5], [0.8, 0.8]], "ys": [[0.1, 0.9], [0.1, 0.9]]}})
    assert at(0.2, 0.6) == RED and at(0.5, 0.5) == BLUE and at(0.8, 0.5) == BLUE


def test_a_painter_draws_the_same_as_paint_after_other_frames():
    still = hv.Curve(([0, 1], [0, 1]), label="still") * hv.Points([(0.5, 0.5)], label="moves").opts(size=9)
    picture = (still * hv.HLine(0.5, label="above")).opts(**SQUARE)
    painter = Painter(picture, (300, 200))
    one, other = ({"moves": {"x": [x], "y": [0.5]}} for x in (0.3, 0.6))
    played = [one, other, None, {"still": {"x": [0, 1], "y": [1, 0]}}, one]
    drawn = [painter.frame(columns).tobytes() for columns in played]
    assert drawn == [paint(picture, columns, size=(300, 200)).tobytes() for columns in played]
    assert len(set(drawn)) == 4


def test_limits_from_the_first_frame_stay():
    painter = Painter(hv.Points([], label="p"))
    painter.frame({"p": {"x": [0.0, 10], "y": [0.0, 1]}})
    first = painter.panels[0].axes
    painter.frame({"p": {"x": [0.0, 99], "y": [0.0, 1]}})
    assert painter.panels[0].axes is first
    assert (first.x.low, first.x.high) == pytest.approx((-0.5, 10.5))


def test_panels_of_a_layout_take_different_columns_under_one_label(reds):
    one = hv.Points([(0.5, 0.5)], label="p").opts(color="red", size=20, show_legend=False, **SQUARE)
    image = Painter(hv.Layout([one, one]).cols(2), (600, 200)).frame(
        [{"p": {"x": [0.5], "y": [0.5]}}, {"p": {"x": [9.0], "y": [9.0]}}]
    )
    assert reds(image)[:, :300].any() and not reds(image)[:, 300:].any()

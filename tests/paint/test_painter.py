"""Pictures by Pillow: colours are at the positions that the mathematics of the axes gives."""

import holoviews as hv
import numpy as np
import pytest

from labkit.paint import Painter, paint
from labkit.paint.strokes import dashes, unbroken

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
SQUARE = {"xlim": (0, 1), "ylim": (0, 1)}


@pytest.mark.parametrize(("x", "y"), [(0.25, 0.75), (0.5, 0.5), (0.9, 0.1)])
def test_a_point_has_its_colour_at_the_position_given_by_the_limits(shown, x, y):
    _, at = shown(hv.Points([(x, y)]).opts(color="red", size=10, **SQUARE))
    assert at(x, y) == RED
    assert at(x, 1 - y + 0.07) == WHITE


def test_a_disc_covers_the_area_of_its_size(shown):
    """A point of size s covers pi s^2 / 4 pixels. The tolerance is two pixels along its rim of length s pi."""
    image, _ = shown(hv.Points([(0.5, 0.5)]).opts(color="red", size=40, **SQUARE), size=(960, 540))
    covered = (255 - np.asarray(image).astype(float)[..., 1])[60:440, 100:860].sum() / 255
    assert abs(covered - np.pi * 20**2) < np.pi * 40 / 2


def test_pixels_follow_inverted_and_logarithmic_scales():
    picture = hv.Points([(1, 10.0)]).opts(xlim=(0, 4), ylim=(1, 1000), logy=True, invert_xaxis=True)
    painter = Painter(picture)
    painter.frame()
    axes = painter.panels[0].axes
    left, top, right, bottom = axes.box
    x, y = axes.pixel(1, 10.0)
    assert x == pytest.approx(right - (right - left) / 4)
    assert y == pytest.approx(bottom - (bottom - top) / 3)


def test_equal_aspect_gives_a_unit_the_same_pixels_on_both_axes():
    painter = Painter(hv.Points([(0, 0)]).opts(xlim=(-5, 5), ylim=(-1, 1), data_aspect=1))
    painter.frame()
    (left, top, right, bottom) = painter.panels[0].axes.box
    assert (right - left) / 10 == pytest.approx((bottom - top) / 2, rel=0.01)


def test_half_alpha_is_the_mean_of_paper_and_colour(shown, line):
    for element in (hv.Points([(0.5, 0.5)]).opts(size=20), line(line_width=9)):
        _, at = shown(element.opts(color="red", alpha=0.5, **SQUARE))
        assert np.allclose(at(0.5, 0.5), (255, 127.5, 127.5), atol=2)


def test_a_dashed_line_is_half_gaps_and_a_solid_one_has_none(shown, reds, line):
    painter = Painter(line(line_dash=[10, 10], line_width=4), (960, 540))
    row = reds(painter.frame())[int(painter.panels[0].axes.pixel(0.5, 0.5)[1])]
    left, _, right, _ = painter.panels[0].axes.box
    inside = row[left:right]
    assert abs(inside.mean() - 0.5) < 0.05
    starts = np.flatnonzero(inside[1:] & ~inside[:-1])
    assert np.abs(np.diff(starts) - 20).max() <= 1
    solid, at = shown(line(line_width=4))
    assert all(at(x, 0.5) == RED for x in np.linspace(0.02, 0.98, 50))


def test_dashes_measure_along_the_line_round_its_corners():
    """A right angle with arms 3 and 4: dashes of 2 off 1 lie at 0-2, 3-5, 6-7."""
    corner = np.array([[0.0, 0], [3, 0], [3, 4]])
    found = dashes(corner, [2.0, 1.0])
    assert [part[[0, -1]].tolist() for part in found] == [[[0, 0], [2, 0]], [[3, 0], [3, 2]], [[3, 3], [3, 4]]]
    assert np.array_equal(dashes(corner, [2.0]), dashes(corner, [2.0, 2.0]))


def test_nan_breaks_a_line(shown):
    y = np.full(101, 0.5)
    y[40:61] = np.nan
    _, at = shown(hv.Curve((np.linspace(0, 1, 101), y)).opts(color="red", line_width=4, **SQUARE))
    assert at(0.2, 0.5) == RED and at(0.8, 0.5) == RED and at(0.5, 0.5) == WHITE
    assert unbroken(np.full((3, 2), np.nan)) == []


def test_an_area_fills_below_its_curve_and_not_above(shown):
    area = hv.Area(([0, 1], [0, 1])).opts(color="red", line_color=None, **SQUARE)
    _, at = shown(area)
    assert at(0.6, 0.5) == RED and at(0.4, 0.5) == WHITE


def test_rectangles_segments_spikes_and_spans_are_at_their_coordinates(shown):
    rectangle = hv.Rectangles([(0.1, 0.1, 0.3, 0.3)]).opts(color="red", line_color=None)
    segment = hv.Segments([(0.5, 0, 0.5, 1)]).opts(color="blue", line_width=4)
    rug = hv.Spikes([0.7]).opts(color="red", spike_length=0.2, line_width=4)
    lines = hv.VLine(0.9).opts(color="blue", line_width=4) * hv.HLine(0.8).opts(color="red", line_width=4)
    _, at = shown((rectangle * segment * rug * lines).opts(**SQUARE))
    assert at(0.2, 0.2) == RED and at(0.2, 0.4) == WHITE
    assert at(0.5, 0.6) == BLUE
    assert at(0.7, 0.1) == RED and at(0.7, 0.3) == WHITE
    assert at(0.9, 0.5) == BLUE and at(0.3, 0.8) == RED


def test_every_segment_has_its_own_width(shown):
    """Line widths are 2 and 20 pixels: at a distance of 5 pixels only the second line is visible."""
    columns = {"x0": [0.3, 0.7], "y0": [0, 0], "x1": [0.3, 0.7], "y1": [1, 1], "width": [2.0, 20.0]}
    segments = hv.Segments(columns, ["x0", "y0", "x1", "y1"], "width").opts(color="red", line_width="width", **SQUARE)
    solid, at = shown(segments)
    off = 5 / solid.width * 1.2
    assert at(0.3, 0.5) == at(0.7, 0.5) == RED
    assert at(0.3 + off, 0.5) == WHITE and at(0.7 + off, 0.5) == RED


def test_bars_and_histograms_reach_their_values(shown):
    """Three bars of width .8 at 0, 1, 2; bins [0, 1) and [1, 2)."""
    bars = hv.Bars((["a", "b", "c"], [1.0, 2, 3])).opts(color="red", line_color=None, xlim=(-1, 3), ylim=(0, 4))
    _, at = shown(bars)
    assert at(1, 1.9) == RED and at(1, 2.1) == WHITE and at(0.5, 0.5) == WHITE
    histogram = hv.Histogram(([0, 1, 2], [1.0, 3])).opts(color="red", line_color=None, xlim=(0, 2), ylim=(0, 4))
    _, at = shown(histogram)
    assert at(0.5, 1.1) == WHITE and at(1.5, 2.9) == RED


@pytest.mark.parametrize(
    ("marker", "inside", "outside"),
    [
        ("dash", [(9, 0), (-9, 0)], [(0, 5), (0, -5)]),
        ("diamond", [(0, 9), (0, -9), (9, 0)], [(8, 8), (-8, 8)]),
        ("triangle", [(0, 9), (6, -5), (-6, -5)], [(8, 8), (-8, 8), (0, -9)]),
        ("square", [(7, 7), (-7, -7)], [(0, 12)]),
        ("cross", [(9, 0), (0, 9)], [(6, 6)]),
    ],
)
def test_a_marker_has_its_shape_and_its_angle_turns_it_anticlockwise(reds, marker, inside, outside):
    """Offsets in pixels from the middle, y upwards. At 90 degrees the point (a, b) is at (-b, a)."""
    style = {"marker": marker, "size": 20, "color": "red", "line_width": 3, "show_legend": False}
    for angle in (0, 90):
        painter = Painter(hv.Scatter([(0.5, 0.5)]).opts(angle=angle, **style, **SQUARE), (960, 540))
        red = reds(painter.frame())
        x, y = (int(v) for v in painter.panels[0].axes.pixel(0.5, 0.5))
        for offsets, wanted in ((inside, True), (outside, False)):
            for a, b in [(-b, a) if angle else (a, b) for a, b in offsets]:
                assert red[y - b, x + a] == wanted, (angle, a, b)


def test_contours_take_the_ends_of_their_colour_map_at_the_extreme_values(shown):
    paths = [{"x": [0, 1], "y": [h, h], "z": v} for h, v in ((0.25, 1.0), (0.75, 3.0))]
    contours = hv.Contours(paths, vdims="z").opts(color="z", cmap=["red", "blue"], line_width=5, **SQUARE)
    _, at = shown(contours)
    assert at(0.5, 0.25) == RED and at(0.5, 0.75) == BLUE


def test_an_image_is_upright_and_uses_its_colour_limits(shown):
    """Row 0 of the array is the top; clim (0, 2) makes 1 the middle grey, 128 of 255."""
    image = hv.Image(np.array([[0.0, 2], [1, 0]]), bounds=(0, 0, 1, 1)).opts(cmap="gray", clim=(0, 2))
    _, at = shown(image.opts(**SQUARE))
    assert at(0.25, 0.75) == (0, 0, 0) and at(0.75, 0.75) == WHITE and at(0.25, 0.25) == (128, 128, 128)


def test_packed_colours_of_bokeh_are_painted_unchanged_lowest_row_first(shown):
    picture = hv.RGB(np.zeros((2, 1, 3)), bounds=(0, 0, 1, 1), label="canvas").opts(**SQUARE)
    packed = np.array([[255, 0, 0, 255], [0, 0, 255, 255]], dtype=np.uint8).view(np.uint32)
    _, at = shown(picture, {"canvas": {"image": [packed]}})
    assert at(0.5, 0.25) == RED and at(0.5, 0.75) == BLUE


def test_text_is_written_at_its_position_in_its_colour(shown, reds):
    for words in (hv.Text(0.5, 0.5, "MMMM"), hv.Labels([(0.5, 0.5, "MMMM")])):
        image, _ = shown(words.opts(text_color="red", **SQUARE))
        rows, cols = np.nonzero(reds(image))
        painter = Painter(words.opts(**SQUARE), (400, 300))
        painter.frame()
        x, y = painter.panels[0].axes.pixel(0.5, 0.5)
        assert abs(rows.mean() - y) < 3 and abs(cols.mean() - x) < 3


def test_each_point_takes_its_own_size_and_colour(shown):
    points = hv.Points(([0.25, 0.75], [0.5, 0.5], [4, 40]), vdims="w", label="p").opts(
        size=hv.dim("w"), color=["red", "blue"], show_legend=False, **SQUARE
    )
    _, at = shown(points, size=(960, 540))
    assert at(0.25, 0.5) == RED and at(0.25, 0.53) == WHITE
    assert at(0.75, 0.53) == BLUE


def test_an_element_that_cannot_be_painted_is_named(line):
    with pytest.raises(TypeError, match="got HexTiles"):
        paint(hv.HexTiles(np.zeros((3, 2))))
    with pytest.raises(TypeError, match="got HoloMap"):
        paint(hv.HoloMap({0: line()}))


def test_columns_without_a_layer_or_of_unequal_length_are_refused(line):
    with pytest.raises(ValueError, match="'line'.*got.*'particles'"):
        paint(line(), {"particles": {"x": [0]}})
    with pytest.raises(ValueError, match="equally long.*'x': 2, 'y': 3"):
        paint(line(), {"line": {"y": [0, 1, 2]}})


def test_impossible_sizes_and_limits_are_refused(line):
    with pytest.raises(ValueError, match="size must lie"):
        paint(line(), size=(10, 10))
    with pytest.raises(ValueError, match="logarithmic"):
        paint(hv.Points([(1, 1)]).opts(logx=True, xlim=(0, 1)))
    with pytest.raises(ValueError, match="invert_axes"):
        paint(line().opts(invert_axes=True))

"""Pictures by Pillow: colours stand where the mathematics of the axes puts them."""

import ast
import io
import sys
from pathlib import Path

import holoviews as hv
import holoviews.plotting.bokeh  # noqa: F401
import numpy as np
import pytest
from PIL import Image

import labkit.views.paint
from labkit.views.paint import Painter, paint, save_gif, save_png
from labkit.views.paint.files import indexed
from labkit.views.paint.strokes import dashes, unbroken
from labkit.views.paint.ticks import linear_ticks, log_ticks
from labkit.views.paint.words import spell

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)
SQUARE = {"xlim": (0, 1), "ylim": (0, 1)}


def shown(picture, columns=None, size=(400, 300), dark=False):
    """The frame and a function: colour at the data point (x, y), by the box and the limits alone."""
    painter = Painter(picture, size, dark)
    image, axes = painter.frame(columns), painter.panels[0].axes
    left, top, right, bottom = axes.box

    def at(x, y):
        across = (x - axes.x.low) / (axes.x.high - axes.x.low)
        up = (y - axes.y.low) / (axes.y.high - axes.y.low)
        return image.getpixel((int(left + across * (right - left)), int(bottom - up * (bottom - top))))

    return image, at


def reds(image):
    """Where a picture is red: booleans [h, w]."""
    pixels = np.asarray(image).astype(int)
    return (pixels[..., 0] > 200) & (pixels[..., 1] < 120) & (pixels[..., 2] < 120)


def line(y=0.5, **style):
    return hv.Curve(([0, 1], [y, y]), label="line").opts(color="red", show_legend=False, **SQUARE, **style)


# Where things land


@pytest.mark.parametrize(("x", "y"), [(0.25, 0.75), (0.5, 0.5), (0.9, 0.1)])
def test_a_point_paints_its_colour_where_the_limits_put_it(x, y):
    _, at = shown(hv.Points([(x, y)]).opts(color="red", size=10, **SQUARE))
    assert at(x, y) == RED
    assert at(x, 1 - y + 0.07) == WHITE


def test_a_disc_covers_the_area_of_its_size():
    """A point of size s covers pi s^2 / 4 pixels; its rim, s pi pixels long, is the tolerance's half."""
    image, _ = shown(hv.Points([(0.5, 0.5)]).opts(color="red", size=40, **SQUARE), size=(960, 540))
    covered = (255 - np.asarray(image).astype(float)[..., 1])[60:440, 100:860].sum() / 255
    assert abs(covered - np.pi * 20**2) < np.pi * 40 / 2


def test_pixels_follow_the_scales_turned_and_logarithmic():
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


# Elements


def test_half_alpha_is_the_mean_of_paper_and_colour():
    for element in (hv.Points([(0.5, 0.5)]).opts(size=20), line(line_width=9)):
        _, at = shown(element.opts(color="red", alpha=0.5, **SQUARE))
        assert np.allclose(at(0.5, 0.5), (255, 127.5, 127.5), atol=2)


def test_a_dashed_line_is_half_gaps_and_a_solid_one_has_none():
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


def test_not_a_number_breaks_a_line():
    y = np.full(101, 0.5)
    y[40:61] = np.nan
    _, at = shown(hv.Curve((np.linspace(0, 1, 101), y)).opts(color="red", line_width=4, **SQUARE))
    assert at(0.2, 0.5) == RED and at(0.8, 0.5) == RED and at(0.5, 0.5) == WHITE
    assert unbroken(np.full((3, 2), np.nan)) == []


def test_an_area_fills_below_its_curve_and_not_above():
    area = hv.Area(([0, 1], [0, 1])).opts(color="red", line_color=None, **SQUARE)
    _, at = shown(area)
    assert at(0.6, 0.5) == RED and at(0.4, 0.5) == WHITE


def test_rectangles_segments_spikes_and_spans_stand_at_their_coordinates():
    rectangle = hv.Rectangles([(0.1, 0.1, 0.3, 0.3)]).opts(color="red", line_color=None)
    segment = hv.Segments([(0.5, 0, 0.5, 1)]).opts(color="blue", line_width=4)
    rug = hv.Spikes([0.7]).opts(color="red", spike_length=0.2, line_width=4)
    lines = hv.VLine(0.9).opts(color="blue", line_width=4) * hv.HLine(0.8).opts(color="red", line_width=4)
    _, at = shown((rectangle * segment * rug * lines).opts(**SQUARE))
    assert at(0.2, 0.2) == RED and at(0.2, 0.4) == WHITE
    assert at(0.5, 0.6) == BLUE
    assert at(0.7, 0.1) == RED and at(0.7, 0.3) == WHITE
    assert at(0.9, 0.5) == BLUE and at(0.3, 0.8) == RED


def test_every_segment_has_its_own_width():
    """Line widths 2 and 20 units at a unit of a pixel: off the line by 5, only the second is there."""
    columns = {"x0": [0.3, 0.7], "y0": [0, 0], "x1": [0.3, 0.7], "y1": [1, 1], "width": [2.0, 20.0]}
    segments = hv.Segments(columns, ["x0", "y0", "x1", "y1"], "width").opts(color="red", line_width="width", **SQUARE)
    solid, at = shown(segments)
    off = 5 / solid.width * 1.2
    assert at(0.3, 0.5) == at(0.7, 0.5) == RED
    assert at(0.3 + off, 0.5) == WHITE and at(0.7 + off, 0.5) == RED


def test_bars_and_histograms_rise_to_their_values():
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
def test_a_marker_has_its_shape_and_its_angle_turns_it_anticlockwise(marker, inside, outside):
    """Offsets in pixels from the middle, y upwards; at 90 degrees what lay at (a, b) lies at (-b, a)."""
    style = {"marker": marker, "size": 20, "color": "red", "line_width": 3, "show_legend": False}
    for angle in (0, 90):
        painter = Painter(hv.Scatter([(0.5, 0.5)]).opts(angle=angle, **style, **SQUARE), (960, 540))
        red = reds(painter.frame())
        x, y = (int(v) for v in painter.panels[0].axes.pixel(0.5, 0.5))
        for offsets, wanted in ((inside, True), (outside, False)):
            for a, b in [(-b, a) if angle else (a, b) for a, b in offsets]:
                assert red[y - b, x + a] == wanted, (angle, a, b)


def test_contours_take_the_ends_of_their_colour_map_at_the_extreme_values():
    paths = [{"x": [0, 1], "y": [h, h], "z": v} for h, v in ((0.25, 1.0), (0.75, 3.0))]
    contours = hv.Contours(paths, vdims="z").opts(color="z", cmap=["red", "blue"], line_width=5, **SQUARE)
    _, at = shown(contours)
    assert at(0.5, 0.25) == RED and at(0.5, 0.75) == BLUE


def test_an_image_stands_upright_and_its_limits_hold():
    """Row 0 of the array is the top; clim (0, 2) makes 1 the middle grey, 128 of 255."""
    image = hv.Image(np.array([[0.0, 2], [1, 0]]), bounds=(0, 0, 1, 1)).opts(cmap="gray", clim=(0, 2))
    _, at = shown(image.opts(**SQUARE))
    assert at(0.25, 0.75) == (0, 0, 0) and at(0.75, 0.75) == WHITE and at(0.25, 0.25) == (128, 128, 128)


def test_bokeh_packed_colours_paint_as_they_are_with_the_lowest_row_first():
    picture = hv.RGB(np.zeros((2, 1, 3)), bounds=(0, 0, 1, 1), label="canvas").opts(**SQUARE)
    packed = np.array([[255, 0, 0, 255], [0, 0, 255, 255]], dtype=np.uint8).view(np.uint32)
    _, at = shown(picture, {"canvas": {"image": [packed]}})
    assert at(0.5, 0.25) == RED and at(0.5, 0.75) == BLUE


def test_words_are_written_at_their_place_in_their_colour():
    for words in (hv.Text(0.5, 0.5, "MMMM"), hv.Labels([(0.5, 0.5, "MMMM")])):
        image, _ = shown(words.opts(text_color="red", **SQUARE))
        rows, cols = np.nonzero(reds(image))
        painter = Painter(words.opts(**SQUARE), (400, 300))
        painter.frame()
        x, y = painter.panels[0].axes.pixel(0.5, 0.5)
        assert abs(rows.mean() - y) < 3 and abs(cols.mean() - x) < 3


def test_each_point_takes_its_own_size_and_colour():
    points = hv.Points(([0.25, 0.75], [0.5, 0.5], [4, 40]), vdims="w", label="p").opts(
        size=hv.dim("w"), color=["red", "blue"], show_legend=False, **SQUARE
    )
    _, at = shown(points, size=(960, 540))
    assert at(0.25, 0.5) == RED and at(0.25, 0.53) == WHITE
    assert at(0.75, 0.53) == BLUE


# Columns


def test_columns_take_the_place_of_the_declared_data():
    picture = hv.Points([(0.2, 0.2)], label="p").opts(color="red", size=12, show_legend=False, **SQUARE)
    _, at = shown(picture, {"p": {"x": np.array([0.8]), "y": np.array([0.6])}})
    assert at(0.8, 0.6) == RED and at(0.2, 0.2) == WHITE


def test_columns_may_be_called_as_the_dimensions_are():
    curve = hv.Curve(([0, 1], [0.2, 0.2]), "x", "log p", label="c").opts(color="red", line_width=4, show_legend=False)
    _, at = shown(curve.opts(**SQUARE), {"c": {"x": [0, 1], "log_p": [0.7, 0.7]}})
    assert at(0.5, 0.7) == RED and at(0.5, 0.2) == WHITE


def test_an_area_takes_bokehs_closed_outline_and_the_upper_edge_alone():
    area = hv.Area(([0, 1], [0.1, 0.1]), label="a").opts(color="red", line_color=None, show_legend=False, **SQUARE)
    edge = {"x": np.array([0.0, 1]), "y": np.array([0.6, 0.6])}
    closed = {"x": np.array([0, 1, 1, 0.0]), "y": np.array([0, 0, 0.6, 0.6])}
    pictures = [shown(area, {"a": columns})[0] for columns in (edge, closed)]
    assert pictures[0].tobytes() == pictures[1].tobytes()
    assert shown(area, {"a": edge})[1](0.5, 0.5) == RED


def test_segments_and_paths_take_columns():
    picture = hv.Segments([(0, 0, 0, 0)], label="s") * hv.Path([np.zeros((2, 2))], label="p")
    picture = picture.opts(hv.opts.Segments(color="red", line_width=4), hv.opts.Path(color="blue", line_width=4))
    picture = picture.opts(show_legend=False, **SQUARE)
    segments = {"x0": [0.2], "y0": [0.2], "x1": [0.2], "y1": [0.9]}
    _, at = shown(picture, {"s": segments, "p": {"xs": [[0.5, 0.5], [0.8, 0.8]], "ys": [[0.1, 0.9], [0.1, 0.9]]}})
    assert at(0.2, 0.6) == RED and at(0.5, 0.5) == BLUE and at(0.8, 0.5) == BLUE


def test_a_painter_draws_what_paint_draws_whatever_it_drew_before():
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


# Axes


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-4, 4, ["-4", "-2", "0", "2", "4"]),
        (0, 2e6, ["0", "5.0e5", "1.0e6", "1.5e6", "2.0e6"]),
    ],
)
def test_ticks_are_round_and_their_labels_say_their_values(low, high, labels):
    ticks = linear_ticks(low, high, 5)
    assert [label for _, label in ticks] == labels
    assert all(float(label) == pytest.approx(value, abs=1e-12) for value, label in ticks)


def test_ticks_of_any_span_lie_inside_it_and_are_told_apart():
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


def test_dark_paper_is_dark_its_axes_light_and_colours_stay():
    image, at = shown(hv.Points([(0.5, 0.5)]).opts(color="red", size=10, **SQUARE), dark=True)
    assert max(image.getpixel((1, 1))) < 40 and max(at(0.2, 0.2)) < 40
    assert np.asarray(image)[-40:].max() > 180
    assert at(0.5, 0.5) == RED


def test_a_legend_names_labelled_layers_unless_told_not_to():
    named, bare = line(), line().relabel("")
    hidden, wanted = (paint(e.opts(show_legend=show)) for e, show in ((named, False), (named, True)))
    assert hidden.tobytes() == paint(bare.opts(show_legend=True)).tobytes() != wanted.tobytes()
    changed = np.nonzero((np.asarray(hidden) != np.asarray(wanted)).any(2))
    assert changed[0].max() < 270 and changed[1].min() > 480  # in the upper right corner


def test_greek_is_written_and_can_be_spelled():
    assert spell("ε² → β₁") == "epsilon^2 -> beta_1"
    plain, greek = (paint(hv.Points([(0, 0)]).opts(title=title)) for title in ("", "ε"))
    assert plain.tobytes() != greek.tobytes()


@pytest.mark.parametrize("values", [[], [3.0, 3.0], [np.nan, np.nan], [1e9, 1e9], [np.inf, 0.0]])
def test_no_limits_and_data_without_a_span_still_paint(values):
    for element in (hv.Curve, hv.Points, hv.Area, hv.Spikes):
        picture = element((np.arange(len(values)), values))
        assert paint(picture, size=(200, 150)).size == (200, 150)
    log = hv.Curve((np.arange(len(values)), values)).opts(logy=True)
    assert paint(log, size=(200, 150)).size == (200, 150)


def test_far_away_points_do_no_harm():
    _, at = shown(hv.Curve(([-1e12, 1e12], [0.5, 0.5])).opts(color="red", line_width=4, line_dash="solid", **SQUARE))
    assert at(0.5, 0.5) == RED


def test_limits_that_were_fitted_hold_all_that_was_shown():
    painter = Painter(hv.Points([], label="p"))
    painter.fit(*({"p": {"x": [0.0, x], "y": [-1.0, 1]}} for x in (10, 30, 20)))
    x = painter.panels[0].axes.x
    assert (x.low, x.high) == pytest.approx((-1.5, 31.5))


def test_panels_of_a_layout_take_columns_of_their_own_under_one_label():
    one = hv.Points([(0.5, 0.5)], label="p").opts(color="red", size=20, show_legend=False, **SQUARE)
    image = Painter(hv.Layout([one, one]).cols(2), (600, 200)).frame(
        [{"p": {"x": [0.5], "y": [0.5]}}, {"p": {"x": [9.0], "y": [9.0]}}]
    )
    assert reds(image)[:, :300].any() and not reds(image)[:, 300:].any()


def test_a_layout_puts_its_panels_in_columns():
    colours = ["red", "blue", "red"]
    panels = [hv.Points([(0.5, 0.5)]).opts(color=c, size=20, **SQUARE) for c in colours]
    layout = hv.Layout(panels).cols(2)
    image = np.asarray(paint(layout, size=(600, 400))).astype(int)
    blue = (image[..., 2] > 200) & (image[..., 0] < 100)
    red = (image[..., 0] > 200) & (image[..., 2] < 100)
    assert red[:200, :300].any() and blue[:200, 300:].any() and red[200:, :300].any()
    assert not blue[:, :300].any() and not red[200:, 300:].any()


# Errors


def test_an_element_that_is_not_painted_is_named():
    with pytest.raises(TypeError, match="got HexTiles"):
        paint(hv.HexTiles(np.zeros((3, 2))))
    with pytest.raises(TypeError, match="got HoloMap"):
        paint(hv.HoloMap({0: line()}))


def test_columns_for_no_layer_and_columns_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="'line'.*got.*'particles'"):
        paint(line(), {"particles": {"x": [0]}})
    with pytest.raises(ValueError, match="equally long.*'x': 2, 'y': 3"):
        paint(line(), {"line": {"y": [0, 1, 2]}})


def test_sizes_and_limits_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="size must lie"):
        paint(line(), size=(10, 10))
    with pytest.raises(ValueError, match="logarithmic"):
        paint(hv.Points([(1, 1)]).opts(logx=True, xlim=(0, 1)))
    with pytest.raises(ValueError, match="invert_axes"):
        paint(line().opts(invert_axes=True))


# Files


def frames(n=6):
    picture = hv.Points([(0, 0)], label="p").opts(color="red", size=12, show_legend=False, **SQUARE)
    painter = Painter(picture, (200, 150))
    return [painter.frame({"p": {"x": [x], "y": [0.5]}}) for x in np.linspace(0.1, 0.9, n)]


@pytest.mark.parametrize(("fps", "total"), [(20, 300), (30, 200), (7, 860)])
def test_a_gif_has_its_frames_its_duration_and_no_end(tmp_path, fps, total):
    """Six frames last 6 / fps seconds, to the hundredth of a second that a GIF can say."""
    path = tmp_path / "run.gif"
    save_gif(iter(frames()), path, fps=fps)
    with Image.open(path) as gif:
        assert gif.n_frames == 6 and gif.info["loop"] == 0
        times = []
        for i in range(6):
            gif.seek(i)
            times.append(gif.info["duration"])
    assert sum(times) == total
    assert [p.name for p in tmp_path.iterdir()] == ["run.gif"]


def test_a_gif_keeps_paper_and_colours_in_every_frame(tmp_path):
    save_gif(frames(), tmp_path / "run.gif")
    with Image.open(tmp_path / "run.gif") as gif:
        for i, frame in enumerate(frames()):
            gif.seek(i)
            difference = np.abs(np.asarray(gif.convert("RGB")).astype(int) - np.asarray(frame))
            assert gif.convert("RGB").getpixel((1, 1)) == WHITE
            assert difference.max() <= 24 and difference.mean() < 0.5


def test_each_colour_becomes_the_nearest_of_the_palette():
    colors = np.array([[255, 255, 255], [252, 252, 252], [0, 0, 0]], dtype=np.uint8)
    row = np.array([[[255, 255, 255], [253, 253, 253], [100, 90, 80]]], dtype=np.uint8)
    (flat,) = indexed([Image.fromarray(row)], colors)
    assert np.asarray(flat).tolist() == [[0, 1, 2]]


def test_many_colours_still_share_one_palette(tmp_path):
    rng = np.random.default_rng(0)
    noise = [Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8)) for _ in range(3)]
    save_gif(noise, tmp_path / "noise.gif")
    with Image.open(tmp_path / "noise.gif") as gif:
        assert gif.n_frames == 3
        gif.seek(2)
        assert np.abs(np.asarray(gif.convert("RGB")).astype(int) - np.asarray(noise[2])).mean() < 20


def test_files_go_into_open_files_too():
    png, gif = io.BytesIO(), io.BytesIO()
    save_png(frames(1)[0], png)
    save_gif(frames(2), gif)
    assert np.array_equal(np.asarray(Image.open(png)), np.asarray(frames(1)[0]))
    assert Image.open(gif).n_frames == 2


def test_a_file_that_cannot_be_written_says_why_and_leaves_the_old_one(tmp_path):
    image = Image.new("RGB", (8, 8))
    with pytest.raises(ValueError, match=r"end in \.png, got 'a\.gif'"):
        save_png(image, tmp_path / "a.gif")
    with pytest.raises(OSError, match=r"cannot write .*missing.a\.png: No such file.*; make the folder .*missing"):
        save_png(image, tmp_path / "missing" / "a.png")
    (tmp_path / "a.gif").write_text("old")
    with pytest.raises(ValueError, match="one size"):
        save_gif([image, Image.new("RGB", (9, 8))], tmp_path / "a.gif")
    with pytest.raises(ValueError, match="no frame"):
        save_gif([], tmp_path / "a.gif")
    with pytest.raises(ValueError, match="fps"):
        save_gif([image], tmp_path / "a.gif", fps=100)
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


def test_a_write_that_fails_half_way_leaves_no_file(tmp_path):
    class Broken(Image.Image):
        def save(self, file, **_):
            file.write(b"half")
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        save_png(Broken(), tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file", sorted(Path(labkit.views.paint.__file__).parent.glob("*.py")), ids=lambda f: f.stem)
def test_painting_imports_only_holoviews_numpy_pillow_python_and_the_atomic_writer(file):
    tree = ast.parse(file.read_text(encoding="utf-8"))
    names = [a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names]
    names += [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    ours = ("labkit.views.paint", "labkit.atomic")  # the second imports nothing but Python's own
    assert all(name.startswith(ours) for name in names if name.startswith("labkit"))
    assert {name.split(".")[0] for name in names} - sys.stdlib_module_names <= {"holoviews", "numpy", "PIL", "labkit"}

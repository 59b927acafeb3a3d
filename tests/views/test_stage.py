"""A stage: a picture is declared once, and columns change its Bokeh sources in place."""

import gc
import weakref

import holoviews as hv
import numpy as np
import panel as pn
import pytest
from bokeh.models import DataRange1d
from bokeh.plotting import figure as bokeh_figure

from labkit.views import layout
from labkit.views.stage import FEW, GRID, INK, LARGE, LOG_TICKS, SMALL, Stage, change, compact, differing
from labkit.views.view import View


class Two(View):
    """A view of two layers."""

    def picture(self, state):
        points = hv.Points(np.zeros((3, 2)), ["x", "y"], label="points")
        curve = hv.Curve((np.arange(2.0), np.arange(2.0)), "x", "y", label="curve")
        return hv.Overlay([points, curve]).opts(xlim=(0, 1), ylim=(0, 1), legend_position="top_right")


@pytest.fixture
def shown():
    """shown(view) -> (stage, figure, its sources by layer)."""

    def show(view, dark=False):
        stage, figures = Stage(), []
        stage.dark = dark
        stage.show(view, None, figures.append)
        stage.pane.get_root()
        (figure,) = figures
        names = ("points", "curve")
        return stage, figure, {n: r.data_source for n, r in zip(names, figure.renderers, strict=False)}

    return show


def test_a_picture_that_waits_to_be_shown_takes_no_space(shown):
    def places(stage):  # what a page puts into its column
        return [type(each).__name__ for each in pn.Column(stage.pane).get_root().children]

    assert places(Stage()) == ["Spacer"] and ".bk-Spacer { display: none; }" in layout.GRID
    assert "Spacer" not in places(shown(Two())[0])


def test_a_patch_changes_only_its_layer(shown):
    stage, _, sources = shown(Two())
    before = {name: np.array(values) for name, values in sources["curve"].data.items()}
    stage.patch({"points": {"x": np.array([1.0, 2, 3]), "y": np.array([4.0, 5, 6])}})
    np.testing.assert_array_equal(sources["points"].data["x"], [1, 2, 3])
    np.testing.assert_array_equal(sources["points"].data["y"], [4, 5, 6])
    for name, values in before.items():
        np.testing.assert_array_equal(sources["curve"].data[name], values)


def test_equal_lengths_are_patched_in_place_and_unequal_ones_replace_the_data(shown):
    stage, _, sources = shown(Two())
    stage.patch({"curve": {"x": np.arange(5.0), "y": np.arange(5.0)}})
    source = sources["curve"]
    assert len(source.data["x"]) == len(source.data["y"]) == 5
    held = source.data
    stage.patch({"curve": {"x": np.arange(5.0) + 1, "y": np.arange(5.0)}})
    assert source.data is held
    np.testing.assert_array_equal(source.data["x"], np.arange(5) + 1)
    stage.patch({"curve": {"x": np.zeros(0), "y": np.zeros(0)}})
    assert len(source.data["x"]) == 0
    stage.patch({"curve": {"x": np.ones(1), "y": np.ones(1)}})
    np.testing.assert_array_equal(source.data["y"], [1])


def test_columns_of_another_length_are_not_mixed_with_new_ones():
    figure = bokeh_figure()
    source = figure.scatter("x", "y").data_source
    source.data = {"x": [1, 2], "y": [1, 2], "size": [3, 4]}
    change(source, {"x": np.arange(3.0), "y": np.arange(3.0)}, {"x", "y"})
    assert set(source.data) == {"x", "y"}
    change(source, {"size": np.arange(3.0)}, {"size"})
    assert set(source.data) == {"x", "y", "size"}


def test_float64_is_sent_as_float32_and_nan_stays(shown):
    stage, _, sources = shown(Two())
    stage.patch({"points": {"x": np.array([1.0, np.nan, 3]), "y": np.zeros(3)}})
    np.testing.assert_array_equal(sources["points"].data["x"], [1, np.nan, 3])
    assert compact(np.zeros(2)).dtype == np.float32
    assert compact(np.zeros(2, dtype=np.uint8)).dtype == np.uint8
    assert compact([1.5]) == [1.5]


def test_unchanged_columns_are_not_sent_again(shown):
    stage, figure, sources = shown(Two())
    columns = {"points": {"x": np.array([1.0, np.nan, 3]), "y": np.zeros(3)}}
    stage.patch(columns)
    sources["points"].data["x"][0] = 77  # represents the browser's copy: a second send would overwrite it
    stage.patch({"points": {name: values.copy() for name, values in columns["points"].items()}})
    assert sources["points"].data["x"][0] == 77
    stage.patch({"points": {"x": np.array([1.0, np.nan, 4]), "y": np.zeros(3)}})
    assert sources["points"].data["x"][0] == 1


def test_only_the_changed_columns_of_a_layer_are_sent(shown):
    """The grid under a curve does not change. It is half of the data to send, and of the data that the browser must
    read.
    """
    stage, _, sources = shown(Two())
    stage.patch({"curve": {"x": np.arange(5.0), "y": np.arange(5.0)}})
    sources["curve"].data["x"][0] = 77  # represents the browser's copy
    stage.patch({"curve": {"x": np.arange(5.0), "y": np.arange(5.0) + 1}})
    assert sources["curve"].data["x"][0] == 77 and sources["curve"].data["y"][0] == 1


def test_equal_means_equal_to_the_last_bit():
    sent = {"x": np.array([1.0, np.nan]), "y": np.zeros(2)}
    assert differing(sent, {"x": np.array([1.0, np.nan]), "y": np.zeros(2)}) == set()
    assert differing(sent, {"x": np.array([1.0, 2.0]), "y": np.zeros(2)}) == {"x"}
    assert differing(sent, {"x": np.array([1.0, np.nan, 0.0])}) == {"x"}
    assert differing(sent, {"z": np.zeros(2)}) == {"z"}
    assert differing(None, sent) == {"x", "y"}
    assert differing({"x": ["a"]}, {"x": ["a"]}) == {"x"}  # a column that is not an array of numbers is always sent


def test_an_unknown_layer_is_a_key_error(shown):
    stage, _, _ = shown(Two())
    with pytest.raises(KeyError, match="nowhere"):
        stage.patch({"nowhere": {"x": np.zeros(1)}})


def test_a_patch_before_the_picture_exists_does_nothing():
    stage = Stage()
    stage.patch({"points": {"x": np.zeros(1)}})


def test_a_dark_theme_recolours_the_frame(shown):
    stage, figure, _ = shown(Two())
    for dark in (False, True, False):
        stage.recolour(dark)
        assert {axis.axis_label_text_color for axis in figure.axis} == {INK[dark]}
        assert {line.grid_line_color for line in figure.grid} == {GRID[dark]}
        assert figure.legend[0].label_text_color == INK[dark]
    assert figure.background_fill_alpha == 0 and figure.border_fill_alpha == 0


def test_a_picture_declared_on_a_dark_page_is_dark(shown):
    _, figure, _ = shown(Two(), dark=True)
    assert {axis.major_label_text_color for axis in figure.axis} == {INK[True]}


def test_a_logarithmic_axis_has_the_ticks_of_saved_pictures_and_a_matching_grid(shown):
    class Log(Two):
        def picture(self, state):
            return super().picture(state).opts(logx=True, logy=True, xlim=(1, 64), ylim=(0.1, 1), xticks=[1, 4, 16, 64])

    _, figure, _ = shown(Log())
    assert figure.xaxis[0].ticker.ticks == [1, 4, 16, 64]  # names from the view stay
    assert figure.yaxis[0].ticker.major_code == LOG_TICKS and not hasattr(figure.xaxis[0].ticker, "major_code")
    assert figure.ygrid[0].axis is figure.yaxis[0] and figure.ygrid[0].ticker is None


def test_a_leading_view_is_large_and_a_following_one_has_automatic_ranges(shown):
    class Leading(Two):
        leading = True

    class Automatic(Two):
        automatic = True

    stage, figure, _ = shown(Leading())
    assert figure.height == LARGE and stage.pane.css_classes == ["picture", "leading"]
    assert figure.xaxis.ticker.desired_num_ticks > FEW
    assert (figure.x_range.start, figure.x_range.end) == (0, 1)
    stage, figure, _ = shown(Automatic())
    assert figure.height == SMALL and stage.pane.css_classes == ["picture"]
    assert figure.xaxis.ticker.desired_num_ticks == FEW
    assert isinstance(figure.x_range, DataRange1d) and isinstance(figure.y_range, DataRange1d)


def test_a_second_picture_replaces_the_first(shown):
    stage, first, _ = shown(Two())

    class One(View):
        def picture(self, state):
            return hv.Overlay([hv.Points(np.zeros((1, 2)), ["x", "y"], label="only")]).opts(xlim=(0, 1), ylim=(0, 1))

    figures = []
    stage.show(One(), None, figures.append)
    stage.pane.get_root()
    assert figures[-1] is not first
    stage.patch({"only": {"x": np.ones(1), "y": np.ones(1)}})
    with pytest.raises(KeyError):
        stage.patch({"points": {"x": np.zeros(3), "y": np.zeros(3)}})


def test_a_view_with_the_same_declaration_keeps_the_shown_picture(shown):
    class Said(Two):
        def __init__(self, *declaration):
            self.declaration = declaration

    stage, figure, sources = shown(Said("a", 1))
    assert stage.holds(Said("a", 1))
    assert not stage.holds(Said("a", 2)) and not stage.holds(Two())
    stage.retire()
    stage.patch({"points": {"x": np.full(3, 9.0), "y": np.zeros(3)}})
    assert not stage.holds(Said("a", 1)) and sources["points"].data["x"][0] == 0
    assert not shown(Two())[0].holds(Two())


def test_holoviews_keeps_neither_a_stage_nor_the_users_of_its_figures():
    """HoloViews keeps the options of an element for the whole process, until the element is deleted."""

    class Page:
        def drawn(self, figure):
            self.figure = figure

    page, stage = Page(), Stage()
    stage.show(Two(), None, page.drawn)
    stage.pane.get_root()
    assert page.figure.renderers, "the hooks were called"
    gone = [weakref.ref(page), weakref.ref(stage)]
    del page, stage
    gc.collect()
    assert [each() for each in gone] == [None, None]

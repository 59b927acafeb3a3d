"""The pictures of runs: the range of the axes, the text of the page, and the files of a run."""

import dataclasses
import html
import io
import json
import time

import holoviews as hv
import numpy as np
import pytest
from bokeh.document import Document
from PIL import Image

from labkit.experiments import runs
from labkit.experiments.runs import directory, meanings
from labkit.paint import Painter
from labkit.views import pixels
from labkit.views.runs import (
    BoundCurves,
    BoundTerms,
    KLHeatmap,
    RunsScene,
    curves,
    files,
    heatmap,
    polling,
    scene,
    words,
)
from labkit.views.runs.samples import rgb
from labkit.views.stage import Stage

# curves


@pytest.mark.parametrize(("records", "want"), [(1, 1), (300, 1), (301, 2), (600, 2), (601, 4), (100_000, 512)])
def test_many_records_are_averaged_in_groups_of_a_power_of_two(records, want):
    assert curves.group(records) == want and records / want <= curves.MOST


def test_a_point_is_the_mean_of_its_records_at_the_last_of_them():
    table = {"step": np.arange(1.0, 8), "y": np.array([1.0, 3, np.nan, 5, 7, 9, np.inf])}
    x, y = curves.averaged(table, "y", 2)
    assert x.tolist() == [2, 5, 6] and y.tolist() == [2, 6, 9]


def test_the_axis_shows_everything_except_the_steep_start(run_folder):
    """The run falls from 363 to 90 nats; after 60 of 600 steps it is below 90 + 450 exp(-3.5) = 103.6."""
    state = runs.read(run_folder)
    view = BoundCurves(state)
    train, test = (view.columns(state)[name] for name in ("train", "test"))
    assert train["x"][-54:].tolist() == list(range(70, 610, 10)) and train["y"].max() < 106
    assert test["x"].tolist() == [240, 480, 600] and "higher values at the start not shown" in view.words
    late = curves.averaged(state.metrics, "bound", 1)[1][6:]
    assert train["y"].max() <= late.max() + 0.1 * np.ptp(late)
    assert BoundTerms(state).columns(state)["Lz"]["x"].tolist() == state.metrics["step"].tolist()


def test_a_long_run_has_a_bounded_number_of_points_and_reports_it(tmp_path, made_runs):
    state = runs.read(made_runs.trained(tmp_path / "long", records=1000))
    view = BoundCurves(state)
    assert len(view.columns(state)["train"]["x"]) <= curves.MOST and "means of 4" in view.words


# the KL by epoch and glimpse


def test_an_epoch_without_evaluation_shows_the_next_evaluated_one(run_folder):
    state = runs.read(run_folder)
    cells = KLHeatmap(state).columns(state)["kl"]
    assert cells["image"][0].shape == (3, 5) and (cells["dw"], cells["dh"]) == ([5.0], [3.0])
    assert np.allclose(cells["image"][0][0], 1 + np.array([2, 2, 4, 4, 5]) / 100)  # the lowest row is glimpse 1
    assert heatmap.by_epoch(np.arange(1.0, 2001), np.zeros((2000, 4))).shape == (4, heatmap.MOST)


def test_the_declared_image_is_the_patched_image(run_folder):
    state = runs.read(run_folder)
    view = KLHeatmap(state)
    source = hv.render(view.picture(state)).renderers[0].data_source
    assert np.allclose(source.data["image"][0], view.columns(state)["kl"]["image"][0])
    assert [source.data[k][0] for k in ("x", "y", "dw", "dh")] == [0.5, 0.5, 5, 3]


@pytest.mark.parametrize(("value", "want"), [(0.0, 1), (0.07, 0.1), (0.2, 0.2), (3.1, 5), (5.1, 10), (float("nan"), 1)])
def test_the_colour_scale_ends_at_a_round_number(value, want):
    assert heatmap.rounded_up(value) == pytest.approx(want)


# all pictures


def test_every_picture_accepts_the_columns_of_a_later_state(run_folder):
    """The pictures are shown, then the run gets a record and an evaluation: no picture is declared again, all columns
    arrive.
    """
    state = runs.with_samples(runs.read(run_folder))
    views = scene.pictures(state)
    assert [type(view).__name__ for view in views] == ["BoundCurves", "SampleSheet", "BoundTerms", "KLHeatmap"]
    stages = [Stage(i) for i in range(4)]
    for stage, view in zip(stages, views, strict=True):
        stage.show(view, state, scene.unaligned)
        stage.pane.get_root(Document())
    with (run_folder / "metrics.csv").open("a") as file:
        file.write("610,6,91,71,20,31\n")
    with (run_folder / "epochs.csv").open("a") as file:
        file.write("720,6,90,70,20,1.5,2,3\n")
    Image.fromarray(np.full((12, 16), 77, np.uint8)).save(run_folder / "samples" / "epoch-0006.png")
    later = runs.with_samples(runs.read(run_folder))
    for stage, view in zip(stages, scene.pictures(later), strict=True):
        assert stage.holds(view), view
        columns = view.columns(later)
        stage.patch(columns)
        for label, arrays in columns.items():
            for name, values in arrays.items():
                assert np.allclose(stage._sources[label][0].data[name][0], values[0]) if name != "text" else True
                assert len(stage._sources[label][0].data[name]) == len(values), (view, label, name)
    assert later.shown == 6


def test_the_ink_of_a_grey_sheet_is_black_and_colours_are_unchanged():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(rgb(grey), 255 - np.stack([grey] * 3, -1)) and np.array_equal(rgb(rgb(grey)), rgb(grey))
    assert pixels.packed(rgb(grey))[-1, 1] & 0xFFFFFFFF == 0xFFFEFEFE  # the lowest row is the last


def test_the_terms_of_the_bound_are_named_in_a_legend_and_not_on_their_lines(run_folder):
    picture = BoundTerms(runs.read(run_folder)).picture(runs.read(run_folder))
    shown = {layer.label: hv.Store.lookup_options("bokeh", layer, "plot").kwargs["show_legend"] for layer in picture}
    assert shown == {"Lx": True, "Lz": True, "Lx test": False, "Lz test": False}


def test_the_painter_draws_the_same_curves(run_folder):
    state = runs.read(run_folder)
    view = BoundTerms(state)
    painter = Painter(view.picture(state), (400, 300))
    assert np.array_equal(painter.frame(view.columns(state)), Painter(view.picture(state), (400, 300)).frame())


# the table


def test_a_run_without_a_number_has_no_picture(tmp_path, made_runs):
    (tmp_path / "config.json").write_text(json.dumps(made_runs.CONFIG))
    assert scene.pictures(runs.read(tmp_path)) == []


def test_the_table_has_one_row_per_run_and_one_line_per_unreadable_folder(run_folder, made_runs):
    made_runs.spoiled(made_runs.trained(run_folder.parent / "odd") / "config.json", b"{")
    page = words.listing(directory.states(run_folder.parent), "a", made_runs.OLD)
    assert page.count("<tr") == 2 and page.count('class="wrong"') == 1  # the header and one run


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        ({"epochs": 10**300, "batch_size": 50}, True),
        ({"epochs": True, "batch_size": -5, "steps": "many"}, True),
        ({"epochs": [], "batch_size": {}, "steps": 1.5}, True),
    ],
)
def test_settings_without_an_effect_are_left_out(run_folder, settings, listed, made_runs):
    state = runs.read(made_runs.trained(run_folder.parent / "odd", config=made_runs.CONFIG | {"settings": settings}))
    page = words.listing({"odd": state}, "odd", made_runs.OLD)
    assert ("<td" in page) == listed and len(page) < 5000


def test_a_run_whose_numbers_cannot_be_shown_gives_one_line(run_folder, made_runs):
    class Odd(runs.RunState):
        @property
        def bound(self):
            raise OverflowError("too large")

    state = runs.read(run_folder)
    odd = Odd(**{field.name: getattr(state, field.name) for field in dataclasses.fields(state)})
    page = words.listing({"a": state, "odd": odd}, "a", made_runs.OLD)
    assert page.count("<tr") == 2 and "odd: OverflowError: too large" in page


def test_every_name_of_a_configuration_has_a_meaning_and_epochs_without_use_are_marked():
    (state,) = directory.states(directory.EXAMPLES).values()
    known = meanings.meanings(state.kind)
    for part in words.PARTS:
        assert known[part].keys() >= state.config[part].keys()
    assert len({known["settings"][name] for name in ("lr", "beta1", "beta2")}) == 3
    assert known["config"]["height"] == known["config"]["width"] != known["config"]["channels"]
    assert known["config"]["steps"].startswith("T, the number")
    page = words.configuration(state)
    assert f"<p>{html.escape(known['settings']['warmup'])}</p></details>" in page
    assert "20 (not used, because steps is set)" in page
    assert page.count("steps (glimpses)") == page.count("steps (training)") == 1 and "<span>steps</span>" not in page


def test_the_text_below_the_pictures_explains_what_the_run_has(run_folder):
    (state,) = directory.states(directory.EXAMPLES).values()
    text = words.explained(runs.with_samples(state, -1))
    assert "Up to step 1,000" in text and "averaged weights" in text
    assert "two parts. Lx is" in text and "one glimpse" in text and "./guide/training#read-the-curves" in text
    vae = words.explained(dataclasses.replace(state, config=state.config | {"kind": "vae"}))
    assert "one layer of latents" in vae and "glimpse" not in vae
    bare = dataclasses.replace(state, metrics={}, epochs={}, sheet=None)
    assert "Lx" not in words.explained(bare) and "The bound" in words.explained(bare)


def test_text_from_files_is_shown_as_text(tmp_path, made_runs):
    evil = "<img src=x onerror=alert(1)>"
    config = made_runs.CONFIG | {"kind": evil, "facts": {"data": evil, evil: evil}, "config": {evil: [evil]}}
    state = runs.read(made_runs.trained(tmp_path / "<b>", config=config))
    page = words.listing({"<b>": state, "<i>": "no <u>"}, "<b>", made_runs.OLD) + words.configuration(state)
    page += words.opens('"<b>') + words.none_in("<b>") + words.wrong("<u>")
    for tag in ("<img", "<b>alert", "<i>", "<u>", "%22<", "<b></a>", "<code><b>"):
        assert tag not in page
    assert page.count("&lt;img") == 7 and "runs%2F%3Cb%3E" in page  # the data are named in both tables


# reading the files


@pytest.fixture
def watched():
    """A reader of numbers that count up, with its frames and messages."""
    found, shown = iter(range(100)), []
    one = polling.Poller(lambda: next(found), shown.append, lambda error: shown.append(str(error)), shown.append)
    return one, shown


def settle(one):
    end = time.monotonic() + 5
    while one._under_way is not None and not one._under_way.done() and time.monotonic() < end:
        time.sleep(0.001)
    one.tick()


def test_files_are_read_only_while_a_visitor_watches(watched, monkeypatch):
    one, shown = watched
    one.tick()
    settle(one)
    assert shown == []  # the browser does not have the page yet
    one._heard({"kind": "hello", "dark": True})
    settle(one)
    assert shown == [True, 0]
    one._next = 0.0
    one._heard({"kind": "bye"})
    one.tick()
    assert one._under_way is None
    one._heard({"kind": "beat", "dark": True})
    one.tick()
    settle(one)
    assert shown == [True, 0, 1]
    one.tick()
    assert one._under_way is None  # not before its time
    one.again()
    one.tick()
    settle(one)
    assert shown == [True, 0, 1, 2]


def test_a_failed_read_is_reported_and_the_next_one_works():
    answers, said = iter([ValueError("torn"), 5]), []

    def find():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    one = polling.Poller(find, said.append, lambda error: said.append(str(error)), lambda dark: None)
    one._heard({"kind": "hello"})
    for _ in range(2):
        one.again()
        one.tick()
        settle(one)
    assert said == ["torn", 5]


# the page


def test_the_slider_keeps_the_chosen_sheet(run_folder):
    page = RunsScene(run_folder.parent)
    page._show(page._find())
    assert (page.scrub.value, page.scrub.end, page._state.shown) == (2, 2, 5)
    page.scrub.value = 0
    page._show(page._find())
    assert page._state.shown == 2
    Image.fromarray(np.zeros((12, 16), np.uint8)).save(run_folder / "samples" / "epoch-0006.png")
    page._show(page._find())
    assert (page._state.shown, page.scrub.value, page.scrub.end) == (2, 0, 3)
    page.scrub.value = 3
    page._show(page._find())
    assert page._state.shown == 6 and "epoch 6" in page.head.object


def test_without_a_run_the_page_names_its_folder_and_a_command_that_makes_one(tmp_path, made_runs):
    page = RunsScene(tmp_path / "nothing")
    page._show(page._find())
    assert str(tmp_path / "nothing") in page.listing.object and "labkit train draw" in page.listing.object
    made_runs.trained(tmp_path / "nothing" / "a")
    page._show(page._find())
    assert page.chosen == "a" and len(page.pictures) == 4


# files


def test_the_animation_has_one_frame_per_epoch_and_rests_on_the_newest(run_folder):
    target = io.BytesIO()
    files.animation(runs.read(run_folder), target)
    image = Image.open(target)
    times = []
    for i in range(image.n_frames):
        image.seek(i)
        times.append(image.info["duration"])
    assert image.n_frames == 3 and times[:2] == [500, 500] and times[2] == 500 + 1000 * files.LINGER
    assert image.convert("RGB").getpixel((100, 200)) == (250, 250, 250)  # the sheet of epoch 5


def test_a_long_animation_omits_sheets_but_keeps_the_newest(tmp_path, made_runs):
    target = io.BytesIO()
    files.animation(runs.read(made_runs.trained(tmp_path / "a", epochs=range(1, 132))), target)
    image = Image.open(target)
    assert image.n_frames == 44  # every third of 131
    image.seek(43)
    assert image.convert("RGB").getpixel((100, 200)) == (124, 124, 124)


def test_the_picture_of_the_curves_needs_a_record(run_folder, tmp_path, made_runs):
    target = io.BytesIO()
    files.curves(runs.read(run_folder), target)
    assert Image.open(target).size == files.SIZE
    for make in (files.curves, files.animation):
        with pytest.raises(ValueError, match="let it train"):
            make(runs.read(made_runs.trained(tmp_path / make.__name__, records=0, epochs=())), target)

"""The pictures of run folders: what is read while it is written, what the axes hold, and what is not followed."""

import csv
import dataclasses
import io
import json
import os
import struct
import sys
import time
import zlib

import holoviews as hv
import numpy as np
import pytest
import torch
from bokeh.document import Document
from PIL import Image
from safetensors.torch import save_file

from labkit import models
from labkit.paint import Painter
from labkit.views import pixels, runs
from labkit.views.runs import curves, files, glimpses, look, scene, shelf, words
from labkit.views.runs.samples import rgb
from labkit.views.stage import Stage

CONFIG = {
    "kind": "draw",
    "config": {"steps": 3},
    "facts": {"data": "made up"},
    "settings": {"epochs": 10, "steps": None, "batch_size": 50},
}
NETWORK = {"kind": "draw", "config": "{}"}  # what a file of weights says of itself
OLD = 1_000_000.0  # seconds since 1970


def rows(name, folder, table):
    with (folder / name).open("w", newline="") as file:
        writer = csv.DictWriter(file, table, lineterminator="\n")
        writer.writeheader()
        writer.writerows(dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True))


def decay(step):
    """A bound that begins near 540 nats and ends near 90."""
    return 90 + 450 * np.exp(-np.asarray(step) / 20)


def trained(folder, records=60, epochs=(2, 4, 5), config=CONFIG):
    """A run's folder: a record every 10 steps, 120 steps an epoch; KL of glimpse t at epoch e is t + e / 100."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config))
    step = 10 * np.arange(1, records + 1)
    lz = np.full(records, 20.0)
    bound = decay(step)
    rows("metrics.csv", folder, {
        "step": step, "epoch": -(-step // 120), "bound": bound, "lx": bound - lz, "lz": lz, "seconds": 0.5 * step / 10,
    })  # fmt: skip
    e = np.array(epochs)
    kl = {f"kl_{t}": t + e / 100 for t in (1, 2, 3)}
    test = {"bound": decay(120 * e) + 1, "lx": decay(120 * e) - 19, "lz": 0 * e + 20}
    rows("epochs.csv", folder, {"step": 120 * e, "epoch": e, **test, **kl})
    (folder / "samples").mkdir()
    for epoch in epochs:
        Image.fromarray(np.full((12, 16), epoch, np.uint8)).save(folder / "samples" / f"epoch-{epoch:04d}.png")
    return folder


@pytest.fixture
def folder(tmp_path):
    return trained(tmp_path / "runs" / "a")


# reading


def test_a_half_written_line_and_one_that_is_damaged_are_left_out(folder):
    before = len(runs.read(folder).metrics["step"])
    text = (folder / "metrics.csv").read_text()
    (folder / "metrics.csv").write_text(text + "none,6,1,1,1,1\n620,6,1,1\n630,6,91.5,71.5,20,40\n640,6,91.2,71.2,20,4")
    found = runs.read(folder).metrics
    assert found["step"][-2:].tolist() == [600, 630] and len(found["step"]) == before + 1
    assert found["bound"][-1] == 91.5


@pytest.mark.parametrize("text", ["", "step,ep", "step,epoch,bound\n", "bound\n3\n", "\n\n", "\0\xff"])
def test_a_run_that_just_began_has_no_pictures(tmp_path, text):
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    (tmp_path / "metrics.csv").write_text(text)
    state = runs.showing(runs.read(tmp_path))
    assert (state.step, state.bound, state.sheets, scene.pictures(state)) == (0, None, {}, [])


def test_an_unchanged_folder_is_not_read_again_and_a_changed_one_is(folder):
    one = runs.read(folder)
    assert runs.read(folder) is one
    with (folder / "epochs.csv").open("a") as file:
        file.write("720,6,90,70,20,1,1,1\n")
    assert runs.read(folder).bound == 90 and one.bound != 90


@pytest.mark.parametrize("text", ["{", '{"kind": "draw"}', '{"kind": 1, "config": {}, "facts": {}, "settings": {}}'])
def test_a_configuration_that_is_none_is_one_line(folder, text):
    (folder / "config.json").write_text(text)
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        runs.read(folder)


def test_the_number_of_steps_is_that_of_the_settings_or_of_an_epochs_end(folder, tmp_path):
    assert runs.read(folder).steps == 10 * 120
    (folder / "epochs.csv").unlink()
    assert runs.read(folder).steps == 10 * 120
    for name, settings, facts, records, want in (
        ("few", {"epochs": 10, "steps": 33}, {"data": "made up"}, 5, 33),
        ("known", {"epochs": 10, "steps": None, "batch_size": 50}, {"data": "digits"}, 5, 10 * (1437 // 50)),
        ("unknown", {"epochs": 10, "steps": None, "batch_size": 50}, {"data": "made up"}, 5, None),
    ):
        config = CONFIG | {"settings": settings, "facts": facts}
        assert runs.read(trained(tmp_path / name, records, (), config)).steps == want


def test_done_is_told_by_the_steps_and_training_from_stopped_by_the_time(folder):
    """A record every half second: a minute of silence is enough; after waits of 100 s it takes 300 s."""
    for name in ("config.json", "metrics.csv", "epochs.csv"):
        os.utime(folder / name, (OLD, OLD))
    state = runs.read(folder)
    assert [state.status(OLD + t) for t in (0, 59, 61)] == ["training", "training", "stopped"]
    slow = {"step": [10, 20], "epoch": [1, 1], "bound": [1, 1], "seconds": [1, 101]}
    rows("metrics.csv", folder, slow)
    os.utime(folder / "metrics.csv", (OLD + 100, OLD + 100))
    assert [runs.read(folder).status(OLD + t) for t in (390, 410)] == ["training", "stopped"]
    (folder / "curves.png").touch()
    assert runs.read(folder).status(OLD) == "stopped"
    rows("metrics.csv", folder, {"step": [1200], "epoch": [10], "bound": [1]})
    assert runs.read(folder).status(OLD) == "done"


def test_the_newest_sheet_is_shown_or_the_one_asked_for(folder):
    state = runs.read(folder)
    found = [runs.showing(state, epoch) for epoch in (None, 2, 3)]
    assert [(each.shown, each.sheet[0, 0]) for each in found] == [(5, 5), (2, 2), (5, 5)]
    (folder / "samples" / "epoch-0005.png").write_bytes((folder / "samples" / "epoch-0005.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"^epoch-0005.png cannot be read"):
        runs.showing(state)


# curves


@pytest.mark.parametrize(("records", "want"), [(1, 1), (300, 1), (301, 2), (600, 2), (601, 4), (100_000, 512)])
def test_many_records_are_averaged_in_groups_of_a_power_of_two(records, want):
    assert curves.group(records) == want and records / want <= curves.MOST


def test_a_point_is_the_mean_of_its_records_at_the_last_of_them():
    table = {"step": np.arange(1.0, 8), "y": np.array([1.0, 3, np.nan, 5, 7, 9, np.inf])}
    x, y = curves.averaged(table, "y", 2)
    assert x.tolist() == [2, 5, 6] and y.tolist() == [2, 6, 9]


def test_the_axis_holds_all_but_the_steep_start(folder):
    """The run falls from 363 to 90 nats; after 60 of 600 steps it is under 90 + 450 exp(-3.5) = 103.6."""
    state = runs.read(folder)
    view = runs.Bound(state)
    train, test = (view.columns(state)[name] for name in ("train", "test"))
    assert train["x"][-54:].tolist() == list(range(70, 610, 10)) and train["y"].max() < 106
    assert test["x"].tolist() == [240, 480, 600] and "steep start cut off" in view.words
    late = curves.averaged(state.metrics, "bound", 1)[1][6:]
    assert train["y"].max() <= late.max() + 0.1 * np.ptp(late)
    assert runs.Parts(state).columns(state)["Lz"]["x"].tolist() == state.metrics["step"].tolist()


def test_a_long_run_has_a_bounded_number_of_points_and_says_so(tmp_path):
    state = runs.read(trained(tmp_path / "long", records=1000))
    view = runs.Bound(state)
    assert len(view.columns(state)["train"]["x"]) <= curves.MOST and "means of 4" in view.words


# the KL by epoch and glimpse


def test_an_epoch_that_was_not_evaluated_shows_the_next_that_was(folder):
    state = runs.read(folder)
    cells = runs.Glimpses(state).columns(state)["kl"]
    assert cells["image"][0].shape == (3, 5) and (cells["dw"], cells["dh"]) == ([5.0], [3.0])
    assert np.allclose(cells["image"][0][0], 1 + np.array([2, 2, 4, 4, 5]) / 100)  # the lowest row is glimpse 1
    assert glimpses.by_epoch(np.arange(1.0, 2001), np.zeros((2000, 4))).shape == (4, glimpses.MOST)


def test_the_declared_image_is_the_one_that_is_patched(folder):
    state = runs.read(folder)
    view = runs.Glimpses(state)
    source = hv.render(view.picture(state)).renderers[0].data_source
    assert np.allclose(source.data["image"][0], view.columns(state)["kl"]["image"][0])
    assert [source.data[k][0] for k in ("x", "y", "dw", "dh")] == [0.5, 0.5, 5, 3]


@pytest.mark.parametrize(("value", "want"), [(0.0, 1), (0.07, 0.1), (0.2, 0.2), (3.1, 5), (5.1, 10), (float("nan"), 1)])
def test_the_scale_of_colours_ends_at_a_round_number(value, want):
    assert glimpses.rounded_up(value) == pytest.approx(want)


# all of them


def test_every_picture_takes_the_columns_of_a_later_state(folder):
    """Put up, then grown by a record and an evaluation: nothing is declared anew, every column arrives."""
    state = runs.showing(runs.read(folder))
    views = scene.pictures(state)
    assert [type(view).__name__ for view in views] == ["Bound", "Samples", "Parts", "Glimpses"]
    stages = [Stage(i) for i in range(4)]
    for stage, view in zip(stages, views, strict=True):
        stage.show(view, state, scene.unaligned)
        stage.pane.get_root(Document())
    with (folder / "metrics.csv").open("a") as file:
        file.write("610,6,91,71,20,31\n")
    with (folder / "epochs.csv").open("a") as file:
        file.write("720,6,90,70,20,1.5,2,3\n")
    Image.fromarray(np.full((12, 16), 77, np.uint8)).save(folder / "samples" / "epoch-0006.png")
    later = runs.showing(runs.read(folder))
    for stage, view in zip(stages, scene.pictures(later), strict=True):
        assert stage.holds(view), view
        columns = view.columns(later)
        stage.patch(columns)
        for label, arrays in columns.items():
            for name, values in arrays.items():
                assert np.allclose(stage._sources[label][0].data[name][0], values[0]) if name != "text" else True
                assert len(stage._sources[label][0].data[name]) == len(values), (view, label, name)
    assert later.shown == 6


def test_a_sheet_is_sent_as_it_is_grey_or_in_colour():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert np.array_equal(rgb(grey), np.stack([grey] * 3, -1)) and np.array_equal(rgb(rgb(grey)), rgb(grey))
    assert pixels.packed(rgb(grey))[-1, 1] & 0xFFFFFFFF == 0xFF010101  # the lowest row is the last


def test_the_painter_draws_the_same_curves(folder):
    state = runs.read(folder)
    view = runs.Parts(state)
    painter = Painter(view.picture(state), (400, 300))
    assert np.array_equal(painter.frame(view.columns(state)), Painter(view.picture(state), (400, 300)).frame())


# the directory


def test_runs_are_listed_newest_first_and_damaged_ones_with_a_reason(folder):
    place = folder.parent
    trained(place / "b")
    (place / "no run").mkdir()
    (place / "torn").mkdir()
    (place / "torn" / "config.json").write_text("{")
    for age, name in enumerate(("b", "torn", "a")):
        for file in (place / name).glob("*.*"):
            os.utime(file, (OLD - age, OLD - age))
    found = shelf.states(place)
    assert list(found) == ["b", "torn", "a"] and "cannot be read" in found["torn"]
    assert found["a"].name == "a" and shelf.states(place / "none") == {}


def spoiled(path, content):
    """A file with other bytes; a number stands for so many zeros, which take no room on the disk."""
    with path.open("wb") as file:
        file.truncate(content) if isinstance(content, int) else file.write(content)


def png(width, height):
    """A PNG file that says so of its size and holds no pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", b"[" * 100_000, "cannot be read"),
        ("config.json", b'{"a":' * 500 + b"1" + b"}" * 500, "must hold kind"),
        ("config.json", 2**26, "67,108,864 bytes"),
        ("config.json", b"\xff\xfe\x00", "codec"),
        ("config.json", b'{"a": ' + b"9" * 5000 + b"}", "4300 digits"),
        ("config.json", b"[1, 2]", "config"),
        ("config.json", json.dumps(CONFIG | {"kind": ["draw"]}).encode(), "must hold kind"),
        ("config.json", json.dumps(CONFIG | {"facts": {"a": [[[[[[[[[]]]]]]]]]}}).encode(), "nested deeper than 8"),
        ("metrics.csv", 2**26, "67,108,864 bytes"),
    ],
)
def test_whatever_is_wrong_with_a_folder_is_one_line_and_the_others_are_listed(folder, name, content, said):
    place = folder.parent
    spoiled(trained(place / "odd") / name, content)
    found = shelf.states(place)
    assert said in found["odd"] and "\n" not in found["odd"] and len(found["odd"]) <= shelf.REASON
    assert isinstance(found["a"], runs.State)
    page = words.listing(found, "a", OLD)
    assert page.count("<tr") == 2 and page.count('class="wrong"') == 1  # the head and one run


@pytest.mark.parametrize(
    ("settings", "listed"),
    [
        ({"epochs": 10**300, "batch_size": 50}, True),
        ({"epochs": True, "batch_size": -5, "steps": "many"}, True),
        ({"epochs": [], "batch_size": {}, "steps": 1.5}, True),
    ],
)
def test_settings_that_count_nothing_are_left_out(folder, settings, listed):
    state = runs.read(trained(folder.parent / "odd", config=CONFIG | {"settings": settings}))
    page = words.listing({"odd": state}, "odd", OLD)
    assert ("<td" in page) == listed and len(page) < 5000


def test_a_run_whose_numbers_cannot_be_shown_is_one_line(folder):
    class Odd(runs.State):
        @property
        def bound(self):
            raise OverflowError("too large")

    state = runs.read(folder)
    odd = Odd(**{field.name: getattr(state, field.name) for field in dataclasses.fields(state)})
    page = words.listing({"a": state, "odd": odd}, "a", OLD)
    assert page.count("<tr") == 2 and "odd: OverflowError: too large" in page


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_name_that_is_not_utf8_is_one_line_and_offered_nowhere(folder):
    place = folder.parent
    odd = trained(place / os.fsdecode(b"odd\xff"))
    save_file({"w": torch.zeros(1)}, odd / "model.safetensors", NETWORK)
    found = shelf.states(place)
    assert found["odd?"] == "the folder's name is not UTF-8; rename it"
    words.listing(found, "a", OLD).encode()
    assert [name for name in shelf.networks(place, "draw") if "/" in name] == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (png(12_000, 12_000), "pixels"),
        (png(20_000, 20_000), "pixels"),
        (png(4096, 4096), "4,194,304 pixels"),
        (png(64, 64), "truncated"),
        (2**26, "67,108,864 bytes"),
        (b"GIF89a", "cannot be read"),
    ],
)
@pytest.mark.filterwarnings("error::PIL.Image.DecompressionBombWarning")
def test_a_sheet_that_is_too_large_or_none_is_not_decoded(folder, content, said):
    spoiled(folder / "samples" / "epoch-0005.png", content)
    with pytest.raises(ValueError, match="epoch-0005.png cannot be read") as error:
        runs.showing(runs.read(folder))
    assert said in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"torn",
        (2**60).to_bytes(8, "little") + b"{}",
        (2**21).to_bytes(8, "little") + b"{}" + b" " * 2**21,
        (10**5).to_bytes(8, "little") + b"[" * 10**5,
    ],
)
def test_weights_whose_header_lies_are_offered_nowhere(folder, content):
    spoiled(folder / "model.safetensors", content)
    assert not shelf.is_kind(folder, "draw")
    with pytest.raises(ValueError, match="whole safetensors file"):
        models.card(folder)


def test_links_that_lead_to_each_other_are_not_followed(folder):
    (folder / "samples" / "epoch-0009.png").symlink_to(folder / "samples" / "epoch-0008.png")
    (folder / "samples" / "epoch-0008.png").symlink_to(folder / "samples" / "epoch-0009.png")
    (folder.parent / "loop").symlink_to(folder.parent / "loop")
    assert [each.name for each in shelf.folders(folder.parent)] == ["a"]
    assert list(runs.read(folder).sheets) == [2, 4, 5]


def test_what_leads_out_of_the_directory_is_not_followed(folder, tmp_path):
    place, outside = folder.parent, trained(tmp_path / "elsewhere")
    (folder / "samples" / "epoch-0009.png").symlink_to(outside / "samples" / "epoch-0005.png")
    assert list(runs.read(folder).sheets) == [2, 4, 5]
    (place / "link").symlink_to(outside)
    assert [each.name for each in shelf.folders(place)] == ["a"]
    for name in ("epochs.csv", "samples"):
        if (folder / name).is_dir():
            (folder / name).rename(folder / "moved")
        else:
            (folder / name).unlink()
        (folder / name).symlink_to(outside / name)
    state = runs.read(folder)
    assert (state.epochs, state.sheets) == ({}, {}) and state.step == 600
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(outside / "config.json")
    with pytest.raises(ValueError, match="config.json must be a plain file of its folder"):
        runs.read(folder)
    save_file({"w": torch.zeros(1)}, outside / "model.safetensors", NETWORK)
    (folder / "model.safetensors").symlink_to(outside / "model.safetensors")
    assert shelf.is_kind(outside, "draw") and not shelf.is_kind(folder, "draw")


def test_networks_of_the_kind_are_offered_and_no_others(folder):
    place = folder.parent
    save_file({"w": torch.zeros(1)}, folder / "model.safetensors", NETWORK)
    for name, metadata in (("b", NETWORK | {"kind": "vae"}), ("c", None)):
        save_file({"w": torch.zeros(1)}, trained(place / name) / "model.safetensors", metadata)
    (trained(place / "d") / "model.safetensors").write_bytes(b"torn")
    found = shelf.networks(place, "draw")
    assert [name for name in found if "/" in name] == ["runs/a"] and found["runs/a"] == folder
    assert "draw-small" in found and shelf.networks(place, "none such") == {}


def test_text_from_files_is_shown_as_text(tmp_path):
    evil = "<img src=x onerror=alert(1)>"
    config = CONFIG | {"kind": evil, "facts": {"data": evil, evil: evil}, "config": {evil: [evil]}}
    state = runs.read(trained(tmp_path / "<b>", config=config))
    page = words.listing({"<b>": state, "<i>": "no <u>"}, "<b>", OLD) + words.configuration(state)
    page += words.opens('"<b>') + words.none_in("<b>") + words.wrong("<u>")
    for tag in ("<img", "<b>alert", "<i>", "<u>", "%22<", "<b></a>", "<code><b>"):
        assert tag not in page
    assert page.count("&lt;img") == 7 and "runs%2F%3Cb%3E" in page  # the data are in both tables


# looking


@pytest.fixture
def watched():
    """A look at numbers that count up, and what was shown and said."""
    found, shown = iter(range(100)), []
    one = look.Look(lambda: next(found), shown.append, lambda error: shown.append(str(error)), shown.append)
    return one, shown


def settle(one):
    end = time.monotonic() + 5
    while one._under_way is not None and not one._under_way.done() and time.monotonic() < end:
        time.sleep(0.001)
    one.tick()


def test_files_are_looked_at_only_while_somebody_watches(watched, monkeypatch):
    one, shown = watched
    one.tick()
    settle(one)
    assert shown == []  # the browser has not got the page yet
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


def test_a_look_that_fails_is_said_and_the_next_one_goes_well():
    answers, said = iter([ValueError("torn"), 5]), []

    def find():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    one = look.Look(find, said.append, lambda error: said.append(str(error)), lambda dark: None)
    one._heard({"kind": "hello"})
    for _ in range(2):
        one.again()
        one.tick()
        settle(one)
    assert said == ["torn", 5]


def test_the_slider_keeps_the_sheet_that_the_reader_took(folder):
    page = scene.Scene(folder.parent)
    page._show(page._find())
    assert (page.scrub.value, page.scrub.end, page._state.shown) == (2, 2, 5)
    page.scrub.value = 0
    page._show(page._find())
    assert page._state.shown == 2
    Image.fromarray(np.zeros((12, 16), np.uint8)).save(folder / "samples" / "epoch-0006.png")
    page._show(page._find())
    assert (page._state.shown, page.scrub.value, page.scrub.end) == (2, 0, 3)
    page.scrub.value = 3
    page._show(page._find())
    assert page._state.shown == 6 and "epoch 6" in page.head.object


def test_without_a_run_the_page_says_where_it_looked_and_what_makes_one(tmp_path):
    page = scene.Scene(tmp_path / "nothing")
    page._show(page._find())
    assert str(tmp_path / "nothing") in page.listing.object and "labkit train draw" in page.listing.object
    trained(tmp_path / "nothing" / "a")
    page._show(page._find())
    assert page.chosen == "a" and len(page.pictures) == 4


# files


def test_the_animation_has_a_frame_an_epoch_and_rests_on_the_newest(folder):
    target = io.BytesIO()
    files.animation(runs.read(folder), target)
    image = Image.open(target)
    times = []
    for i in range(image.n_frames):
        image.seek(i)
        times.append(image.info["duration"])
    assert image.n_frames == 3 and times[:2] == [500, 500] and times[2] == 500 + 1000 * files.LINGER
    assert image.convert("RGB").getpixel((100, 200)) == (5, 5, 5)  # the sheet of epoch 5


def test_a_long_animation_leaves_sheets_out_but_not_the_newest(tmp_path):
    target = io.BytesIO()
    files.animation(runs.read(trained(tmp_path / "a", epochs=range(1, 132))), target)
    image = Image.open(target)
    assert image.n_frames == 44  # every third of 131
    image.seek(43)
    assert image.convert("RGB").getpixel((100, 200)) == (131, 131, 131)


def test_the_picture_of_the_curves_needs_a_record(folder, tmp_path):
    target = io.BytesIO()
    files.curves(runs.read(folder), target)
    assert Image.open(target).size == files.SIZE
    for make in (files.curves, files.animation):
        with pytest.raises(ValueError, match="let it train"):
            make(runs.read(trained(tmp_path / make.__name__, records=0, epochs=())), target)

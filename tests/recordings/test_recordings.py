"""Recordings: what is packed is what is unpacked, what a file rounds, and what it holds."""

import base64
import gzip
import importlib.util
import io
import json
import re
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import holoviews as hv
import numpy as np
import panel as pn
import pytest
import torch

from labkit import recordings
from labkit.past import Past
from labkit.recordings import columns, files, frames
from labkit.recordings.columns import encode
from labkit.recordings.frames import Frame, Packer, unpack
from labkit.views.downloads import Downloads, content
from labkit.views.live import Live
from labkit.views.view import View

FLOATS = np.finfo(np.float32)


def frame(number, *pictures, sentence=""):
    return Frame(number, 10 * number, "status", sentence, pictures)


def same(found, given):
    """Whether an unpacked column is the given one, floats as float32."""
    if isinstance(given, list | tuple) and any(isinstance(each, np.ndarray) for each in given):
        return len(found) == len(given) and all(map(same, found, given))
    given = np.asarray(given)
    if given.dtype == object or given.dtype.kind == "U":
        return found == given.tolist()
    wanted = given if given.dtype.name in columns.EXACT else given.astype(np.float32)
    return (
        found.dtype == wanted.dtype
        and found.shape == wanted.shape
        and np.array_equal(found, wanted, equal_nan=found.dtype.kind == "f")
    )


COLUMNS = {
    "floats": np.array([1.5, -2.25, 1e30]),
    "not numbers": np.array([np.nan, np.inf, -np.inf]),
    "empty": np.zeros(0),
    "every second one": np.arange(12.0)[::2],
    "transposed": np.arange(12, dtype=np.uint8).reshape(3, 4).T,
    "odd number of bytes": np.array([1, 2, 255], dtype=np.uint8),
    "colours": np.array([0xFF0000FF, 0], dtype=np.uint32),
    "counts": np.arange(5),
    "truths": np.array([True, False]),
    "numbers in a list": [1, 2.5],
    "texts": np.array(["Ωß", "größer\n", ""], dtype=object),
    "texts in a list": ["ü"],
    "an image": [np.arange(12, dtype=np.uint32).reshape(3, 4)[:, ::-1]],
    "two images": [np.zeros((1, 3), np.uint8), np.ones((2, 2))],
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name):
    """Between two others, so that a wrong length would show."""
    given = {"before": np.arange(3.0), name: COLUMNS[name], "after": np.array([7], dtype=np.uint8)}
    message = Packer().pack(frame(0, {"ein Maß": given}))
    (found,) = unpack(message).columns
    assert all(same(found["ein Maß"][key], values) for key, values in given.items())
    assert len(message) % 4 == 0


@pytest.mark.parametrize("wrong", [np.array([None]), np.array([1j]), [{}], np.array([["a", 1]], dtype=object)])
def test_a_column_of_anything_else_is_refused(wrong):
    with pytest.raises(TypeError, match="must hold numbers, texts or arrays"):
        columns.encode(wrong)


def scenes():
    spec = importlib.util.spec_from_file_location("labkit_tests_moves", Path(__file__).parent.parent / "moves.py")
    moves = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(moves)
    return moves.lives()


@pytest.mark.slow
def test_every_view_that_ships_is_recorded_and_comes_back():
    """Each tab with default settings: two frames, of which the second holds only what changed.

    It takes ten seconds, because it builds every picture once. Several tabs have the same picture.
    """
    pn.extension()
    hv.extension("bokeh")
    seen = set()
    for name, live in scenes():
        past = Past(live._record)
        past.add(live.run.past(lambda past: past.states[0]))
        past.add(live.run.step(past.states[0]))
        packer, before = Packer(), None
        for number, state in enumerate(past.states):
            given = [view.columns(state, past) for view in live.views]
            before = unpack(packer.pack(frame(number, *given)), before)
            for picture, (layers, found) in enumerate(zip(given, before.columns, strict=True)):
                for layer, named in layers.items():
                    assert all(same(found[layer][key], values) for key, values in named.items()), (name, picture, layer)
        assert unpack(packer.key()).columns[0].keys() == before.columns[0].keys()
        new = {type(view).__name__: i for i, view in enumerate(live.views) if type(view).__name__ not in seen}
        columns = [given[i] for i in new.values()]
        declared = files.pictures([live.views[i] for i in new.values()], past.states[0], [columns])
        for picture, layers in zip(declared, columns, strict=True):
            assert set(layers) <= set(picture.data["layers"]), name
            assert json.loads(json.dumps(picture.data))
        seen |= new.keys()
        live.close()
    assert len(seen) > 15


def test_a_frame_holds_only_the_columns_that_changed():
    packer, steady = Packer(), np.arange(1000.0)
    first = packer.pack(frame(0, {"a": {"x": steady, "y": np.zeros(1000)}, "b": {"x": np.array([np.nan])}}))
    second = packer.pack(frame(1, {"a": {"x": steady, "y": np.ones(1000)}, "b": {"x": np.array([np.nan])}}))
    third = packer.pack(frame(2, {"a": {"x": steady[:2], "y": np.ones(2)}, "b": {"x": np.array([np.nan])}}))
    assert len(first) > 8000 and 4000 < len(second) < 4400 and len(third) < 400
    frames = [unpack(first)]
    for message in (second, third):
        frames.append(unpack(message, frames[-1]))
    assert [found.columns[0]["a"]["x"].tolist() for found in frames] == [steady.tolist()] * 2 + [[0, 1]]
    assert [found.columns[0]["a"]["y"][0] for found in frames] == [0, 1, 1]
    assert all(np.isnan(found.columns[0]["b"]["x"]).all() for found in frames)
    assert [(f.number, f.step, f.status) for f in frames] == [(0, 0, "status"), (1, 10, "status"), (2, 20, "status")]
    whole = unpack(packer.key())
    assert whole.step == 20 and whole.columns[0]["a"]["x"].tolist() == [0, 1]
    with pytest.raises(ValueError, match="frame 2 holds only changes"):
        unpack(third)


def test_the_same_array_is_not_encoded_again(monkeypatch):
    packer, steady, encoded = Packer(), np.arange(10.0), []
    monkeypatch.setattr(frames, "encode", lambda values: encoded.append(values) or encode(values))
    first = unpack(packer.pack(frame(0, {"a": {"x": steady, "y": np.zeros(10)}})))
    second = packer.pack(frame(1, {"a": {"x": steady, "y": np.ones(10)}}))
    assert sum(values is steady for values in encoded) == 1 and len(encoded) == 3
    found = unpack(second, first).columns[0]["a"]
    assert found["x"].tolist() == steady.tolist() and found["y"].tolist() == [1] * 10


def test_columns_of_another_length_are_left_out():
    """As on a live page: sizes for three particles do not fit two."""
    packer = Packer()
    first = unpack(packer.pack(frame(0, {"a": {"x": np.zeros(3), "size": np.ones(3)}})))
    second = unpack(packer.pack(frame(1, {"a": {"x": np.ones(3)}})), first)
    third = unpack(packer.pack(frame(2, {"a": {"x": np.ones(2)}})), second)
    assert set(second.columns[0]["a"]) == {"x", "size"} and set(third.columns[0]["a"]) == {"x"}
    assert set(unpack(packer.key()).columns[0]["a"]) == {"x"}


def test_nothing_packed_is_nothing_to_join():
    with pytest.raises(ValueError, match="no frame yet"):
        Packer().key()


# rounding


def rounded(values, logarithmic):
    given = [Frame(0, 0, "", "", [{"a": {"x": np.asarray(values)}}])]
    (packed,) = files.rounded(given, [logarithmic])
    return unpack(Packer().pack(packed)).columns[0]["a"]["x"].astype(float), packed.columns[0]["a"]["x"].head


def test_levels_are_off_by_less_than_a_hundredth_of_a_pixel_of_a_thousand():
    """Half a level is 1 / 131,068 of the range."""
    values = np.r_[np.random.default_rng(0).uniform(-5, 3, 999), np.nan]
    found, head = rounded(values, False)
    assert head["type"] == "uint16" and np.isnan(found[-1])
    assert np.nanmax(abs(found - values)) <= 8 / (2 * 65534) + 8 * FLOATS.eps


def test_on_a_logarithmic_axis_small_numbers_keep_their_place_too():
    values = np.geomspace(1e-9, 1e3, 500)
    found, head = rounded(values, True)
    assert head["log"] and abs(np.log(found / values)).max() <= np.log(1e12) / (2 * 65534) + 2 * FLOATS.eps


@pytest.mark.parametrize(
    ("values", "logarithmic"),
    [
        ([0.0, 1e-6, 1.0], True),  # no logarithm of 0
        ([*np.linspace(0, 1, 500), 1e5], False),  # one far particle would make the levels coarse
        ([1.0, np.inf], False),
    ],
)
def test_numbers_are_not_rounded_where_it_would_show(values, logarithmic):
    found, head = rounded(values, logarithmic)
    assert head["type"] == "float32" and np.array_equal(found, np.asarray(values, dtype=np.float32))


def test_a_constant_column_stays_exact():
    assert set(rounded([0.1] * 5, False)[0]) == {float(np.float32(0.1))}


# files


@dataclass(frozen=True)
class Count:
    t: int


@dataclass(frozen=True)
class Heavy(Count):
    large: torch.Tensor


class Point(View):
    """A point that moves to the right, and a sentence about it."""

    def picture(self, state):
        return hv.Points([(0, 0)], label="p").opts(xlim=(0, 1), ylim=(0, 1))

    def columns(self, state, past=None):
        return {"p": {"x": np.array([state.t / 500]), "y": np.array([len(past.states) / 500])}}

    def record(self, state):
        return {"t": float(state.t)}

    def describe(self, state, past=None):
        return f"größer als {state.t - 1}"


def blocks(text):
    found = gzip.decompress(base64.b64decode(re.search(r'id="recording">([^<]*)<', text)[1]))
    while found:
        (size,) = struct.unpack_from("<I", found)
        yield found[4 : 4 + size]
        found = found[4 + size :]


def test_a_file_holds_every_kept_state_its_words_and_nothing_to_fetch():
    file = io.BytesIO()
    states = [Count(t) for t in range(31)]
    recordings.save_states(Point(), states, file, title="<b>&", status=lambda state: f"t {state.t}", fps=7)
    text = file.getvalue().decode()
    head, *messages = blocks(text)
    declared, found, before = json.loads(head), [], None
    for message in messages:
        before = unpack(message, before)
        found.append(before)
    assert (declared["title"], declared["fps"], len(declared["pictures"])) == ("<b>&", 7, 1)
    assert [f.step for f in found] == [f.number for f in found] == list(range(31))
    assert found[3].status == "t 3" and found[3].sentence == "größer als 2"
    for state, each in zip(states, found, strict=True):  # a view sees the run up to its state, not beyond
        x, y = (each.columns[0]["p"][name][0] for name in "xy")
        assert abs(x - state.t / 500) < 1e-5 and abs(y - (state.t + 1) / 500) < 1e-5
    assert "<title>&lt;b&gt;&amp;</title>" in text
    assert not re.search(r"""(src|href)\s*=|url\(|https?:|import\(""", text)


def test_a_long_run_becomes_at_most_400_frames_and_ends_at_its_end():
    file = io.BytesIO()
    recordings.save_states(Point(), map(Count, range(1000)), file)
    _, *messages = blocks(file.getvalue().decode())
    assert 200 <= len(messages) <= 400
    assert json.loads(messages[-1][4 : 4 + struct.unpack_from("<I", messages[-1])[0]])["step"] == 999


def test_a_live_view_and_its_button_write_the_same_frames():
    """The button does so in a thread, as `Downloads` makes its files."""
    pn.extension()
    live = Live(lambda: Count(0), lambda state: Count(state.t + 1), Point(), status=lambda state: f"t {state.t}")
    try:
        live.run.once()
        file, past = io.BytesIO(), live.run.past(lambda past: past.copy())
        recordings.save(live, file)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(content, "html", live.views, past, -1, False, None, live.status).result()
        _, *frames = blocks(file.getvalue().decode())
        assert [unpack(frames[0]).status, len(frames)] == ["t 0", 2]
        assert frames == list(blocks(made.decode()))[1:]
        assert "html" in Downloads(live, ("png",)).kinds
    finally:
        live.close()


def test_large_states_are_all_kept():
    """A page forgets most of these, as it keeps 8 MB of states; a file shows every state that it was given."""
    file, large = io.BytesIO(), torch.zeros(1_000_000)
    recordings.save_states(Point(), [Heavy(t, large) for t in range(30)], file)
    assert len(list(blocks(file.getvalue().decode()))) == 31


def test_a_file_is_refused_under_a_wrong_name_or_without_a_state(tmp_path):
    with pytest.raises(ValueError, match=r"end in \.html, got 'a\.htm'"):
        recordings.save_states(Point(), [Count(0)], tmp_path / "a.htm")
    with pytest.raises(ValueError, match="no state to show"):
        recordings.save_states(Point(), [], tmp_path / "a.html")
    assert not list(tmp_path.iterdir())

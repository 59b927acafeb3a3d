"""A run in files: which states an animation shows and when, and tables that contain the values of the states."""

import csv
import io
from dataclasses import dataclass
from itertools import islice
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pytest
from PIL import Image

from labkit import engine
from labkit.experiments.svgd import Pair, ParticlesSettings
from labkit.experiments.svgd.numbers import Numbers
from labkit.views import save
from labkit.views.svgd import Curves, Line, Plane, half
from labkit.views.view import View

SIZE = (320, 200)


@dataclass(frozen=True)
class Count:
    t: int


class Seen(View):
    """A view that follows its run and remembers the states that it was given."""

    def __init__(self):
        self.shown = []

    def picture(self, state):
        return hv.Points([(0, 0)], label="p").opts(xlim=(0, 1), ylim=(0, 1), size=20, color="red", show_legend=False)

    def columns(self, state, past):
        self.shown.append((state, past))
        return {"p": {"x": [state.t / 100], "y": [0.5]}}


def counted(steps, record=None):
    past = engine.Past(record, pins=(0, 50, 75, 100))
    for t in range(steps + 1):
        past.add(Count(t))
    return past


@pytest.fixture(scope="module")
def mixture():
    """Forty steps of twenty particles, with a table of KSD, and the views of it."""
    experiment = ParticlesSettings(n=20)
    curve = Curves(Numbers("Stein discrepancy", {"KSD": lambda state: state.ksd}))
    past = engine.Past(curve.record)
    state = experiment.start()
    for _ in range(41):
        past.add(state)
        state = experiment.step(state)
    return SimpleNamespace(past=past, views=[Line(experiment.density, experiment.box()[0]), curve])


# the shown states


@pytest.mark.parametrize("steps", [0, 1, 5, 88, 89, 90, 200, 399])
def test_frames_are_evenly_spaced_limited_in_number_and_include_the_end(steps):
    past = counted(steps)
    positions = save.thinned(past, 90)
    assert len(positions) <= 90 and positions[0] == 0 and positions[-1] == len(past.states) - 1
    assert len(set(np.diff(positions)[:-1].tolist())) <= 1
    assert len(positions) >= min(len(past.states), 45)


def test_a_run_that_begins_in_its_middle_shows_the_steps_of_its_states():
    """A step of a lesson does: the first picture may show step 30."""
    later = engine.Past(None)
    later.add(Count(30))
    middle, whole, start = (_head(past) for past in (later, counted(30), counted(0)))
    assert np.array_equal(middle, whole) and not np.array_equal(middle, start)


def _head(past):
    """Return the line with the step counter above the newest picture."""
    target = io.BytesIO()
    save.png([Seen()], past, -1, target, size=SIZE)
    return np.asarray(Image.open(target))[: int(save.HEAD * SIZE[1] / 540)]


def test_a_following_view_sees_no_later_states():
    past, view = counted(120, lambda state: {"t": float(state.t)}), Seen()
    assert len(list(save.frames(view, past, size=SIZE, most=30))) == len(save.thinned(past, 30))
    for state, upto in view.shown:
        assert upto.states[-1] is state and upto.marks[-1] == state.t
        assert upto.table == {"t": [float(mark) for mark in upto.marks]}
        assert sorted(upto.pinned) == [mark for mark in (0, 50, 75, 100) if mark <= state.t]
    assert len(past.states) == len(past.marks) == len(past.table["t"])
    assert past.marks[-1] == 120 and 100 in past.pinned


def test_frames_are_painted_one_at_a_time_and_move():
    view = Seen()
    frames = save.frames(view, counted(10), size=SIZE)
    assert len(view.shown) <= save.SAMPLE
    pictures = list(islice(frames, 3))
    assert len(view.shown) <= save.SAMPLE + 3
    assert {picture.size for picture in pictures} == {SIZE}
    assert len({picture.tobytes() for picture in pictures}) == 3


def test_several_views_share_one_picture_and_labels(mixture):
    """Both halves of a pair have a layer "particles"; each panel shows its own."""
    states = mixture.past.states
    pair = engine.Past()
    pair.add(Pair(states[0], states[-1]))
    line = mixture.views[0]
    (both,) = save.frames([half(line, "left"), half(line, "right")], pair, size=(800, 300))
    same = engine.Past()
    same.add(Pair(states[0], states[0]))
    (equal,) = save.frames([half(line, "left"), half(line, "right")], same, size=(800, 300))
    differ = (np.asarray(both) != np.asarray(equal)).any(2)
    assert not differ[:, :400].any() and differ[:, 400:].any()


def test_a_curve_grows_within_axes_for_the_whole_run(mixture):
    """Left of the first frame's end, every frame draws the curve; the last frame reaches the right edge."""
    frames = [np.asarray(f).astype(int) for f in save.frames(mixture.views[1], mixture.past, size=(480, 300))]
    green = [(abs(f - (0, 158, 115)).sum(2) < 90).any(0) for f in frames]
    reach = [np.flatnonzero(columns).max() if columns.any() else 0 for columns in green]
    assert all(a <= b for a, b in zip(reach, reach[1:], strict=False))
    assert reach[10] < 200 < 400 < reach[-1]


def test_dark_paper_is_dark(mixture):
    picture = next(iter(save.frames(mixture.views, mixture.past, size=SIZE, dark=True)))
    assert max(picture.getpixel((1, 1))) < 40


# files


def test_a_gif_contains_every_frame_and_rests_on_the_last(mixture, tmp_path):
    seen = []

    def track(frames):
        for frame in frames:
            seen.append(frame)
            yield frame

    save.gif(mixture.views, mixture.past, tmp_path / "run.gif", size=SIZE, most=20, fps=20, track=track)
    with Image.open(tmp_path / "run.gif") as gif:
        assert gif.n_frames == len(seen) == len(save.thinned(mixture.past, 20))
        assert gif.size == SIZE and gif.info["loop"] == 0
        durations = []
        for i in range(gif.n_frames):
            gif.seek(i)
            durations.append(gif.info["duration"])
    assert durations[:-1] == [50] * (len(seen) - 1) and durations[-1] == 50 + 1000 * save.LINGER


def test_a_png_equals_the_frame_at_its_position(mixture):
    file = io.BytesIO()
    save.png(mixture.views[:1], mixture.past, -1, file, size=SIZE)
    *_, last = save.frames(mixture.views[:1], mixture.past, size=SIZE)
    assert np.array_equal(np.asarray(Image.open(file)), np.asarray(last))
    first = io.BytesIO()
    save.png(mixture.views[:1], mixture.past, 0, first, size=SIZE)
    assert first.getvalue() != file.getvalue()


def read(file):
    return list(csv.reader(file.getvalue().decode().splitlines()))


def test_curves_contain_the_table_with_the_steps(mixture):
    file = io.BytesIO()
    save.curves_csv(mixture.past, file)
    header, *rows = read(file)
    name = "Stein discrepancy: KSD"
    assert header == ["step", name, "steps", f"{name}, mean", f"{name}, least", f"{name}, greatest"]
    assert [int(row[0]) for row in rows] == mixture.past.marks and {row[2] for row in rows} == {"1"}
    for place in (1, 3, 4, 5):  # every step has its own row
        assert [float(row[place]) for row in rows] == mixture.past.table[name]


def test_curves_of_a_long_run_include_every_step():
    """Numbers that alternate with period two: each row has both, although rows are at even steps."""
    past, file = counted(3000, lambda state: {"h": float(state.t % 2)}), io.BytesIO()
    save.curves_csv(past, file)
    _, first, *rows, last = read(file)
    assert first == ["0", "0.0", "1", "0.0", "0.0", "0.0"] and last[0] == "3000"
    assert {tuple(row[1:]) for row in rows} == {("0.0", "8", "0.5", "0.0", "1.0")}
    assert sum(int(row[2]) for row in (first, *rows, last)) == 3001


def test_a_failed_write_gives_the_reason_and_keeps_the_old_file(tmp_path, mixture):
    (tmp_path / "a.csv").write_text("old")
    broken = counted(3)
    broken.marks.append(4)
    with pytest.raises(ValueError):
        save.curves_csv(broken, tmp_path / "a.csv")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    with pytest.raises(ValueError, match=r"end in \.csv, got 'a\.txt'"):
        save.curves_csv(mixture.past, tmp_path / "a.txt")
    with pytest.raises(ValueError, match="at least 2"):
        save.thinned(mixture.past, 1)


def test_level_lines_of_unequal_lengths_are_painted():
    """A planar target has a few level lines, each with a different number of points."""
    experiment = ParticlesSettings(target="banana", n=5, begin_mean=0.0)
    past = engine.Past()
    past.add(experiment.start())
    (frame,) = save.frames(Plane(experiment.density(), experiment.box()), past, size=SIZE)
    orange = abs(np.asarray(frame).astype(int) - (213, 94, 0)).sum(2) < 120
    assert orange.sum() > 50

"""The still picture of a class: the teacher's newest frame, painted rarely, even if many students ask."""

import io
import time
from types import SimpleNamespace

import pytest
from bokeh.document import Document
from PIL import Image, ImageColor

from labkit.experiments.svgd import ParticlesSettings
from labkit.paint.axes import DARK, LIGHT
from labkit.serving.rooms import JOINING, Room
from labkit.serving.stills import FRESH, SHARE, SIZE, Still
from labkit.views.svgd import ParticlesScene


@pytest.fixture
def live():
    scene = ParticlesScene(ParticlesSettings(n=20), play=False)
    yield scene.live
    scene.live.close()


def once(live):
    """Take a step, and wait for its frame."""
    live.run.watched()
    live.run.once()
    wanted, until = live.run.past(lambda past: past.marks[-1]), time.monotonic() + 20
    while live.run.frame.state.t != wanted and time.monotonic() < until:
        time.sleep(0.01)


@pytest.mark.parametrize("dark", [False, True])
def test_the_picture_is_on_the_paper_of_the_scheme(live, dark):
    once(live)
    picture = Image.open(io.BytesIO(Still(dark).png(live)))
    paper = (DARK if dark else LIGHT).paper
    assert picture.format == "PNG" and picture.size == SIZE
    assert picture.convert("RGB").getpixel((2, 2)) == (ImageColor.getrgb(paper) if isinstance(paper, str) else paper)


@pytest.fixture
def slow(monkeypatch):
    """A still picture whose painting takes .1 seconds of `slow.now`; `slow.painted` counts."""
    still = Still(dark=False)
    still.now, still.painted, paint = 1000.0, 0, still._paint
    monkeypatch.setattr("labkit.serving.stills.time", SimpleNamespace(monotonic=lambda: still.now))

    def painted(live):
        paint(live)
        still.now, still.painted = still.now + 0.1, still.painted + 1
        still._next = still.now + 0.1 / SHARE

    monkeypatch.setattr(still, "_paint", painted)
    return still


def test_a_browser_gets_the_file_at_once_unless_it_is_old_or_shows_other_views(live, slow):
    once(live)
    first = slow.png(live)
    assert slow.png(live) == first and slow.painted == 1
    once(live)
    slow.now += 0.9 * FRESH
    assert slow.png(live) == first and slow.painted == 1
    slow.now += 0.2 * FRESH
    assert slow.png(live) != first and slow.painted == 2
    slow.now += 2 * FRESH
    slow.png(live)
    assert slow.painted == 2  # the run is paused, so the picture is the newest
    live.show(*live.views)
    once(live)
    assert live.run.frame.state.t == 1
    slow.png(live)
    assert slow.painted == 3


def test_it_is_painted_ahead_when_the_run_has_moved_and_only_for_a_share_of_the_time(live, slow):
    once(live)
    assert slow.prepare(live) and not slow.prepare(live)
    once(live)
    slow.now += 0.9 * 0.1 / SHARE
    assert not slow.prepare(live)
    slow.now += 0.2 * 0.1 / SHARE
    assert slow.prepare(live) and slow.painted == 2
    slow.png(live)
    assert slow.painted == 2  # it is ready


def test_painting_ahead_that_fails_is_not_tried_at_every_tick(live, slow, monkeypatch):
    def fails(live):
        raise ValueError("no picture")

    monkeypatch.setattr(slow, "_paint", fails)
    once(live)
    with pytest.raises(ValueError, match="no picture"):
        slow.prepare(live)
    assert not slow.prepare(live)


def test_a_room_paints_one_picture_a_tick_while_its_class_joins(live, monkeypatch):
    room, now = Room("a-b"), [1000.0]
    monkeypatch.setattr("labkit.serving.rooms.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr("labkit.serving.stills.time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(Room, "live", property(lambda room: live))
    monkeypatch.setattr("labkit.views.shown.settings_on", lambda document: "")
    room._document = Document  # called without arguments, as a weak reference
    once(live)
    room.tick()
    assert [bool(still._file) for still in room.stills] == [False, False]
    room.expect()
    room.tick()
    assert [bool(still._file) for still in room.stills] == [False, False]  # the student's browser is busy
    now[0] += 1.1 * JOINING[0]
    for painted in ([True, False], [True, True]):
        room.tick()
        assert [bool(still._file) for still in room.stills] == painted
    numbers = [still._number for still in room.stills]
    once(live)
    now[0] += 2 * JOINING[1]
    room.tick()
    assert [still._number for still in room.stills] == numbers


def test_a_run_without_a_first_frame_has_no_picture():
    empty = SimpleNamespace(run=SimpleNamespace(frame=SimpleNamespace(content=None)))
    assert Still(dark=False).png(empty) == b""

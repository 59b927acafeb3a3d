"""The still picture of a class: the teacher's newest frame, painted rarely, even if many students ask."""

import io
import time
from types import SimpleNamespace

import pytest
from PIL import Image, ImageColor

from labkit.experiments.svgd import ParticlesSettings
from labkit.paint.axes import DARK, LIGHT
from labkit.serving.stills import SHARE, SIZE, Still
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


def test_a_new_frame_is_painted_after_a_pause_and_a_new_target_at_once(live, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("labkit.serving.stills.time", SimpleNamespace(monotonic=lambda: now[0]))
    still, painted = Still(dark=False), []
    paint = still._paint

    def slow(columns):
        now[0] += 0.1
        painted.append(columns)
        return paint(columns)

    monkeypatch.setattr(still, "_paint", slow)
    once(live)
    first = still.png(live)
    assert still.png(live) == first and len(painted) == 1
    once(live)
    assert still.png(live) == first and len(painted) == 1  # it took .1 s, so the next waits for .1 s / SHARE
    now[0] += 0.11 / SHARE
    assert still.png(live) != first and len(painted) == 2
    live.show(*live.views)
    once(live)
    assert live.run.frame.state.t == 1
    still.png(live)
    assert len(painted) == 3


def test_a_run_without_a_first_frame_has_no_picture():
    empty = SimpleNamespace(run=SimpleNamespace(frame=SimpleNamespace(content=None)))
    assert Still(dark=False).png(empty) == b""

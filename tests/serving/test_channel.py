"""A channel sends each frame once to all who follow; one who is slow misses frames and delays no other."""

import json
import struct
import time
from dataclasses import dataclass

import holoviews as hv
import numpy as np
import pytest

from labkit.experiments.svgd.particles import ParticlesSettings
from labkit.recordings.frames import unpack
from labkit.serving import channel, rooms
from labkit.serving.channel import Channel
from labkit.views.live import Live
from labkit.views.runs import RunsScene
from labkit.views.svgd.particles import ParticlesScene
from labkit.views.view import View


@dataclass(frozen=True)
class Turn:
    t: int = 0


class Dots(View):
    """Dots on a circle, which turn at every step, and one that moves only at step 3: it is not in every frame.

    To declare this picture takes little time.
    """

    def picture(self, state):
        return hv.Overlay([hv.Points([(0.0, 0.0)], label=label) for label in ("dots", "seldom")])

    def columns(self, state, past=None):
        angle = state.t + np.arange(20.0)
        seldom = {"x": np.array([float(state.t >= 3)]), "y": np.zeros(1)}
        return {"dots": {"x": np.cos(angle), "y": np.sin(angle)}, "seldom": seldom}


class Follower:
    """A websocket that keeps what it was sent."""

    def __init__(self):
        self.texts, self.frames, self.busy = [], [], False

    def write_message(self, text):
        self.texts.append(json.loads(text))


@pytest.fixture
def follower(monkeypatch):
    """follower() -> a new follower; its frames are unpacked in order, as a browser does."""

    def write(socket, frame):
        size = frame[1]
        at = 2 if size < 126 else 4 if size == 126 else 10
        socket.frames.append(unpack(frame[at:], socket.frames[-1] if socket.frames else None))

    monkeypatch.setattr(channel, "is_writing", lambda socket: socket.busy)
    monkeypatch.setattr(channel, "write_wire", write)
    return Follower


@pytest.fixture
def live():
    one = Live(Turn, lambda state: Turn(state.t + 1), [Dots(), Dots()], play=False)
    yield one
    one.close()


@pytest.fixture
def particles():
    scene = ParticlesScene(ParticlesSettings(n=20), play=False)
    yield scene.live
    scene.live.close()


def step(live):
    """Take a step and wait for its frame."""
    t = live.run.past(lambda past: past.states[-1].t)
    live.run.once()
    while live.run.frame.state is None or live.run.frame.state.t == t:
        time.sleep(0.002)


def same(frame, live):
    """Whether a frame shows what the live view shows now, as float32."""
    _, columns = live.run.frame.content
    return all(
        np.array_equal(np.asarray(values, dtype=np.float32), frame.columns[i][layer][name], equal_nan=True)
        for i, layers in enumerate(columns)
        for layer, named in layers.items()
        for name, values in named.items()
        if np.asarray(values).dtype.kind == "f"
    )


def test_a_follower_gets_the_declaration_and_then_each_new_frame(live, follower):
    followed, one = Channel(), follower()
    followed.join(one)
    step(live)
    followed.tick(live)
    followed.tick(live)  # nothing is new
    step(live)
    followed.tick(live)
    assert [text["kind"] for text in one.texts] == ["declaration"]
    assert [frame.step for frame in one.frames] == [1, 2]
    assert same(one.frames[-1], live)


def test_a_frame_names_the_pictures_that_are_empty_until_the_run_is_played(particles, follower):
    live, followed, one = particles, Channel(), follower()
    followed.join(one)
    assert live.run.past(lambda past: past.states[-1].t) == 0
    followed.tick(live)
    step(live)
    followed.tick(live)
    forces = len(live.views) - 1  # on a chosen particle, and none is chosen
    assert [frame.empty for frame in one.frames] == [tuple(range(1, forces + 1)), (forces,)]


def test_one_who_joins_later_sees_the_same(live, follower):
    followed, early, late = Channel(), follower(), follower()
    followed.join(early)
    for _ in range(3):
        step(live)
        followed.tick(live)
    followed.join(late)
    step(live)
    followed.tick(live)
    assert late.texts == early.texts
    assert [frame.step for frame in late.frames] == [3, 4]
    assert same(late.frames[-1], live) and same(early.frames[-1], live)


def test_a_busy_follower_misses_frames_and_then_sees_the_present(live, follower):
    followed, quick, slow = Channel(), follower(), follower()
    followed.join(quick)
    followed.join(slow)
    for busy in (False, True, True, False, False):
        slow.busy = busy
        step(live)
        followed.tick(live)
    assert [frame.step for frame in quick.frames] == [1, 2, 3, 4, 5]
    assert [frame.step for frame in slow.frames] == [1, 4, 5]
    assert same(slow.frames[-1], live)


def test_new_pictures_are_declared_again(live, follower):
    followed, one = Channel(), follower()
    followed.join(one)
    step(live)
    followed.tick(live)
    live.show(*live.views[:1])
    while live.run.frame.content[0] is not live.views:
        time.sleep(0.002)
    one.frames.clear()
    followed.tick(live)
    assert [len(text["pictures"]) for text in one.texts][-1] == 1
    assert len(one.frames[-1].columns) == 1


def test_nothing_is_packed_without_followers(live, follower):
    followed, one = Channel(), follower()
    followed.join(one)
    followed.leave(one)
    step(live)
    followed.tick(live)
    assert followed.frames == 0 and one.texts == []


def test_the_states_of_recent_frames_are_kept_up_to_a_limit(live, follower, monkeypatch):
    monkeypatch.setattr(channel, "RECENT", 2)
    followed, one = Channel(), follower()
    followed.join(one)
    for _ in range(3):
        step(live)
        followed.tick(live)
    assert [state.t for state in followed.recent.values()] == [2, 3]


def test_a_frame_of_a_websocket_has_the_length_in_its_head():
    from labkit.private.tornado import on_the_wire

    for n in (0, 125, 126, 65_535, 65_536):
        frame, message = on_the_wire(bytes(n)), bytes(n)
        assert frame[0] == 0x82  # final and binary, RFC 6455
        if n < 126:
            assert (frame[1], frame[2:]) == (n, message)
        elif n < 65_536:
            assert (frame[1], struct.unpack("!H", frame[2:4])[0], frame[4:]) == (126, n, message)
        else:
            assert (frame[1], struct.unpack("!Q", frame[2:10])[0], frame[10:]) == (127, n, message)


def test_pictures_are_declared_before_the_first_follower_joins(live, follower, monkeypatch):
    """To make the declaration takes half a second, and the first follower need not wait for it."""
    monkeypatch.setattr(channel, "SETTLED", 0.05)
    followed, one = Channel(), follower()
    step(live)
    followed.tick(live)
    followed.join(one)
    followed.leave(one)
    assert not one.texts  # the views may still change
    time.sleep(0.06)
    followed.tick(live)
    followed.join(one)
    assert [text["kind"] for text in one.texts] == ["declaration"] and not one.frames
    followed.tick(live)
    assert same(one.frames[-1], live) and followed.frames == 1


def test_a_class_follows_a_training_run_that_grows(follower, tmp_path, made_runs):
    folder, later = (
        made_runs.trained(tmp_path / name, records) for name, records in (("runs/mine", 30), ("later", 60))
    )
    scene, one, sent = RunsScene(tmp_path / "runs"), follower(), Channel()
    sent.join(one)
    scene._show(scene._find())
    sent.tick(scene.live)
    views, state = scene.live.views, scene.live.frame.state
    assert one.frames[-1].status.startswith("mine") and one.frames[-1].step == state.step > 0
    assert len(one.texts[-1]["pictures"]) == len(views) == len(scene.stages) > 1
    assert same(one.frames[-1], scene.live)
    (later / "metrics.csv").replace(folder / "metrics.csv")
    scene._show(scene._find())
    sent.tick(scene.live)
    assert scene.live.views is views and len(one.texts) == 1
    assert one.frames[-1].step == scene.live.frame.state.step > state.step and same(one.frames[-1], scene.live)


@pytest.mark.parametrize("order", rooms.ORDERS)
def test_orders_of_a_student_change_nothing_on_the_page_of_runs(order, tmp_path):
    scene = RunsScene(tmp_path)
    scene._show(scene._find())
    before = scene.live.frame
    rooms.ORDERS[order](scene.live)
    assert scene.live.frame is before

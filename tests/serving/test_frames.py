"""The websocket of a page for its frames: the browser's signal that a viewer is there."""

from types import SimpleNamespace

import pytest
from bokeh.document import Document

from labkit.serving import frames


@pytest.mark.parametrize(("message", "wanted"), [("beat", 1), ("play", 0), (b"beat", 0)])
def test_a_beat_lets_the_run_of_the_open_tab_continue(monkeypatch, message, wanted):
    signals, socket, document = [], SimpleNamespace(), Document()
    live = SimpleNamespace(run=SimpleNamespace(watched=lambda: signals.append(1)))
    monkeypatch.setattr(frames.shown, "on", lambda asked: live if asked is document else None)
    monkeypatch.setattr(frames, "_followers", Followers(socket, frames.Follower(socket, document)))
    frames.FramesSocket.on_message(socket, message)
    assert len(signals) == wanted


class Namespace(SimpleNamespace):
    """A namespace to which weak references are possible."""


class Followers:
    """The follower of one websocket."""

    def __init__(self, socket, follower):
        self.get = lambda asked: follower if asked is socket else None


def test_a_beat_of_a_page_whose_session_has_ended_does_nothing(monkeypatch):
    socket, document = SimpleNamespace(), Document()
    follower = frames.Follower(socket, document)
    monkeypatch.setattr(frames, "_followers", Followers(socket, follower))
    del document
    frames.FramesSocket.on_message(socket, "beat")


def test_a_frame_waits_until_the_play_button_says_what_the_run_does(monkeypatch):
    """The word "Play" would contradict a picture that moves."""
    views, sent, labels = object(), [], []
    frame = SimpleNamespace(number=1, content=(views, ()), playing=True, error="")
    live = Namespace(
        run=SimpleNamespace(frame=frame), declared=views, pass_by=bool, sources=dict,
        in_turn=lambda columns, moving: [],
        bar=SimpleNamespace(agrees=lambda asked: asked is frame and bool(labels), line=lambda frame: ""),
    )  # fmt: skip
    document = Document()
    monkeypatch.setattr(frames.shown, "on", lambda asked: live)
    monkeypatch.setattr(frames, "is_writing", lambda socket: False)
    monkeypatch.setattr(frames, "write_wire", lambda socket, wire: sent.append(wire))
    follower = frames.Follower(SimpleNamespace(), document)
    follower.tick()
    assert not sent
    labels.append("Pause")
    follower.tick()
    assert len(sent) == 1

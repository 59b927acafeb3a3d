"""What visitors may choose is limited by the options of the server, and a link over a limit says which."""

import asyncio
import json

import pytest

from labkit.experiments.dreg.alpha import AlphaSettings
from labkit.experiments.links import set_all
from labkit.experiments.svgd import ClassificationSettings, ComparisonSettings, ParticlesSettings
from labkit.serving import ceilings, settings, sockets
from labkit.serving.settings import Limits


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(settings, "limits", Limits(particles=50, samples=16))


@pytest.mark.parametrize(
    ("make", "name", "most", "option"),
    [
        (lambda: ComparisonSettings(ParticlesSettings()).run, "n", 50, "--max-particles"),
        (ClassificationSettings, "n", 50, "--max-particles"),
        (AlphaSettings, "k", 16, "--max-samples"),
    ],
)
def test_a_link_over_a_limit_is_refused_with_the_number_and_the_option(small, make, name, most, option):
    owner = make()
    ceilings.hold([owner])
    assert set_all(owner, {name: most}) == [] and getattr(owner, name) == most
    (refused,) = set_all(owner, {name: most + 1})
    assert refused == f"{name}={most + 1}: must be at most {most}, the most that this server allows ({option})"
    with pytest.raises(ValueError, match=f"at most {most}"):  # also what a browser sends
        setattr(owner, name, most + 1)
    assert owner.param[name].get_soft_bounds()[1] == most and make().param[name].bounds[1] != most


def test_a_default_above_the_limit_becomes_the_limit(small):
    made = ceilings.held(lambda: ParticlesSettings(n=100))()
    assert made.n == 50 and made.start().x.shape[0] == 50


def test_the_limit_also_holds_for_the_second_run(small):
    made = ceilings.held(lambda: ComparisonSettings(ParticlesSettings()))()
    made.compare, made.other = "n", 50
    assert made.second().start().x.shape[0] == 50
    other = made.run.but(seed=3)
    assert other.seed == 3 and other.param["n"].get_soft_bounds()[1] == 50  # also what its slider shows
    made.other = 51
    with pytest.raises(ValueError, match="at most 50"):
        made.second()


def test_the_usual_limits_change_no_slider():
    for make in (ParticlesSettings, ClassificationSettings, AlphaSettings):
        free, held = make(), make()
        ceilings.hold(held.owners)
        assert all(
            free.param[n].get_soft_bounds() == held.param[n].get_soft_bounds() for n in ("n", "k") if n in free.param
        )


class Browser:
    """Sends the parts of messages to a websocket that keeps what Bokeh would get."""

    def __init__(self, monkeypatch, limits):
        self.got, self.closed = [], []
        self.socket = object.__new__(sockets.Prompt)
        monkeypatch.setattr(sockets.Prompt, "settings", {sockets.limits.SETTING: type("V", (), {"limits": limits})})
        monkeypatch.setattr(sockets.Prompt, "close", lambda _, code, reason: self.closed.append((code, reason)))

        async def take(_, part):
            self.got.append(part)

        monkeypatch.setattr(sockets.SocketHandler, "on_message", take)

    def send(self, *parts):
        for part in parts:
            asyncio.run(self.socket.on_message(part))


def test_the_parts_of_a_message_are_counted_together(monkeypatch):
    browser = Browser(monkeypatch, Limits(message=1000, parts=2))
    head = json.dumps({"msgid": "1", "num_buffers": 2})
    browser.send(head, "{}", "{}", "{}", b"x" * 400, "{}", b"x" * 400)
    browser.send(head, "{}", "{}", "{}", b"x" * 400, "{}", b"x" * 400)  # a new message counts from 0
    assert len(browser.got) == 14 and not browser.closed
    browser.send(head, "{}", "{}", "{}", b"x" * 400, "{}", b"x" * 700)
    ((code, reason),) = browser.closed
    assert code == sockets.TOO_BIG and "limit is 1,000 (--max-message-bytes)" in reason


def test_a_message_with_too_many_parts_is_refused_at_its_head(monkeypatch):
    browser = Browser(monkeypatch, Limits(parts=2))
    browser.send(json.dumps({"msgid": "1", "num_buffers": 3}))
    assert browser.closed == [(sockets.TOO_BIG, "A message with 3 binary parts; the limit is 2 (--max-message-parts).")]
    assert not browser.got


@pytest.mark.parametrize("head", ["", "[]", "no JSON", b"\x00", json.dumps({"num_buffers": "many"}), "[" * 100_000])
def test_a_head_that_cannot_be_read_announces_no_parts(monkeypatch, head):
    browser = Browser(monkeypatch, Limits())
    browser.send(head)
    assert browser.got == [head] and not browser.closed  # Bokeh refuses it

"""The player without a server: what it shows, what its controls and keys do, and when it stops."""

import dataclasses
import time
from dataclasses import dataclass
from types import SimpleNamespace

import holoviews as hv
import numpy as np
import pytest

from labkit import engine
from labkit.views import live as live_module
from labkit.views import notebook, pictures, player
from labkit.views.live import Live
from labkit.views.view import View

ATTACK = "<script>alert(1)</script>"


@dataclass(frozen=True)
class Count:
    t: int = 0


class Dot(View):
    """A view of one point, at x = t."""

    def picture(self, state):
        return hv.Overlay([hv.Points([(state.t, 0.0)], ["x", "y"], label="dot")]).opts(xlim=(0, 9), ylim=(0, 1))

    def columns(self, state, past=None):
        return {"dot": {"x": np.array([float(state.t)]), "y": np.zeros(1)}}

    def record(self, state):
        return {"t": float(state.t)}


@pytest.fixture
def make(monkeypatch):
    """make(step, ...) -> a Live of one dot, drawn as on a page; `make.figures` holds the drawn figures."""
    monkeypatch.setattr(notebook, "_cells", {})
    made = []

    def live(step=lambda state: Count(state.t + 1), start=Count, view=None, **options):
        figures = []
        one = Live(start, step, view or Dot(), drawn=lambda _, figure: figures.append(figure), **options)
        draw(one)
        one.figures = figures
        made.append(one)
        return one

    yield live
    for each in made:
        each.close()


def shown(live, until=lambda frame: True):
    """Let the player show the run's frame after all commands were executed."""
    live.run.past(lambda past: None)
    deadline = time.monotonic() + 10
    number = live.run.frame.number
    live.run.redraw()
    while live.run.frame.number == number or not until(live.run.frame):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.002)
    live.clock.tick()
    return live.run.frame


def say(live, **message):
    """A message from the browser."""
    live.remote._handle_msg(message)


def draw(live):
    """The player in a notebook, in a browser that prefers reduced motion."""
    live.__panel__().get_root()
    say(live, kind="hello", dark=False, reduced=True)


def place(live):
    return float(live.figures[-1].renderers[0].data_source.data["x"][0])


def test_with_few_frames_only_some_change_the_text_too(make, monkeypatch):
    """The text costs as much as a picture. The first frame of a playing run and of a paused run changes it at once."""
    live = make()
    frame = shown(live)
    clock, read = [1e9], []
    monkeypatch.setattr(player, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(live.bar, "line", lambda frame: read.append(clock[0]) or "")
    first, last = frame.number + 1, frame.number + 2 * player.SELDOM + 1
    for number in range(first, last + 1):
        clock[0] += 2 * player.READOUT
        live._show_frame(dataclasses.replace(frame, number=number, playing=True))
    assert len(read) == 3
    live._show_frame(dataclasses.replace(frame, number=last + 1, playing=False))
    assert len(read) == 4


def test_the_label_of_play_changes_with_the_first_frame_that_plays_or_pauses(make):
    """Also where the other texts change rarely, because frames reach the browser past the document."""
    live = make()
    live.pass_by(True)
    frame, labels = shown(live), []
    for number, playing in enumerate((False, True, True, False, True), frame.number + 1):
        live.run.frame = dataclasses.replace(frame, number=number, playing=playing)
        if live.has_news():
            live._show_frame(live.run.frame)
        labels.append(live.bar.button.label)
    assert labels == ["Play", "Pause", "Pause", "Play", "Pause"]


def test_a_paused_run_says_which_steps_rewind_can_show(make):
    live = make()
    lines = {n: live.bar.line(dataclasses.replace(live.run.frame, stride=n, playing=False)) for n in (1, 2, 4, 32)}
    assert "Rewind" not in lines[1]
    words = '<span class="rewind"> · Rewind goes {} steps at a time</span>'  # style sheets hide them with the slider
    assert all(f"paused{words.format(n)}" in lines[n] for n in (2, 4, 32))


def test_it_renders_the_first_state_and_follows_the_run(make):
    live = make()
    shown(live)
    assert place(live) == 0 and "step <b>0</b>" in live.bar.text.value and "paused" in live.bar.text.value
    for _ in range(3):
        live.bar.once.param.trigger("clicks")
    live.run.once()
    assert shown(live).state.t >= 1
    assert place(live) == live.run.frame.state.t
    assert f"step <b>{live.run.frame.state.t}</b>" in live.bar.text.value


def test_pictures_with_automatic_axes_take_turns_while_a_run_plays(make, monkeypatch):
    """Each once in `CURVES` seconds, never two in one frame; all at once when the run is paused."""

    class Following(Dot):
        automatic = True

    live = make(view=[Dot(), Following(), Following(), Following()])
    frame = shown(live)
    clock, patched = [1000.0], []
    monkeypatch.setattr(pictures, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    for i, stage in enumerate(live.stages):
        monkeypatch.setattr(stage, "patch", lambda _, i=i: patched[-1].append(i))

    def show(playing):
        patched.append([])
        live._show_frame(dataclasses.replace(frame, playing=playing))

    for _ in range(6):
        clock[0] += pictures.CURVES / 3 + 1e-6
        show(playing=True)
    assert all(len(each) == 2 and each[0] == 0 for each in patched)
    assert [each[1] for each in patched] == [each[1] for each in patched[:3]] * 2
    assert sorted(each[1] for each in patched[:3]) == [1, 2, 3]
    show(playing=True)
    assert patched[-1] == [0], "before the next one's turn"
    show(playing=False)
    assert patched[-1] == [0, 1, 2, 3]


@pytest.mark.parametrize("slower", [1, 2.5])
def test_curves_are_computed_as_rarely_as_frames_of_many_runs(make, monkeypatch, slower):
    """The frames of many runs are further apart than 1 / FRAMES, and so are the columns of automatic axes."""

    class Following(Dot):
        automatic = True

        def columns(self, state, past=None):
            found.append(state.t)
            return super().columns(state, past)

    found, clock = [], [1000.0]
    run = make(view=[Dot(), Following()])
    state, past = shown(run).state, run.run.past(engine.Past.copy)
    shown(run)
    monkeypatch.setattr(live_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(type(run), "_plays", lambda self: True)
    run.run.apart = slower / engine.FRAMES
    run._curves.clear()
    run._render(state, past)
    found.clear()
    for passed in (0.99, 0.02):
        clock[0] += passed * slower * pictures.CURVES
        run._render(state, past)
        assert len(found) == (passed == 0.02)


def test_without_a_server_it_starts_paused_and_play_waits_for_a_browser_with_motion(make):
    live = make()
    say(live, kind="hello", dark=False, reduced=False)
    assert not shown(live).playing
    live = make(play=True)
    assert not shown(live).playing
    live = make(play=True)
    say(live, kind="hello", dark=False, reduced=False)
    assert shown(live).playing
    assert live.bar.button.label == "Pause"
    live.pause()
    say(live, kind="hello", dark=False, reduced=False)  # a second browser, or a new connection
    assert not shown(live).playing


def test_the_text_of_an_error_is_shown_as_text(make):
    def fails(state):
        raise ValueError(ATTACK)

    live = make(fails)
    live.run.once()
    shown_error(live)
    assert live.error.visible
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in live.error.value and "<script" not in live.error.value
    live.run.step = lambda state: Count(state.t + 1)
    live.reset()
    shown(live)
    assert not live.error.visible and live.error.value == ""


def test_the_message_calls_a_run_stopped_only_if_it_played(make):
    def fails(*_):
        raise ValueError("no more")

    def begins(live):
        live.run.start = fails
        live.reset()

    for words, order in {
        "This does not work": lambda live: live.run.once(),
        "This change is not possible": lambda live: live.fail("no more"),
        "The run has stopped": lambda live: live.play(),
        "The run cannot start": begins,
    }.items():
        live = make(fails)
        order(live)
        shown_error(live)
        assert live.error.value == f"<b>{words}:</b> no more"


def shown_error(live):
    deadline = time.monotonic() + 10
    while not live.run.frame.error:
        assert time.monotonic() < deadline
        time.sleep(0.002)
    live.clock.tick()


def test_the_status_is_shown_as_text(make):
    live = make(status=lambda state: ATTACK)
    shown(live)
    assert "<script" not in live.bar.text.value and "&lt;script&gt;" in live.bar.text.value


def test_a_failing_start_is_shown_and_fixed_by_a_reset(make):
    def start():
        raise ValueError("no such start")

    live = make(start=start)
    shown_error(live)
    assert "no such start" in live.error.value
    live.run.start = Count
    live.show()
    assert shown(live).state == Count()
    assert not live.error.visible


@pytest.mark.slow
def test_pictures_of_a_run_that_could_not_start_appear_when_it_can(make):
    """First without pictures, then with those of other views."""
    fails = [True]

    def start():
        if fails[0]:
            raise ValueError("not yet")
        return Count()

    live = make(start=start)
    for _ in range(2):
        fails[0] = True
        live.show(Dot(), Dot())
        shown_error(live)
        fails[0] = False
        live.run.edit(lambda state: state)
        assert shown(live).state == Count() and not live.error.visible
        draw(live)
        live.run.once()
        assert shown(live).state.t == 1 and place(live) == 1


def test_fail_stops_the_run_with_a_message(make):
    live = make()
    live.play()
    live.fail("such a target does not exist")
    shown_error(live)
    assert not live.run.frame.playing and "such a target does not exist" in live.error.value


def test_a_screen_reader_speaks_each_error_once_also_a_second_one_with_the_same_words(make, monkeypatch):
    live, said = make(), []
    monkeypatch.setattr(live.remote, "_send_msg", lambda message: said.append(message["data"]))
    for number in (1, 2):
        live.fail("the last one cannot be removed")
        shown_error(live)
        shown(live)  # the same error is on screen again
        assert said == ["This change is not possible: the last one cannot be removed"] * number
    live.run.edit(lambda state: state)
    shown(live)
    assert len(said) == 2


def test_keys_act(make):
    live = make(speed=1000)
    say(live, kind="key", name="right")
    say(live, kind="key", name="right")
    assert shown(live).state.t == 2 and not live.run.frame.playing
    say(live, kind="key", name="left")
    assert shown(live).state.t == 1
    say(live, kind="key", name="space")
    assert shown(live, lambda frame: frame.state.t > 2).playing
    say(live, kind="key", name="space")
    assert not shown(live).playing
    say(live, kind="key", name="r")
    assert shown(live).state.t == 0
    say(live, kind="key", name="q")
    say(live, kind="key", name=None)
    assert shown(live).state.t == 0


def test_the_scrub_slider_shows_earlier_steps_and_follows_the_run(make):
    live = make()
    for _ in range(5):
        live.run.once()
    shown(live)
    assert (live.bar.scrub.end, live.bar.scrub.value) == (5, 5)
    live.bar._clock = None  # as on a page: in a notebook, a position that returns within two seconds counts as an echo
    for position in (2, 4, 2, 5):
        live.bar.scrub.value = position
        live.bar.scrub.param.trigger("value")
        assert shown(live).position == position
        assert place(live) == position


def test_the_speed_slider_sets_the_speed(make):
    live = make()
    live.bar.speed.value = 3
    assert live.run.speed == 3.0


def test_a_run_without_viewers_in_a_notebook_is_paused(make):
    live = make()
    live.play()
    shown(live, lambda frame: frame.state.t > 0)
    live.run.leave()
    live.clock.last = time.monotonic()
    live.clock.tick()
    say(live, kind="beat")
    assert not shown(live).playing


def test_a_bye_message_stops_the_computing_and_a_beat_restarts_it(make):
    """The message `bye` is sent when a page is left: after it, the run computes nothing."""
    live = make()
    live.play()
    shown(live, lambda frame: frame.state.t > 0)
    say(live, kind="bye")
    time.sleep(0.05)
    before = live.run._steps, live.run._past.marks[-1]
    time.sleep(0.1)
    assert (live.run._steps, live.run._past.marks[-1]) == before and not live.run.wants
    say(live, kind="beat")
    shown(live, lambda frame: frame.state.t > before[1])


@pytest.mark.slow
def test_running_a_cell_again_stops_its_earlier_run(make, monkeypatch):
    turn = ["cell 1", 1]
    monkeypatch.setattr(notebook, "_cell", lambda: tuple(turn))
    first, beside = make(), make()
    first.play()
    assert shown(first).playing and not shown(beside).playing
    turn[:] = "cell 2", 2
    other = make()
    turn[:] = "cell 1", 3
    again = make()
    for stopped in (first, beside):
        with pytest.raises(RuntimeError, match="closed"):
            stopped.run.past(lambda past: None)
    assert shown(other).state == shown(again).state == Count()


def test_pictures_follow_the_theme_of_the_browser(make):
    live = make()
    ink = live.figures[0].xaxis.major_label_text_color
    say(live, kind="hello", dark=True, reduced=True)
    live.clock.tick()
    assert live.dark and live.figures[0].xaxis.major_label_text_color != ink
    say(live, kind="scheme", dark=False)
    live.clock.tick()
    assert not live.dark and live.figures[0].xaxis.major_label_text_color == ink


def test_tasks_from_other_threads_are_done_at_the_next_tick(make):
    live, done = make(), []
    live.later(lambda: done.append(1))
    assert done == []
    live.clock.tick()
    live.clock.tick()
    assert done == [1]


def test_several_views_share_a_run_and_a_following_view_gets_earlier_states(make):
    class Following(Dot):
        marks = ()

        def columns(self, state, past):
            self.marks = list(past.marks)
            return super().columns(state)

    following = Following()
    live = make(view=[Dot(), following])
    for _ in range(3):
        live.run.once()
    shown(live)
    assert following.marks == [0, 1, 2, 3] and len(live.stages) == 2
    assert live.run.past(lambda past: past.table) == {"t": [0.0, 1.0, 2.0, 3.0]}


@pytest.mark.slow
def test_other_views_replace_the_first(make):
    live = make()
    live.run.once()
    shown(live)
    two = [Dot(), Dot()]
    live.show(*two)
    draw(live)
    assert shown(live).state.t == 0 and live.views == two and len(live.stages) == 2
    live.run.once()
    assert shown(live).state.t == 1 and place(live) == 1
    live.redeclare()
    draw(live)
    assert shown(live).state.t == 1 and place(live) == 1

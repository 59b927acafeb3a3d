"""What a notebook needs: the scripts of Panel and Bokeh in its page, and a clock for each live view of a cell."""

import time
from typing import Any, Protocol, runtime_checkable

import holoviews as hv
import panel as pn

from labkit.engine import Run
from labkit.private.holoviews import forget_scripts
from labkit.private.panel import listen_in_turn
from labkit.views.pulse import Refreshable

TICK = 66  # milliseconds between two looks at a frame: more looks only make a queue on their long way
TICK_WIDGET = 200  # the same where the notebook shows it as an ipywidget (VS Code), with a message for every array
BUSY = 1.0  # seconds between two ticks, from which the event loop was busy with something else


def load() -> None:
    """Bring the scripts of Panel, HoloViews and Bokeh into the notebook's page, offline, each time this is called.

    Panel loads Bokeh only once per kernel. But a page that is reloaded has lost it while the kernel lives on, and a
    cell that runs again replaces the output that held it, so that a saved notebook, and HTML made from it, lack it.
    A page that has Bokeh already does not load it again.
    """
    forget_scripts()
    pn.extension(inline=True)
    hv.extension("bokeh", inline=True)


@runtime_checkable
class CellOutput(Refreshable, Protocol):
    """What a cell shows and its clock looks at; `labkit.views.live.Live` is one."""

    run: Run

    def close(self) -> None:
        """Stop for good."""


@runtime_checkable
class KernelShell(Protocol):
    """The shell of a notebook's kernel, which a terminal's lacks: it knows the message that it answers."""

    def get_parent(self) -> dict[str, Any]:
        """The message, with the name of the cell that asks."""


class Clock:
    """Looks at what a cell shows several times a second, and counts these looks in `ticks`."""

    def __init__(self) -> None:
        self.ticks, self.last = 0, time.monotonic()
        self._callback: Any = None  # Panel's, of the event loop

    def start(self, shown: CellOutput) -> None:
        """Look at something from now on, and close what this cell showed when it ran before."""
        self._shown = shown
        _replace(shown)
        listen_in_turn()
        period = TICK_WIDGET if pn.config.comms in ("vscode", "ipywidgets") else TICK
        try:
            self._callback = pn.state.add_periodic_callback(self.tick, period=period)
        except RuntimeError:  # a script without an event loop: there is nobody to show anything to
            self._callback = None

    def stop(self) -> None:
        """Look no more."""
        if self._callback is not None:
            self._callback.stop()

    def tick(self) -> None:
        """Look once, and show what is new."""
        shown, now = self._shown, time.monotonic()
        if now - self.last > BUSY:  # a long cell ran, and no sign of a watcher came through
            shown.run.watched()
        self.ticks, self.last = self.ticks + 1, now
        if shown.run.frame.playing and shown.run.unwatched:
            shown.run.pause()  # the notebook was closed, or its browser went to sleep
        if shown.has_news() or shown.has_more():
            shown.show_news(more=True)


_cells: dict[str, tuple[int, list[CellOutput]]] = {}  # what each cell of a notebook started when it last ran


def _replace(shown: CellOutput) -> None:
    """Keep what the cell that runs now has started; close what it started when it ran before."""
    cell, turn = _cell()
    last, started = _cells.get(cell, (turn, []))
    if last != turn:  # the cell runs again
        for each in started:
            each.close()
        started = []
    _cells[cell] = (turn, [*started, shown])


def _cell() -> tuple[str, int]:
    """The name of the notebook cell that runs now, and how many cells have run."""
    try:
        from IPython import get_ipython

        shell = get_ipython()
        parent = shell.get_parent() if isinstance(shell, KernelShell) else {}
        name = str(parent.get("metadata", {}).get("cellId") or hash(shell.user_ns.get("In", [""])[-1]))
        return name, shell.execution_count
    except (ImportError, AttributeError):
        return "", 0

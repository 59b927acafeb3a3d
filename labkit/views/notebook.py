"""What a notebook needs: the scripts of Panel and Bokeh in its page, and a clock for each live view in a cell."""

import time
from typing import Any, Protocol, runtime_checkable

import holoviews as hv
import panel as pn

from labkit.engine import Run
from labkit.private import bokeh_models
from labkit.private.holoviews import forget_scripts
from labkit.private.panel import listen_in_turn
from labkit.views.backend import use_bokeh
from labkit.views.pulse import Refreshable
from labkit.views.still import LIVE, Figure, cells

TICK = 66  # milliseconds between two checks for a frame; more checks would only fill a queue
TICK_WIDGET = 200  # the same if the notebook shows it as an ipywidget (VS Code), which sends a message per array
BUSY = 1.0  # seconds between two ticks; after a longer pause the event loop was busy


def load() -> None:
    """Load the scripts of Panel, HoloViews and Bokeh into the page of the notebook, offline, at every call.

    Panel loads Bokeh only once per kernel. A page that is reloaded has lost it while the kernel lives. A cell that runs
    again replaces the output that contained it, so a saved notebook, and HTML made from it, would lack Bokeh. A page
    that has Bokeh does not load it again. Cells that keep only pictures or recordings (`labkit.views.still`) need none.
    """
    if cells() != LIVE:
        _choose()
        return
    import labkit.private.jsonschema  # noqa: F401 # before HoloViews imports nbformat: two seconds less

    _loaders.add(_cell()[0])
    forget_scripts()
    pn.extension(inline=True)
    hv.extension("bokeh", inline=True)
    bokeh_models.remember()


def ready() -> None:
    """Load the scripts in a notebook if no other cell has loaded them; elsewhere only choose the backend."""
    cell = _cell()[0]
    if _is_notebook() and not _loaders - {cell}:
        load()
    else:
        _choose()


def _choose() -> None:
    """Make Bokeh the backend, with the options of its pictures."""
    import holoviews.plotting.bokeh  # noqa: F401

    use_bokeh()


def _is_notebook() -> bool:
    """Return whether this is the kernel of a notebook, not a page or a program."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    return isinstance(get_ipython(), KernelShell) and pn.state.curdoc is None


def figure(picture: Any) -> Figure:
    """Return a picture of HoloViews for the last line of a cell.

    Args:
        picture: an element, an Overlay or a Layout of them.
    """
    return Figure(picture)


@runtime_checkable
class CellOutput(Refreshable, Protocol):
    """What a cell shows and its clock refreshes, for example `labkit.views.live.Live`."""

    run: Run

    def close(self) -> None:
        """Stop forever."""


@runtime_checkable
class KernelShell(Protocol):
    """The shell of a notebook's kernel, which knows the message that it handles. A terminal's shell does not."""

    def get_parent(self) -> dict[str, Any]:
        """Return the message, with the name of its cell."""


class Clock:
    """Refreshes what a cell shows several times per second, and counts these refreshes in `ticks`."""

    def __init__(self) -> None:
        self.ticks, self.last = 0, time.monotonic()
        self._callback: Any = None  # Panel's callback on the event loop

    def start(self, shown: CellOutput) -> None:
        """Start to refresh something, and close what this cell showed when it last ran."""
        self._shown = shown
        _replace(shown)
        listen_in_turn()
        period = TICK_WIDGET if pn.config.comms in ("vscode", "ipywidgets") else TICK
        try:
            self._callback = pn.state.add_periodic_callback(self.tick, period=period)
        except RuntimeError:  # a script without an event loop has no page to refresh
            self._callback = None

    def stop(self) -> None:
        """Stop refreshing."""
        if self._callback is not None:
            self._callback.stop()

    def tick(self) -> None:
        """Check once, and show changes."""
        shown, now = self._shown, time.monotonic()
        if now - self.last > BUSY:  # a long cell ran, and no message from the browser came through
            shown.run.watched()
        self.ticks, self.last = self.ticks + 1, now
        if shown.run.frame.playing and shown.run.unwatched:
            shown.run.pause()  # the notebook was closed, or its browser is asleep
        if shown.has_news() or shown.has_more():
            shown.show_news(more=True)


_loaders: set[str] = set()  # the cells whose outputs have the scripts
_cells: dict[str, tuple[int, list[CellOutput]]] = {}  # what each cell of a notebook started in its last run


def _replace(shown: CellOutput) -> None:
    """Keep what the current cell has started, and close what it started in its last run."""
    cell, turn = _cell()
    last, started = _cells.get(cell, (turn, []))
    if last != turn:  # the cell runs again
        for each in started:
            each.close()
        started = []
    _cells[cell] = (turn, [*started, shown])


def _cell() -> tuple[str, int]:
    """Return the name of the current notebook cell, and the number of cells that have run."""
    try:
        from IPython import get_ipython

        shell = get_ipython()
        parent = shell.get_parent() if isinstance(shell, KernelShell) else {}
        name = str(parent.get("metadata", {}).get("cellId") or hash(shell.user_ns.get("In", [""])[-1]))
        return name, shell.execution_count
    except (ImportError, AttributeError):
        return "", 0

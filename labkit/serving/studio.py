"""A page of tabs that share a trained network, which the visitor chooses."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import panel as pn
import param

import labkit
from labkit.experiments import titles
from labkit.experiments.links import set_all
from labkit.experiments.runs import directory
from labkit.experiments.settings import Linkable
from labkit.experiments.shared import share
from labkit.models import find
from labkit.serving import lessons, settings
from labkit.serving.ceilings import hold
from labkit.serving.frame import frame
from labkit.serving.resume import resume, seen
from labkit.views import layout, shown
from labkit.views.address import Address
from labkit.views.desk import put_all
from labkit.views.fields import choice
from labkit.views.live import Live
from labkit.views.recipe import text
from labkit.views.runs import words
from labkit.views.tabs import buttons, offer


class NetworkTab(NamedTuple):
    """A tab: its title, and the class of scene that is called with the network.

    A scene class with a name in `network` always shows that network.
    """

    title: str
    scene: Any


class Studio(Linkable):
    """The settings that the whole page shares: the network and the open tab."""

    model = param.Selector(check_on_set=True, label="Network", doc="a trained network, shipped or from a run")
    tab = param.Selector(check_on_set=True, doc="the open tab")


class Networks:
    """The scenes of a page, one for each tab and network, made when a visitor first opens it.

    Args:
        kind, default: as for `page`.

    Attributes:
        studio: the network and the open tab. buttons: they open the tabs. room: the open scene. side: its controls.
    """

    def __init__(self, tabs: Sequence[NetworkTab], kind: str, default: str):
        self._networks = directory.networks(settings.runs, kind)
        self._scenes = {tab.title: tab.scene for tab in tabs}
        self._made: dict[tuple[str, str], Any] = {}
        self.studio = Studio()
        names = sorted(self._networks, key=lambda name: name != default)  # the default comes first
        offer(self.studio, "model", titles.offered(names, titles.NETWORKS), default)
        offer(self.studio, "tab", list(self._scenes), tabs[0].title)
        self.room = layout.column()
        self.side = layout.side(margin=0)
        self.buttons = buttons(self.studio)
        self.studio.param.watch(lambda *_: self.show(), ["model", "tab"])

    @property
    def live(self) -> Live | None:
        """The live view of the open tab, None if its network could not be loaded."""
        scene = self._made.get(self._opened)
        return None if scene is None else scene.live

    @property
    def _opened(self) -> tuple[str, str]:
        return self._scenes[self.studio.tab].network or self.studio.model, self.studio.tab

    def owners(self, build: bool = True) -> tuple[Linkable, ...]:
        """Return the objects with the settings of the open tab.

        Args:
            build: whether a tab that was not opened yet is built for this.
        """
        if build and self._opened not in self._made:
            self.show()
        scene = self._made.get(self._opened)
        return () if scene is None else scene.settings.owners

    def put(self, tab: str, values: Mapping[str, Any]) -> list[str]:
        """Open a tab with these settings and the defaults of all others; return the refused ones with the reasons.

        The setting `model` chooses the network.
        """
        values, defaults = dict(values), self.studio.param
        chosen = {"model": values.pop("model", defaults.model.default)}
        refused = set_all(self.studio, chosen | {"tab": tab if tab in self._scenes else defaults.tab.default})
        if self._opened not in self._made:
            self.show()
        scene = self._made.get(self._opened)
        return refused + (put_all(scene.settings, values) if scene is not None else [])

    def show(self) -> None:
        """Show the chosen tab with the chosen network."""
        name, tab = self._opened
        chosen = [] if self._scenes[tab].network else [choice(self.studio, "model")]
        try:
            if (name, tab) not in self._made:
                where, scene = self._networks.get(name, name), self._scenes[tab]
                load = _own if scene.network else _shared  # a tab with its own network may train it
                self._made[name, tab] = opened = scene(load(where))
                opened.loads = loads(where, settings.device)
                hold(opened.settings.owners)
        except Exception as error:  # the file of a run does not fit; the visitor can choose another network
            self.room.objects, self.side.objects = [pn.pane.HTML(words.wrong(f"{name}: {error}"))], chosen
            return
        opened = self._made[name, tab]
        shown.put(opened)
        self.room.objects, self.side.objects = [opened], [*chosen, *opened.controls()]


def _own(where: str | Path) -> Any:
    """Return a trained network of this session."""
    return labkit.load_checkpoint(where).to(settings.device)


def _shared(where: str | Path) -> Any:
    """Return a trained network that all sessions use, and whose drawings their runs share."""
    file = find(where)
    return _loaded(file, file.stat().st_mtime_ns, settings.device)


@lru_cache(maxsize=8)
def _loaded(file: Path, _changed: int, device: str) -> Any:
    return share(labkit.load_checkpoint(file).to(device))


def loads(where: str | Path, device: str) -> str:
    """Return Python that loads a network."""
    return f"load_checkpoint({text(str(where))})" + ("" if device == "cpu" else f".to({text(device)})")


def page(title: str, summary: str, tabs: Sequence[NetworkTab], kind: str, default: str) -> pn.Template:
    """Return a page with tabs that show a trained network.

    Args:
        kind: kind of the offered networks, "draw" or "vae". The shipped networks and those of the runs are offered.
            Lessons know the page by this name.
        default: the name of the first network.
    """
    pn.extension()
    return frame(title, summary, lambda: live(tabs, kind, default), kind)


def live(tabs: Sequence[NetworkTab], kind: str, default: str) -> tuple[pn.Column, Callable[[], pn.Column]]:
    """Return the tabs, and a function that returns the controls of the open tab.

    A tab is built when it is first opened with a network. The address has the network, the tab and its settings.
    """
    state, address, made = seen(), Address(), Networks(tabs, kind, default)
    in_lesson = "lesson" in address.asked()  # then its step says which tab is built
    address.sync_tabs(made.studio, lambda _tab: made.owners(build=not in_lesson))
    walk = lessons.begin(made, address, kind)
    if walk.lesson is None:
        made.show()
    resume(made.live, walk, state)
    found = layout.column(address.warning, walk.strip, made.buttons, made.room)
    return found, lambda: made.side

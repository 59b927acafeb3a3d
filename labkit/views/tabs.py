"""Tabs of a page: buttons that open them. Each tab is built when it is first opened."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import panel as pn
import param

from labkit.experiments.settings import ExperimentSettings, Linkable
from labkit.views import layout, shown
from labkit.views.address import Address
from labkit.views.desk import put_all
from labkit.views.live import Live
from labkit.views.scenes import OUTSIDE_LESSONS, Scene

WRAPPED = ".bk-btn-group { flex-wrap: wrap; }"  # on a phone


class Tab(NamedTuple):
    """A tab: its title, its scene and the settings of this scene.

    Attributes:
        scene: settings -> Scene, called when the tab is first opened.
        settings: () -> settings, called once per visitor.
    """

    title: str
    scene: Callable[[Any], Scene]
    settings: Callable[[], ExperimentSettings]


class Tabs:
    """The buttons, the area of the open tab, and the side for its controls.

    The first picture appears early: at first only the player and the pictures of the first tab exist. `finish()` adds
    the controls and everything below the pictures when the browser has the page. Nothing is built before `show()`.
    """

    def __init__(self, tabs: Sequence[Tab], address: Address):
        self._tabs = {tab.title: tab for tab in tabs}
        self._settings = {tab.title: tab.settings() for tab in tabs}
        self._made: dict[str, tuple[Scene, pn.Column]] = {}
        self._finished: dict[str, list] = {}  # tab -> its controls
        self._late = False
        self._open = Open()
        offer(self._open, "tab", list(self._tabs), tabs[0].title)
        address.sync_tabs(self._open, lambda title: self._settings[title].owners)
        self.room, self.side = layout.column(css_classes=["open-tab"]), layout.side(margin=0)
        self.buttons = buttons(self._open)
        self._open.param.watch(lambda _: self.show(), "tab")

    @property
    def live(self) -> Live:
        """The live view of the open tab."""
        return self._made[self._open.tab][0].live

    def put(self, tab: str, values: Mapping[str, Any]) -> list[str]:
        """Open a tab with these settings and the defaults of all others; return the refused ones with the reasons.

        A name that no tab has opens the first.
        """
        tab = tab if tab in self._tabs else next(iter(self._tabs))
        refused = put_all(self._settings[tab], values)
        self._open.tab = tab
        if tab not in self._made:
            self.show()
        return refused

    def show(self) -> None:
        """Show the chosen tab."""
        title = self._open.tab
        if title not in self._made:
            scene = self._tabs[title].scene(self._settings[title])
            self._made[title] = scene, layout.column(*scene.first())
        scene, column = self._made[title]
        if self._late and title not in self._finished:
            column.extend(scene.rest())
            self._finished[title] = scene.controls()
        shown.put(scene)
        self.room.objects, self.side.objects = [column], self._finished.get(title, [])

    def finish(self) -> pn.Column:
        """Add everything that follows the first picture, and return the side."""
        self._late = True
        self.show()
        return self.side


class Open(Linkable):
    """The open tab."""

    tab = param.Selector(check_on_set=True)  # also before the tabs are known


def offer(owner: Linkable, name: str, names: list[str] | dict[str, str], first: str) -> None:
    """Set the choices of a Selector, as a list or by title. `first` is its value and its default, which a link leaves
    out."""
    owner.param[name].objects, owner.param[name].default = names, first
    setattr(owner, name, first)


def buttons(owner: Linkable) -> pn.widgets.RadioButtonGroup:
    """Return one button per tab of an owner with a Selector `tab`."""
    return pn.widgets.RadioButtonGroup.from_param(
        owner.param.tab,
        description=None,
        color="primary",
        variant="outline",
        margin=(4, 8),
        stylesheets=[WRAPPED, OUTSIDE_LESSONS],
        css_classes=["tabs"],
    )

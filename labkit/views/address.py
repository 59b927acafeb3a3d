"""The settings of a page in its address, so that a link opens the same run."""

import html
import json
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import panel as pn

from labkit.experiments.links import chosen, set_all
from labkit.experiments.settings import Linkable

QUIET = ("name",)
OF_THE_PAGE = ("theme", "state", "lesson", "step", "present", "controls")  # in an address, but no settings
CONTROLS = "controls"  # the settings whose controls a page shows
OF_ONE_BROWSER = ("theme", "state", "present", CONTROLS, "bokeh-session-id")  # what others do not get


class Address:
    """Keeps the address and parameterised objects equal. The address has only values that differ from the defaults.

    Settings or values of a link that do not exist are listed in `warning`.

    Attribute `place`: returns what the address has instead of settings, for example the step of a lesson; if it is
    empty, the address has the settings.
    """

    def __init__(self):
        self.location, self._watched = pn.state.location, set()
        self.place: Callable[[], dict[str, Any]] = dict
        self._written = self.location.search if self.location is not None else ""
        self._owners: Callable[[], Iterable[Linkable]] = tuple
        self._moving = False
        self.warning = pn.pane.HTML("", visible=False, sizing_mode="stretch_width", styles=WARN)

    def sync(self, *owners: Linkable) -> None:
        """Set the owners from the address, then write their changes to it. `warning` lists unknown names."""
        self._keep(lambda: owners, self._read(owners))

    def sync_tabs(self, chosen: Linkable, settings: Callable[[str], Iterable[Linkable]]) -> None:
        """Do the same on a page with tabs, where the address belongs to the open tab. Tabs may use the same names.

        Args:
            chosen: has a Selector `tab`.
            settings: returns the owners of a tab's settings.
        """
        refused = self._read([chosen])
        refused += self._read(settings(chosen.tab))
        self._keep(lambda: (chosen, *settings(chosen.tab)), refused)

    def _read(self, owners: Iterable[Linkable]) -> list[str]:
        """Set the owners from the address, and return the refused settings with the reason for each."""
        asked, refused = self.asked(), []
        for owner in owners:
            known = {name: asked[name] for name in owner.param if name in asked and name not in QUIET}
            refused += set_all(owner, known)
        return refused

    def _keep(self, owners: Callable[[], Iterable[Linkable]], refused: list[str]) -> None:
        """List refused and unknown settings in `warning`. From now on the address shows the settings of the current
        owners."""
        self._owners = owners
        names = {name for owner in owners() for name in owner.param}
        refused += [
            f"no setting is called {name}" for name in self.asked() if name not in names and name not in OF_THE_PAGE
        ]
        if refused:
            self.warn(
                "This link has settings or values that do not exist here. They were ignored: " + "; ".join(refused)
            )
        self._watch()

    def warn(self, text: str) -> None:
        """Show one line above the page; "" hides it."""
        self.warning.param.update(object=html.escape(text), visible=bool(text))

    def follow(self, moved: Callable[[dict[str, Any]], None]) -> None:
        """Call moved(settings) when the browser goes back or forward to another address of this page."""

        def changed(event: Any) -> None:
            if for_others(event.new) == for_others(self._written):
                return
            self._written, self._moving = event.new, True  # a page halfway to another tab has no address
            try:
                moved(asked(event.new))
            finally:
                self._moving = False
            self.write()

        if self.location is not None:
            self.location.param.watch(changed, "search")

    def _watch(self) -> None:
        for owner in self._owners():
            if owner not in self._watched:
                self._watched.add(owner)
                owner.param.watch(self.write, [name for name in owner.param if name not in QUIET])

    def asked(self) -> dict[str, Any]:
        """Return the settings in the address by name."""
        if self.location is None:
            return {}
        return asked(self.location.search)

    def write(self, *_events: Any) -> None:
        """Write the place or the settings to the address."""
        self._watch()  # another tab may be open now
        if self.location is None or self._moving:
            return
        values = self.place() or chosen(self._owners())
        self._written = "?" + encode(values) if values else ""
        self.location.search = self._written


def asked(search: str) -> dict[str, Any]:
    """Return the settings in an address by name. `search` is the part of the address from the question mark onwards."""
    return {name: _value(text) for name, text in parse_qsl(search.removeprefix("?"))}


def for_others(search: str) -> str:
    """Return the settings and the lesson of an address, without what only concerns the browser that has it open."""
    words = [word for word in search.removeprefix("?").split("&") if word.partition("=")[0] not in OF_ONE_BROWSER]
    return "?" + "&".join(words) if any(words) else ""


def _value(text: str) -> Any:
    """Return the value of a word in an address: a number, a truth value, a list, otherwise the word.

    Panel's own reader fails on whole numbers of more than 4,300 digits. Here these become infinite and are then
    refused.
    """
    if text in ("True", "False"):
        return text == "True"
    for read in (lambda word: json.loads(word, parse_int=_integer), float):
        try:
            return read(text)
        except (ValueError, RecursionError):
            continue
    return text


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)


def encode(values: dict[str, Any]) -> str:
    """Return the settings as a query string. Text stays text, other values become JSON."""
    from urllib.parse import quote

    short = {k: v if isinstance(v, str) else json.dumps(rounded(v), separators=(",", ":")) for k, v in values.items()}
    return "&".join(f"{k}={quote(v, safe=',[]:.-')}" for k, v in short.items())


def rounded(value: Any) -> Any:
    """Return the value with its numbers rounded to ten digits, which is enough for the same picture."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return [rounded(v) for v in value] if isinstance(value, list) else value


WARN = {"background": "#e69f00", "color": "#1d1d1d", "padding": "8px 12px", "border-radius": "6px"}

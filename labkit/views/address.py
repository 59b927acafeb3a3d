"""A page's settings in its address: whoever opens the link gets the same run."""

import html
import json
import math
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

import panel as pn
import param

from labkit.experiments.settings import Linkable, beyond_softbounds
from labkit.private.param import check

QUIET = ("name",)


class Address:
    """Keeps the address in step with parameterised objects, only what differs from the defaults.

    What the address asks for and cannot have is said in `warning`, never ignored silently.
    """

    def __init__(self):
        self.location, self._watched = pn.state.location, set()
        self.warning = pn.pane.HTML("", visible=False, sizing_mode="stretch_width", styles=WARN)

    def sync(self, *owners: Linkable) -> None:
        """Read the address into the owners, then write their changes to it; unknown names are said in `warning`."""
        self._keep(lambda: owners, self._read(owners))

    def sync_tabs(self, chosen: Linkable, settings: Callable[[str], Iterable[Linkable]]) -> None:
        """The same on a page of tabs: the address is the open tab's, whose settings may have the names of another's.

        Args:
            chosen: has a Selector `tab`.
            settings: tab -> whose parameters its settings are.
        """
        refused = self._read([chosen])
        refused += self._read(settings(chosen.tab))
        self._keep(lambda: (chosen, *settings(chosen.tab)), refused)

    def _read(self, owners: Iterable[Linkable]) -> list[str]:
        """Give the owners what the address asks of them; what they refuse, and why."""
        asked, refused = self._asked(), []
        for owner in owners:
            known = {name: asked[name] for name in owner.param if name in asked and name not in QUIET}
            refused += set_all(owner, known)
        return refused

    def _keep(self, owners: Callable[[], Iterable[Linkable]], refused: list[str]) -> None:
        """Say what the link asked for in vain; from now on the address tells the settings of the owners of the day."""
        self._owners = owners
        names = {name for owner in owners() for name in owner.param}
        refused += [f"no setting is called {name}" for name in self._asked() if name not in names and name != "theme"]
        if refused:
            self.warning.object = (
                "This link has settings or values that do not exist here. They were ignored: "
                + html.escape("; ".join(refused))
            )
            self.warning.visible = True
        self._watch()

    def _watch(self) -> None:
        for owner in self._owners():
            if owner not in self._watched:
                self._watched.add(owner)
                owner.param.watch(self._write, [name for name in owner.param if name not in QUIET])

    def _asked(self) -> dict[str, Any]:
        if self.location is None:
            return {}
        return asked(self.location.search)

    def _write(self, *_events: Any) -> None:
        self._watch()  # another tab may have opened
        if self.location is None:
            return
        values = {
            name: value
            for owner in self._owners()
            for name, value in owner.param.values().items()
            if name not in QUIET and value != owner.param[name].default
        }
        self.location.search = "?" + encode(values) if values else ""


def asked(search: str) -> dict[str, Any]:
    """Return what an address asks for, by name; search: its part from the question mark on."""
    return {name: _value(text) for name, text in parse_qsl(search.removeprefix("?"))}


def _value(text: str) -> Any:
    """What a word of an address says: a number, a truth value, a list, else the word itself.

    Panel's own reader fails on whole numbers of more than 4,300 digits; here these are infinite, and so refused.
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


def _finite(value: Any) -> bool:
    if isinstance(value, list | dict):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


def encode(values: dict[str, Any]) -> str:
    """A query string; text stays text, all else is JSON."""
    from urllib.parse import quote

    short = {k: v if isinstance(v, str) else json.dumps(rounded(v), separators=(",", ":")) for k, v in values.items()}
    return "&".join(f"{k}={quote(v, safe=',[]:.-')}" for k, v in short.items())


def rounded(value: Any) -> Any:
    """Numbers with ten digits: enough for the same picture."""
    if isinstance(value, float):
        return float(f"{value:.10g}")
    return [rounded(v) for v in value] if isinstance(value, list) else value


def set_all(owner: Linkable, values: dict[str, Any]) -> list[str]:
    """Set parameters in one go where each is allowed, and return what was refused and why.

    A link may not go beyond the `softbounds` of a parameter; a script may.
    """
    refused, good = [], {}
    for name, value in values.items():
        wanted = owner.param[name]
        if isinstance(wanted, param.Number) and not isinstance(wanted, param.Integer) and isinstance(value, int):
            value = float(value)
        try:
            check(wanted, value)
            number = isinstance(wanted, param.Number) and not isinstance(wanted, param.Boolean)
            why = "must be a number" if number and isinstance(value, bool) else ""
            why = why or ("" if _finite(value) else "must be finite")
            why = why or beyond_softbounds(wanted, value) or owner.refuses(name, value, values)
        except ValueError as error:
            why = _why(error)
        if why:
            refused.append(f"{name}={_short(value)}: {why}")
        else:
            good[name] = value
    try:
        owner.param.update(**good)
    except ValueError as error:  # each is allowed, but not all of them together
        refused.append(", ".join(f"{name}={value}" for name, value in good.items()) + f": {_why(error)}")
    return refused


def _why(error: ValueError) -> str:
    """What param says of a value, without the parameter's full name."""
    return _short(re.sub(r"^\w+ parameter '[^']*' (value )?", "", str(error)).rstrip("."), 200)


def _short(value: Any, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 3] + "..."


WARN = {"background": "#e69f00", "color": "#1d1d1d", "padding": "8px 12px", "border-radius": "6px"}

"""What a lesson sets on a page: a tab and all of its settings."""

from collections.abc import Mapping
from copy import copy
from typing import Any, Protocol

from labkit.experiments.links import set_all
from labkit.experiments.settings import ExperimentSettings, Linkable
from labkit.views.address import QUIET
from labkit.views.live import Live


class Desk(Protocol):
    """What shows the run of a lesson: a page with tabs, or a cell with one."""

    @property
    def live(self) -> Live | None:
        """The live view that is open; None if it could not be made, and the page says why."""

    def put(self, tab: str, values: Mapping[str, Any]) -> list[str]:
        """Open a tab with these settings and the defaults of all others; return the refused ones with the reasons.

        A name that no tab has opens the first.
        """


def put_all(settings: ExperimentSettings[Any], values: Mapping[str, Any]) -> list[str]:
    """Set these values and the defaults of all other parameters; return the refused ones with the reason for each.

    Only what changes is set, so that equal settings do not start the run again.
    """
    refused, left, i = list[str](), dict(values), 0
    while i < len(settings.owners):  # the first owner may choose the next
        owner, i = settings.owners[i], i + 1
        wanted = {name: left.pop(name) if name in left else _default(owner, name) for name in _settable(owner)}
        refused += set_all(owner, {name: value for name, value in wanted.items() if value != getattr(owner, name)})
    return refused + [f"no setting is called {name}" for name in left]


def _settable(owner: Linkable) -> list[str]:
    return [name for name in owner.param if name not in QUIET and not owner.param[name].constant]


def _default(owner: Linkable, name: str) -> Any:
    return copy(owner.param[name].default)  # a list belongs to one owner

"""What a lesson sets on a page: a tab and all of its settings."""

from collections.abc import Mapping
from typing import Any, Protocol

from labkit.experiments.links import set_tab
from labkit.experiments.settings import ExperimentSettings
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
    """Set these values and the defaults of all other parameters; return the refused ones with the reason for each."""
    refused, unknown = set_tab(settings, values)
    return refused + [f"no setting is called {name}" for name in unknown]

"""Tabs of a page: buttons that open them, each built when it is first opened."""

from collections.abc import Callable
from typing import Any

import panel as pn

WRAPPED = ".bk-btn-group { flex-wrap: wrap; }"  # on a telephone


class Tabs:
    """The buttons, the room where the open tab stands, and the side for its settings.

    Args:
        chosen: has a Selector `tab`.
        make: name -> what stands in the room, and () -> the widgets beside it, asked for at each opening.
    """

    def __init__(self, chosen: Any, make: Callable[[str], tuple[Any, Callable[[], list]]]):
        self._chosen, self._make, self._made = chosen, make, {}
        self.room, self.side = pn.Column(sizing_mode="stretch_width"), pn.Column(margin=0, sizing_mode="stretch_width")
        self.buttons = pn.widgets.RadioButtonGroup.from_param(
            chosen.param.tab, color="primary", variant="outline", margin=(4, 8), stylesheets=[WRAPPED]
        )
        chosen.param.watch(lambda _: self.open(), "tab")
        self.open()

    def open(self) -> None:
        """Show the tab that is chosen."""
        name = self._chosen.tab
        if name not in self._made:
            self._made[name] = self._make(name)
        shown, controls = self._made[name]
        self.room.objects, self.side.objects = [shown], controls()

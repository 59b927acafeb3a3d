"""A tab of a page: a live view with the controls that belong to it, kept in step with its settings."""

from typing import Any

import panel as pn

from labkit.views.downloads import Downloads
from labkit.views.live import Live

TEXT = {"font-size": "15px"}


class Scene(pn.viewable.Viewer):
    """A live view of some settings; a change of any begins it anew.

    Args:
        settings: a `param.Parameterized` with `start()` and `step(state)`.

    Attributes:
        words: above the pictures, HTML. speed: steps a second. saves: the kinds of downloads.
        looks: settings of the pictures alone, which leave the run as it is.
        running: settings that act on the next step instead.
    """

    words, speed, saves, looks, running = "", 30, ("gif", "png"), (), ()

    def __init__(self, settings: Any, **params):
        super().__init__(**params)
        self.settings = settings
        self.live = Live(
            settings.start, settings.step, self.views(), speed=self.speed, status=self.status, drawn=self.drawn
        )
        self.remark = pn.pane.HTML(self.remarks(), sizing_mode="stretch_width", styles=TEXT)
        others = ("name", *self.looks, *self.running)
        settings.param.watch(lambda *_: self.show(), [p for p in settings.param if p not in others])
        if self.looks:
            settings.param.watch(lambda *_: self.look(), list(self.looks))
        self.live.remote.tips = self.live.remote.tips | {
            p.label: p.doc for p in settings.param.objects().values() if p.doc
        }

    def views(self) -> list:
        """What `Live` shows, of the settings as they are."""
        raise NotImplementedError(f"{type(self).__name__} must define views()")

    def controls(self) -> list:
        """Widgets beside it."""
        raise NotImplementedError(f"{type(self).__name__} must define controls()")

    def status(self, state: Any) -> str:
        """A few words on a state, beside the step counter."""
        return ""

    def drawn(self, view: Any, figure: Any) -> None:
        """Called with each Bokeh figure when it is made, for what the pointer does."""

    def remarks(self) -> str:
        """What is to be said of these settings, as HTML."""
        return ""

    def show(self) -> None:
        """Begin anew, with the pictures that the settings want."""
        self.remark.object = self.remarks()
        self.live.show(*self.views())

    def look(self) -> None:
        """Declare the pictures anew; the run stays where it is."""
        self.remark.object = self.remarks()
        self.live.views = self.views()
        self.live.redeclare()

    def __panel__(self) -> pn.viewable.Viewable:
        said = pn.pane.HTML(self.words, sizing_mode="stretch_width", styles=TEXT)
        shown = [self.live.player, self.live.error, said, self.live.pictures, self.remark]
        return pn.Column(*shown, Downloads(self.live, self.saves), sizing_mode="stretch_width")

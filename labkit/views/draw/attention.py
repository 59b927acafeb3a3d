"""The tab *Attention lab*: a window that the reader moves over an image."""

import panel as pn

from labkit.experiments.draw.attention import AttentionSettings
from labkit.views import fields
from labkit.views.downloads import Downloads
from labkit.views.draw.filterbank import Filterbank
from labkit.views.draw.network import NetworkScene
from labkit.views.draw.window import AttentionWindow
from labkit.views.scenes import TEXT


class AttentionScene(NetworkScene):
    """An attention window that the reader moves."""

    kind = AttentionSettings
    words = (
        "N x N Gaussian filters, &delta; pixels apart around (gX, gY), each &sigma; wide. What is read is a small "
        "picture of N x N numbers; writing it back through the same window shows what of the picture it kept."
    )

    def views(self) -> list:
        return [AttentionWindow(self.settings), Filterbank(self.settings, "X"), Filterbank(self.settings, "Y")]

    def show(self) -> None:
        """Show the present window; the run does not move."""
        self.live.run.edit(lambda _: self.settings.start())
        if any(not stage.holds(view) for stage, view in zip(self.live.stages, self.live.views, strict=True)):
            self.live.redeclare()

    def controls(self) -> list:
        s = self.settings
        return [fields.dial(s, name) for name in ("n", "center_x", "center_y", "stride", "sigma", "intensity")]

    def __panel__(self) -> pn.viewable.Viewable:
        said = pn.pane.HTML(self.words, sizing_mode="stretch_width", styles=TEXT)
        shown = [self.live.remote, self.live.error, said, self.live.pictures, Downloads(self.live, ("png",))]
        return pn.Column(*shown, sizing_mode="stretch_width")

"""The tab *Attention lab*: a window that the reader moves over an image."""

from labkit.experiments.draw.attention import AttentionSettings
from labkit.views import fields
from labkit.views.draw.filterbank import Filterbank
from labkit.views.draw.network import DRAWScene
from labkit.views.draw.window import AttentionWindow


class AttentionScene(DRAWScene):
    """An attention window that the reader moves."""

    kind, saves = AttentionSettings, ("png",)
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

    def first(self) -> list:
        """Return what a page shows at once, without the player's buttons: nothing moves by itself."""
        return [self.live.remote, *super().first()[1:]]

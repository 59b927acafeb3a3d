"""The tab *Attention lab*: an attention window that the user moves over an image."""

from labkit.experiments.draw.attention import AttentionSettings
from labkit.views import fields
from labkit.views.draw.filterbank import Filterbank
from labkit.views.draw.network import STROKES, DRAWScene
from labkit.views.draw.window import AttentionWindow


class AttentionScene(DRAWScene):
    """An attention window that the user moves."""

    kind, saves, speed = AttentionSettings, ("png",), STROKES[0]  # it has no strokes
    words = (
        "Move the window over a printed 3 with the sliders. The chosen network only sets the size of the image. The "
        "window has N &times; N Gaussian filters around its centre (gX, gY), &delta; pixels apart and with standard "
        "deviation &sigma;. The frame is N &delta; wide: it goes &delta;/2 beyond the outer centres.<br>In the lower "
        "pictures each row is a filter along one axis, and dark pixels have large weights. Each pair of a row of F_Y "
        "and a row of F_X gives one filter of the window, so there are N &times; N. At the pixel in row y and column "
        "x, filter (i, j) has the weight F_Y[i, y] F_X[j, x].<br>Reading multiplies the pixels by the weights of a "
        "filter and adds them up: one number for each filter. Writing these numbers back through the same window shows "
        "how much of the image they keep. The intensity &gamma; changes nothing that you see: reading multiplies by "
        "it, writing divides by it, and each picture has its own grey scale. <b>Try:</b> set &sigma; a little below "
        "&delta;/2. A much smaller &sigma; leaves gaps between the filters, a larger one blurs."
    )

    def views(self) -> list:
        return [AttentionWindow(self.settings), Filterbank(self.settings, "X"), Filterbank(self.settings, "Y")]

    def show(self) -> None:
        """Show the current window; the run has no steps."""
        self.live.run.edit(lambda _: self.settings.start())
        if any(not stage.holds(view) for stage, view in zip(self.live.stages, self.live.views, strict=True)):
            self.live.redeclare()

    def controls(self) -> list:
        s = self.settings
        return [fields.dial(s, name) for name in ("n", "center_x", "center_y", "stride", "sigma", "intensity")]

    def first(self) -> list:
        """Return what a page shows at once, without the player's buttons, because the tab has no steps."""
        return [self.live.remote, *super().first()[1:]]

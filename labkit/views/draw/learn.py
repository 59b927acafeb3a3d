"""The tab *Learn*: the same samples get better while the bound falls."""

from labkit.experiments.draw.learn import RECONSTRUCTIONS, SAMPLES, LearnSettings
from labkit.views import fields
from labkit.views.draw.grid import SampleGrid
from labkit.views.draw.network import DRAWScene
from labkit.views.draw.reconstructions import Reconstructions
from labkit.views.draw.strip import UnmarkedStrip
from labkit.views.draw.training import bound_curves, bound_terms
from labkit.views.view import Part


class LearnScene(DRAWScene):
    """A network that learns while one looks on."""

    kind = LearnSettings
    network = "draw-digits"
    running = ("lr", "batch")
    speed = 30
    words = (
        "A small network learns to draw 8 x 8 digits, here and now. Its samples come from random numbers that stay the "
        "same: what changes is the network. Below: its strokes on the first of them; then test digits that it reads, "
        "and under each what it draws. Move the learning rate while it learns, until it breaks."
    )

    def views(self) -> list:
        config = self.settings.model.config
        samples, again = (lambda state: state.samples), (lambda state: state.reconstructions)
        return [
            Part(SampleGrid(config, SAMPLES), samples),
            bound_curves(),
            bound_terms(),
            Part(UnmarkedStrip(config), samples),
            Part(Reconstructions(config, RECONSTRUCTIONS), again),
        ]

    def controls(self) -> list:
        s = self.settings
        rate = fields.log_slider(s, "lr")
        return [fields.choice(s, "begin"), rate, fields.number(s, "batch"), fields.number(s, "seed")]

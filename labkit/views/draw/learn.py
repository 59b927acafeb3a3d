"""The tab *Learn*: samples of a network during its training."""

from labkit.experiments.draw.learn import RECONSTRUCTIONS, SAMPLES, LearnSettings
from labkit.views import fields
from labkit.views.draw.grid import SampleGrid
from labkit.views.draw.network import DRAWScene
from labkit.views.draw.reconstructions import Reconstructions
from labkit.views.draw.strip import UnmarkedStrip
from labkit.views.draw.training import bound_curves, bound_terms
from labkit.views.view import Part


class LearnScene(DRAWScene):
    """A network during its training."""

    kind = LearnSettings
    network = "draw-digits"
    running = ("lr", "batch")
    speed = 30
    words = (
        "A small network learns to draw 8 &times; 8 digits while you watch. From the warm start, the blurred samples "
        "become clearer in about 400 steps. The test bound first rises a little, because the first steps of Adam are "
        "too large: a smaller learning rate avoids it. From scratch, the bound falls quickly in the first steps and "
        "slowly later; digits appear only after about 800 steps.<br>The grid shows 16 samples: z is random, and no "
        "image is read. They always use the same random numbers, so only the network changes. The first row below the "
        "grid shows the first sample: the canvas before the first glimpse (this network learns it, too), then the "
        "canvas after each glimpse. The next rows show test digits, and under each the network's "
        "reconstruction.<br>The bound is the cost of an image in nats: the reconstruction cost Lx plus the latent cost "
        "Lz. Lz is the sum of all KL in the tab <i>Read</i>: on average, z carries at most this much information from "
        "the image. <b>Try:</b> raise the learning rate (the step size of the training) until the bound jumps up and "
        "does not come down again."
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

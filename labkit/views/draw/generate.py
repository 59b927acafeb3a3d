"""The tab *Generate*: new images, stroke by stroke."""

from labkit.experiments.draw.generate import GenerateSettings
from labkit.views import fields
from labkit.views.draw.curves import write_window
from labkit.views.draw.grid import SampleGrid
from labkit.views.draw.network import StrokeScene, class_buttons
from labkit.views.draw.strip import CanvasStrip

FIRST = {  # what the first canvas of a network is
    "zero": "is grey: ink with probability 1/2",
    "learned": "was learned in the training",
    "data": "is the average training image",
}


class GenerateScene(StrokeScene):
    """New images, stroke by stroke."""

    kind = GenerateSettings
    words = (
        "Each image starts with the same first canvas. Each step of the drawing is called a glimpse. At glimpse t the "
        "network takes a random vector z. From z and its memory of the drawing it computes what to paint and where: a "
        "patch of numbers, spread over the <b>orange</b> window and added to the canvas. A sigmoid function turns the "
        "sum at a pixel into the probability of ink: 0 gives 1/2. If a window is larger than the image, the frame "
        "lies along its edge. The window is a grid of small Gaussian spots, called filters; a thicker frame means "
        "smaller spots. The curves show the window of the first image: its stride &delta; (the distance between "
        "neighbouring filters), and their width &sigma; (see <i>Attention lab</i>). The small images below the grid "
        "show the first image from the first canvas to the last glimpse; the yellow frame is around the current one. "
        "Finished images stay for a moment, then new ones start."
    )

    def views(self) -> list:
        config = self.settings.model.config
        curves = [] if config.write is None else [write_window()]
        return [SampleGrid(config, self.settings.n), *curves, CanvasStrip(config)]

    def remarks(self) -> str:
        c = self.settings.model.config
        paints = (
            "has no window: it paints on the whole image"
            if c.write is None
            else f"paints {c.write} &times; {c.write} numbers"
        )
        return f"The first canvas of this network {FIRST[c.canvas]}. At each of its {c.steps} glimpses it {paints}."

    def controls(self) -> list:
        s = self.settings
        found = [fields.number(s, "n"), fields.number(s, "temperature"), fields.number(s, "seed")]
        return [*found, *class_buttons(s, {"all": -1})]

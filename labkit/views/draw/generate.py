"""The tab *Generate*: new images, stroke by stroke."""

from labkit.experiments.draw.generate import GenerateSettings
from labkit.views import fields
from labkit.views.draw.curves import write_window
from labkit.views.draw.grid import SampleGrid
from labkit.views.draw.network import StrokeScene, class_buttons
from labkit.views.draw.strip import CanvasStrip


class GenerateScene(StrokeScene):
    """New images, stroke by stroke."""

    kind = GenerateSettings
    words = (
        "Each image starts as an empty canvas. Grey means that a pixel has ink with probability 1/2. At every time "
        "step t (DRAW calls it a glimpse) the network samples a random vector z and paints one small patch inside the "
        "<b>orange</b> window. The window is a grid of soft brushes (filters): see <i>Attention lab</i>. A thick frame "
        "means sharp strokes, a thin one soft strokes. The curves describe this window on the first image: the "
        "distance &delta; between its filters, and their width &sigma;. The row below shows the first image after "
        "every glimpse; the yellow frame marks the current one. After the last glimpse the images stay for a moment, "
        "then new ones start. The steps keep counting."
    )

    def views(self) -> list:
        config = self.settings.model.config
        curves = [] if config.write is None else [write_window()]
        return [SampleGrid(config, self.settings.n), *curves, CanvasStrip(config)]

    def controls(self) -> list:
        s = self.settings
        found = [fields.number(s, "n"), fields.number(s, "temperature"), fields.number(s, "seed")]
        return [*found, *class_buttons(s, {"all": -1})]

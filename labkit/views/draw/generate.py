"""The tab *Generate*: new images, stroke by stroke."""

from labkit.experiments.draw.generate import GenerateSettings
from labkit.views import fields
from labkit.views.draw.curves import write_window
from labkit.views.draw.grid import SampleGrid
from labkit.views.draw.network import DRAWScene, class_buttons
from labkit.views.draw.strip import CanvasStrip


class GenerateScene(DRAWScene):
    """New images, stroke by stroke."""

    kind = GenerateSettings
    words = (
        "Every image begins as the same empty canvas. At each of its steps the network draws one random z and lays "
        "down one patch through the <b>red</b> window; thin lines are wide, soft filters, thick ones are sharp. "
        "Below: the first image after every stroke."
    )

    def views(self) -> list:
        config = self.settings.model.config
        curves = [] if config.write is None else [write_window()]
        return [SampleGrid(config, self.settings.n), *curves, CanvasStrip(config)]

    def controls(self) -> list:
        s = self.settings
        found = [fields.number(s, "n"), fields.number(s, "temperature"), fields.number(s, "seed")]
        return [*found, *class_buttons(s, {"all": -1})]

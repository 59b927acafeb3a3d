"""The tabs of the page: each a live view with the controls that belong to it, kept in step with its settings."""

from typing import Any

import panel as pn
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from labkit.draw import Config
from labkit.views import fields
from labkit.views.draw.courses import Divergence, pen, stopped
from labkit.views.draw.drawing import Generator, Reader
from labkit.views.draw.lab import Bank, Bench, Under
from labkit.views.draw.pad import Pad
from labkit.views.draw.reading import Looking
from labkit.views.draw.sheet import Film, Sheet
from labkit.views.live import Live

STROKES = 8  # a second


class Scene(pn.viewable.Viewer):
    """A live view of some settings; a change of any begins it anew."""

    words = ""

    def __init__(self, settings: Any, **params):
        super().__init__(**params)
        self.settings = settings
        self.live = Live(settings.start, settings.step, self.views(), speed=STROKES)
        self.settings.param.watch(lambda *_: self.show(), [p for p in settings.param if p != "name"])
        self.live.remote.tips = self.live.remote.tips | {
            p.label: p.doc for p in settings.param.objects().values() if p.doc
        }

    def views(self) -> list:
        raise NotImplementedError

    def controls(self) -> list:
        raise NotImplementedError

    def show(self) -> None:
        """Begin anew, with the pictures that the settings want."""
        self.live.show(*self.views())

    def __panel__(self) -> pn.viewable.Viewable:
        said = pn.pane.HTML(self.words, sizing_mode="stretch_width", styles={"font-size": "15px"})
        return pn.Column(self.live.player, self.live.error, said, self.live.pictures, sizing_mode="stretch_width")


class Generate(Scene):
    """New images, stroke by stroke."""

    words = (
        "Every image begins as the same empty canvas. At each of its steps the network draws one random z and lays "
        "down one patch through the <b>red</b> window; thin lines are wide, soft filters, thick ones are sharp. "
        "Below: the first image after every stroke."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Generator(model, **params))

    def views(self) -> list:
        config = self.settings.model.config
        curves = [] if config.write is None else [pen()]
        return [Sheet(config, self.settings.n), *curves, Film(config)]

    def controls(self) -> list:
        s = self.settings
        found = [fields.number(s, "n"), fields.number(s, "temperature"), fields.number(s, "seed")]
        return [*found, *_classes(s, {"all": -1})]


class Read(Scene):
    """An image that the network looks at and draws again."""

    words = (
        "The network never sees the image at once: at each step it reads a few numbers through the <b>green</b> "
        "window, then draws through the <b>red</b> one. Draw a digit in the square, or take a printed one."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Reader(model, printed(model.config)[3], **params))

    def views(self) -> list:
        config = self.settings.model.config
        return [Looking(config), Divergence(), stopped(), Film(config)]

    def look(self, image: Tensor) -> None:
        """Read another image (C, H, W)."""
        self.settings.image = image
        self.show()
        self.live.play()

    def controls(self) -> list:
        config = self.settings.model.config
        pad = Pad(self.look, side=config.height)
        clear = pn.widgets.Button(label="Clear the square", margin=(4, 8))
        clear.on_click(lambda _: pad.clear())
        digits = pn.FlexBox(margin=(4, 4))
        for k, image in enumerate(printed(config)):
            button = pn.widgets.Button(label=str(k), description=f"Read a printed {k}", width=38, margin=3)
            button.on_click(lambda _, image=image: self.look(image))
            digits.append(button)
        return [pad, clear, digits, fields.number(self.settings, "seed"), *_classes(self.settings, {})]


class Lab(Scene):
    """A window in the reader's hand."""

    words = (
        "N x N Gaussian filters, &delta; pixels apart around (gX, gY), each &sigma; wide. What is read is a small "
        "picture of N x N numbers; writing it back through the same window shows what of the picture it kept."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Bench(printed(model.config)[3], **params))

    def views(self) -> list:
        return [Under(self.settings), Bank(self.settings, "X"), Bank(self.settings, "Y")]

    def show(self) -> None:
        """The window of now; the run stands still."""
        self.live.run.edit(lambda _: self.settings.start())
        if any(not stage.holds(view) for stage, view in zip(self.live.stages, self.live.views, strict=True)):
            self.live.redeclare()

    def controls(self) -> list:
        s = self.settings
        return [fields.dial(s, name) for name in ("n", "center_x", "center_y", "stride", "sigma", "intensity")]

    def __panel__(self) -> pn.viewable.Viewable:
        said = pn.pane.HTML(self.words, sizing_mode="stretch_width", styles={"font-size": "15px"})
        return pn.Column(self.live.remote, self.live.error, said, self.live.pictures, sizing_mode="stretch_width")


def _classes(settings: Any, more: dict[str, int]) -> list:
    """A button for every class that the network knows, and more."""
    known = settings.model.config.classes
    if not known:
        return []
    buttons = pn.FlexBox(margin=(4, 4))
    for name, value in (more | {str(k): k for k in range(known)}).items():
        button = pn.widgets.Button(label=name, description=f"Tell it the class {name}", width=38, margin=3)
        button.on_click(lambda _, value=value: settings.param.update(label=value))
        buttons.append(button)
    return [pn.pane.HTML("The class it is told", margin=(4, 10, 0, 10)), buttons]


def printed(config: Config) -> Tensor:
    """The ten digits as a book prints them, for a network: (10, C, H, W) in [0, 1]."""
    height, width = config.height, config.width
    font = ImageFont.load_default(0.85 * height)
    found = torch.zeros(10, 1, height, width)
    for k in range(10):
        sheet = Image.new("L", (width, height))
        ImageDraw.Draw(sheet).text((width / 2, height / 2), str(k), 255, font, anchor="mm")
        found[k, 0] = torch.frombuffer(bytearray(sheet.tobytes()), dtype=torch.uint8).view(height, width) / 255
    return found.expand(-1, config.channels, -1, -1)

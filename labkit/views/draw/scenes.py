"""The tabs of the page: each a live view with the controls that belong to it, kept in step with its settings."""

import html
from typing import Any

import panel as pn
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from labkit.draw import Config
from labkit.views import fields
from labkit.views.downloads import Downloads
from labkit.views.draw import album
from labkit.views.draw.courses import Divergence, pen, stopped
from labkit.views.draw.drawing import Generator, Reader, device_of
from labkit.views.draw.lab import Bank, Bench, Under
from labkit.views.draw.pad import Pad
from labkit.views.draw.reading import Looking
from labkit.views.draw.sheet import Film, Sheet
from labkit.views.scenes import TEXT, Scene

STROKES = 8  # a second


class OfNetwork(Scene):
    """A scene of a network, as many steps a second as the eye follows.

    Attributes:
        network: the shipped network that the scene is about, where it leaves no choice.
    """

    network, speed = "", STROKES


class Generate(OfNetwork):
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
        return [*found, *classes(s, {"all": -1})]


class Read(OfNetwork):
    """An image that the network looks at and draws again."""

    words = (
        "The network never sees the image at once: at each step it reads a few numbers through the <b>green</b> "
        "window, then draws through the <b>red</b> one. Draw a digit in the square, or take one."
    )

    def __init__(self, model: Any, **params):
        super().__init__(Reader(model, printed(model.config)[3], **params))
        self._chance = torch.Generator().manual_seed(0)

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
        seed = fields.number(self.settings, "seed")
        return [pad, clear, digits, *self._album(), seed, *classes(self.settings, {})]

    def _album(self) -> list:
        """A button for every data set that is here, which takes another of its test images."""
        buttons, said = pn.FlexBox(margin=(4, 4)), pn.pane.HTML("", margin=(0, 10))
        for name in album.names(self.settings.model.config):
            button = pn.widgets.Button(label=name, description=f"Read another test image of {name}", margin=3)
            button.on_click(lambda _, name=name: self._turn(name, said))
            buttons.append(button)
        heading = pn.pane.HTML("A test image of", margin=(4, 10, 0, 10))
        return [heading, buttons, said] if len(buttons) else []

    def _turn(self, name: str, said: pn.pane.HTML) -> None:
        try:
            image, known, words = album.image(name, self._chance)
        except (OSError, ValueError) as error:
            said.object = html.escape(str(error))
            return
        said.object = words
        if known is not None and known < self.settings.model.config.classes:
            self.settings.label = known
        self.look(image)


class Lab(OfNetwork):
    """A window in the reader's hand."""

    words = (
        "N x N Gaussian filters, &delta; pixels apart around (gX, gY), each &sigma; wide. What is read is a small "
        "picture of N x N numbers; writing it back through the same window shows what of the picture it kept."
    )

    def __init__(self, model: Any, **params):
        c = model.config
        middle = {"center_x": (c.width - 1) / 2, "center_y": (c.height - 1) / 2, "stride": c.width / 7}
        super().__init__(Bench(printed(c)[3].to(device_of(model)), **(middle | params)))

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
        said = pn.pane.HTML(self.words, sizing_mode="stretch_width", styles=TEXT)
        shown = [self.live.remote, self.live.error, said, self.live.pictures, Downloads(self.live, ("png",))]
        return pn.Column(*shown, sizing_mode="stretch_width")


def classes(settings: Any, more: dict[str, int]) -> list:
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

"""The tab *Read*: an image that the network reads and draws again."""

import html
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import panel as pn
import torch
from torch import Tensor

from labkit.experiments import titles
from labkit.experiments.draw import images
from labkit.experiments.draw.read import ReadSettings
from labkit.views import fields
from labkit.views.draw.bars import KLBars
from labkit.views.draw.curves import bound_if_stopped
from labkit.views.draw.glimpse import Glimpse
from labkit.views.draw.network import StrokeScene, class_buttons
from labkit.views.draw.pad import Pad
from labkit.views.draw.picture import given
from labkit.views.draw.strip import CanvasStrip
from labkit.views.upload import Upload


class ReadScene(StrokeScene):
    """An image that the network reads and draws again."""

    kind, looks = ReadSettings, ("ahead",)
    words = (
        "The network tries to paint the image that it reads. At every glimpse t it reads through the <b>green</b> "
        "window, then paints through the <b>orange</b> one. However large the window is, it gets only N &times; N "
        "numbers of the image (the middle picture; N is given below), and N &times; N of the difference between image "
        "and canvas (not shown). Each is an average over one Gaussian spot; it does not see what lies between the "
        "spots. A thicker frame means smaller spots. At first it reads a printed 3. <b>Try:</b> draw a digit in the "
        "square. While you draw a line, the right picture shows the canvas after the last glimpse, for your drawing so "
        "far. When you lift the pen, the reading starts at glimpse 1. Or choose a printed digit below the "
        "square.<br>From what it has read, the network computes a mean and a standard deviation for z, and takes a "
        "random z from this normal distribution. The KL (Kullback-Leibler divergence) of a glimpse says how far this "
        "normal distribution is from the prior N(0, 1), from which <i>Generate</i> takes z. On average, the glimpse "
        "takes at most this much information from the image, in nats (1 nat is 1.44 bits). With a KL of 0 it takes "
        "nothing. Blue bars: the glimpses so far; grey: those to come. Late glimpses may take little and still paint "
        "much: they use what was read before.<br>The bound is the total cost: all KL so far plus the reconstruction "
        "cost, which measures what the canvas still gets wrong. Lower is better. Averaged over z, it is never below "
        "&minus;log p(image), where p(image) is the probability that the network draws this image. The curve shows it "
        "for one random z. (On /dreg the bound has the opposite sign, so higher is better.)"
    )

    def __init__(self, settings: Any, **params: Any):
        super().__init__(settings, **params)
        self._generator = torch.Generator().manual_seed(0)  # chooses the test images
        self._free = 0.0  # time from which the next unfinished line is read

    def views(self) -> list:
        config = self.settings.model.config
        ahead = self.settings.ahead
        return [Glimpse(config), KLBars(ahead), bound_if_stopped(ahead), CanvasStrip(config, ahead=ahead)]

    def remarks(self) -> str:
        c = self.settings.model.config
        reads, paints = ("the whole image" if n is None else f"{n} &times; {n} numbers" for n in (c.read, c.write))
        size = "This network has no window to read" if c.read is None else f"This network has N = {c.read}"
        return f"{size}. At each of its {c.steps} glimpses it reads {reads} and paints {paints}."

    def read(self, image: Tensor) -> None:
        """Read another image (C, H, W)."""
        self._read(lambda: setattr(self.settings, "image", image))

    def _read(self, choose: Callable[[], None]) -> None:
        """Choose another image and play."""
        before = self.settings.digit, self.settings.own
        choose()
        if (self.settings.digit, self.settings.own) == before:  # otherwise the change of a setting has started the run
            self.show()
        self.live.play()

    def follow(self, image: Tensor, moving: bool) -> None:
        """Read a drawing. During a line, show the whole reading at once; this takes at most half of the time."""
        began = time.monotonic()
        if moving and began < self._free:
            return
        self._read(lambda: self.settings.sketch(image)) if moving else self.read(image)
        if moving:
            self.live.run.edit(lambda state: replace(state, stroke=state.steps))
            now = time.monotonic()
            self._free = now + (now - began)

    def choose(self, digit: int) -> None:
        """Read a printed digit."""
        self._read(lambda: self.settings.choose(digit))

    def controls(self) -> list:
        config = self.settings.model.config
        pad = Pad(lambda image: self.follow(image, pad.moving), side=config.height, margin=(0, 8))
        clear = pn.widgets.Button(label="Clear", margin=(4, 8))
        clear.on_click(lambda _: pad.clear())
        digits = pn.FlexBox(margin=(4, 4))
        for k in range(10):
            button = pn.widgets.Button(label=str(k), description=f"Read a printed {k}", width=38, margin=3)
            button.on_click(lambda _, k=k: self.choose(k))
            digits.append(button)
        seed, ahead = fields.number(self.settings, "seed"), fields.box(self.settings, "ahead")
        words = "A photo or a drawing: the ink is found, scaled and centred as in MNIST."
        upload = Upload(
            self._take, label="Read an image file", words=words, accept="image/*", picture=True, margin=(4, 10)
        )
        below = pn.FlexBox(clear, upload)
        square = pn.Column(pad, below, margin=0, css_classes=["first"])  # on a phone it comes first
        return [square, digits, *self._test_images(), seed, ahead, *class_buttons(self.settings, {})]

    def _take(self, name: str, content: bytes) -> str:
        image, words = given(name, content, self.settings.model.config)
        self.read(image)
        return words if self.settings.own else f"{words} It is not in a link, because it has more than 28 x 28 pixels."

    def _test_images(self) -> list:
        """Return one button per available data set, which reads a random test image."""
        buttons, said = pn.FlexBox(margin=(4, 4)), pn.pane.HTML("", margin=(0, 10))
        for name in images.data_sets(self.settings.model.config):
            title = titles.DATA.get(name, name)
            button = pn.widgets.Button(label=title, description=images.described(name), margin=3)
            button.on_click(lambda _, name=name: self._read_random(name, said))
            buttons.append(button)
        heading = pn.pane.HTML("Use a test image from", margin=(4, 10, 0, 10))
        return [heading, buttons, said] if len(buttons) else []

    def _read_random(self, name: str, said: pn.pane.HTML) -> None:
        try:
            image, known, words = images.random_image(name, self._generator)
        except (OSError, ValueError) as error:
            said.object = html.escape(str(error))
            return
        said.object = words
        if known is not None and known < self.settings.model.config.classes:
            self.settings.label = known
        self.read(image)

"""Fixtures for the painter: a frame with the colour at a data point, red pixels, and a red line."""

import holoviews as hv
import numpy as np
import pytest

from labkit.paint import Painter


@pytest.fixture(autouse=True, scope="session")
def _extension():
    """Loads HoloViews' Bokeh backend, as a page or a script does: without it `hv.opts` knows no element."""
    hv.extension("bokeh")


@pytest.fixture(scope="session")
def shown():
    """shown(picture): the frame, and a function for the colour at a data point (x, y), from the box and the limits."""

    def paint(picture, columns=None, size=(400, 300), dark=False):
        painter = Painter(picture, size, dark)
        image, axes = painter.frame(columns), painter.panels[0].axes
        left, top, right, bottom = axes.box

        def at(x, y):
            across = (x - axes.x.low) / (axes.x.high - axes.x.low)
            up = (y - axes.y.low) / (axes.y.high - axes.y.low)
            return image.getpixel((int(left + across * (right - left)), int(bottom - up * (bottom - top))))

        return image, at

    return paint


@pytest.fixture(scope="session")
def reds():
    """reds(image): where a picture is red, booleans [h, w]."""

    def found(image):
        pixels = np.asarray(image).astype(int)
        return (pixels[..., 0] > 200) & (pixels[..., 1] < 120) & (pixels[..., 2] < 120)

    return found


@pytest.fixture(scope="session")
def line():
    """line(y): a horizontal red line across the unit square."""

    def at(y=0.5, **style):
        curve = hv.Curve(([0, 1], [y, y]), label="line")
        return curve.opts(color="red", show_legend=False, xlim=(0, 1), ylim=(0, 1), **style)

    return at

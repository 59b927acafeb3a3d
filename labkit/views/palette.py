"""One colour for one thing on every picture, told apart by colour-blind eyes (after Okabe & Ito 2008).

Each is dark enough for a white page and light enough for a black one.
"""

from typing import NamedTuple

TARGET = "#D55E00"  # vermilion, always dashed where it is a line
PARTICLES = "#009E73"  # bluish green
DRIVE = "#2B8CC4"  # blue
REPULSION = "#CC79A7"  # reddish purple
CHOSEN = "#E69F00"  # orange
PAST = "#8A9097"  # grey
OTHER = "#9467BD"  # violet: the run beside
READ = "#009E73"  # the window that looks: green, as in the paper
WRITE = "#D55E00"  # the window that draws: red there, vermilion here
EDGE = "#E69F00"  # the image that is meant


class Style(NamedTuple):
    """How a line and its points are drawn: Bokeh's names of a colour, a marker and a dash."""

    color: str
    marker: str
    dash: str = "solid"

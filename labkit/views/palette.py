"""One colour per thing in all pictures, for colour-blind readers too (after Okabe & Ito 2008).

Each colour is visible on a white page and on a black page.
"""

from typing import NamedTuple

TARGET = "#D55E00"  # vermilion; its lines are always dashed
PARTICLES = "#009E73"  # bluish green
DRIVE = "#2B8CC4"  # blue
REPULSION = "#CC79A7"  # reddish purple
CHOSEN = "#E69F00"  # orange
PAST = "#8A9097"  # grey
OTHER = "#9467BD"  # violet: the second run
READ = "#009E73"  # read window: green, as in the paper
WRITE = "#D55E00"  # write window: red in the paper, vermilion here
EDGE = "#E69F00"  # the selected image


class Style(NamedTuple):
    """The style of a line and its points: Bokeh's names of a colour, a marker and a dash."""

    color: str
    marker: str
    dash: str = "solid"

"""One colour and one marker per estimator in all pictures; no two share both (Okabe & Ito 2008)."""

from itertools import product

from labkit.dreg import ESTIMATORS
from labkit.views.palette import CHOSEN, DRIVE, OTHER, PARTICLES, PAST, REPULSION, TARGET, Style

STYLES = {
    "iwae": Style(CHOSEN, "circle"),
    "stl": Style(REPULSION, "triangle"),
    "dreg": Style(PARTICLES, "square"),
    "rws": Style(TARGET, "inverted_triangle"),
    "rws-dreg": Style(DRIVE, "diamond"),
    "dreg-norm": Style(PARTICLES, "x"),
    "rws-dreg-norm": Style(DRIVE, "cross"),
    "dreg-alpha": Style(OTHER, "triangle"),
    "jk": Style(PAST, "circle"),
    "jk-dreg": Style(PAST, "square"),
    "dreg-cv": Style(OTHER, "diamond"),
    "vae": Style(TARGET, "x"),
    "vimco": Style(REPULSION, "cross"),
}
COLORS = REPULSION, OTHER, DRIVE, CHOSEN, PARTICLES, TARGET, PAST
MARKERS = "square", "diamond", "circle", "triangle", "inverted_triangle", "cross", "x"


def style_of(name: str) -> Style:
    """Return the style of an estimator; one that is not in `STYLES` gets an unused style."""
    if name in STYLES:
        return STYLES[name]
    others = [each for each in ESTIMATORS if each not in STYLES]
    free = [each for each in (Style(c, m) for m, c in product(MARKERS, COLORS)) if each not in STYLES.values()]
    return free[others.index(name) % len(free)]

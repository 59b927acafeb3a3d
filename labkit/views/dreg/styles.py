"""One colour and one marker for each estimator, the same on every picture; no two share both (Okabe & Ito 2008)."""

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

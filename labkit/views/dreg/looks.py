"""One colour and one marker for each estimator, the same on every picture; no two share both (Okabe & Ito 2008)."""

from typing import NamedTuple

from labkit.views.palette import CHOSEN, DRIVE, OTHER, PARTICLES, PAST, REPULSION, TARGET


class Look(NamedTuple):
    color: str
    marker: str


LOOKS = {
    "iwae": Look(CHOSEN, "circle"),
    "stl": Look(REPULSION, "triangle"),
    "dreg": Look(PARTICLES, "square"),
    "rws": Look(TARGET, "inverted_triangle"),
    "rws-dreg": Look(DRIVE, "diamond"),
    "dreg-norm": Look(PARTICLES, "x"),
    "rws-dreg-norm": Look(DRIVE, "cross"),
    "dreg-alpha": Look(OTHER, "triangle"),
    "jk": Look(PAST, "circle"),
    "jk-dreg": Look(PAST, "square"),
    "dreg-cv": Look(OTHER, "diamond"),
    "vae": Look(TARGET, "x"),
    "vimco": Look(REPULSION, "cross"),
}

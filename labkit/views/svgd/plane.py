"""Particles in the plane, or in the first two of more dimensions: contour lines of the target, particles, forces."""

import holoviews as hv
import numpy as np

from labkit import svgd
from labkit.experiments.svgd.particles import Sample
from labkit.past import Past
from labkit.views import density
from labkit.views.palette import CHOSEN, DRIVE, PARTICLES, REPULSION, TARGET
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import counted, listed

OBLONG = 3.0  # a box this much longer along one axis stays as it is
ARROW = 0.09  # length of the longest arrow, as a fraction of the picture's width
ROOMY = 300  # up to this many particles, marks have their full size


class Plane(View):
    """A scatter plot of the particles over the target's contour lines.

    Args:
        target: has two dimensions or more. Of more than two, the first two are shown, with the ellipses of the exact
            covariance if it is known.
        box: ((low, high), (low, high)) of the axes.
        title: title of the picture.
        n: number of particles; the marks of many are smaller and more transparent.
    """

    leading = True

    def __init__(self, target, box: tuple, title: str = "", n: int = 1):
        self.target, self.title, self.marks = target, title, marks(n)
        self.box, self.plane = square(box[:2])
        self.chosen: int | None = None
        self.arrows = False
        self.lines = self._lines()

    @property
    def declaration(self) -> tuple:
        """What the picture depends on except the columns."""
        return self.target, self.box, self.title, self.arrows, *self.marks.values()

    def _lines(self) -> list[np.ndarray]:
        if self.target.dim == 2 and self.target.has_density:
            return density.levels(self.target, self.box)
        if self.target.covariance is None:
            return []
        return density.ellipses(self.target.mean[:2].numpy(), self.target.covariance[:2, :2].numpy())

    def picture(self, state: Sample) -> hv.Overlay:
        """Return the fixed parts: axes and contour lines, and a layer for everything that moves."""
        x, empty = _positions(state), np.zeros(0)
        names = self.target.labels
        arrows = [
            hv.Segments((empty,) * 4, ["x0", "y0", "x1", "y1"], label=name).opts(color=color, line_width=2)
            for name, color in (("drive", DRIVE), ("repulsion", REPULSION))
        ]
        target = hv.Path(self.lines, ["x", "y"], label="target")
        layers = [
            *([target.opts(color=TARGET, line_dash="dashed", line_width=1.6)] if self.lines else []),
            *(arrows if self.arrows else []),
            hv.Points(x, ["x", "y"], label="particles").opts(color=PARTICLES, line_color=None, **self.marks),
            hv.Curve((empty, empty), "x", "y", label="one bandwidth").opts(
                color=CHOSEN, line_width=2, show_legend=False
            ),
            hv.Points((empty, empty), ["x", "y"], label="chosen").opts(color=CHOSEN, size=13, show_legend=False),
        ]
        return hv.Overlay(layers).opts(
            xlim=self.box[0], ylim=self.box[1], xlabel=names[0], ylabel=names[1], title=self.title,
            **ABOVE,
        )  # fmt: skip

    def describe(self, state: Sample, past: Past | None = None) -> str:
        x, target = _positions(state), self.target
        across, up = x.std(0)
        of = ""
        if target.covariance is not None:
            of = f" (target: {listed(f'{sd:.2f}' for sd in target.covariance.diagonal().sqrt()[:2].tolist())})"
        mean, (first, second) = f"({x[:, 0].mean():.2f}, {x[:, 1].mean():.2f})", target.labels[:2]
        spread = f"standard deviations {across:.2f} and {up:.2f}{of}"
        return f"{counted(len(x), 'particle')} in the plane of {first} and {second}: mean {mean}, {spread}."

    def columns(self, state: Sample, past: Past | None = None) -> Columns:
        """Return the moving arrays."""
        x = _positions(state)
        one = x[[self.chosen]] if self.chosen is not None and self.chosen < len(x) else x[:0]
        return {
            "particles": {"x": x[:, 0], "y": x[:, 1]},
            "chosen": {"x": one[:, 0], "y": one[:, 1]},
            "one bandwidth": self._circle(one, state),
            **self._forces(x, state),
        }

    def _circle(self, centre: np.ndarray, state: Sample) -> dict[str, np.ndarray]:
        """Return a circle around the chosen particle with the bandwidth as radius."""
        h = float(state.bandwidth) if isinstance(state, svgd.State) and not state.bandwidth.ndim else np.inf
        if not len(centre) or not np.isfinite(h):
            return {"x": np.zeros(0), "y": np.zeros(0)}
        angle = np.linspace(0, 2 * np.pi, 60)
        return {"x": centre[0, 0] + h * np.cos(angle), "y": centre[0, 1] + h * np.sin(angle)}

    def _forces(self, x: np.ndarray, state: Sample) -> dict[str, dict]:
        """Return arrows with one common scale, if they are switched on and the state comes from SVGD."""
        if not self.arrows or not isinstance(state, svgd.State):
            return {}
        both = {"drive": state.drive, "repulsion": state.repulsion}
        forces = {name: force[:, :2].numpy(force=True) for name, force in both.items()}
        longest = max(float(np.abs(v).max()) for v in forces.values()) or 1.0
        scale = ARROW * (self.box[0][1] - self.box[0][0]) / longest
        return {name: _segments(x, scale * v) for name, v in forces.items()}


def marks(n: int) -> dict[str, float]:
    """Return size and transparency of the marks of n particles, so that a crowd shows where it is dense."""
    share = min(1.0, (ROOMY / max(n, 1)) ** 0.5)
    return {"size": max(3.0, 8 * share), "alpha": max(0.35, 0.85 * share**0.5)}


def square(box: tuple) -> tuple[tuple, bool]:
    """Return a box with the shorter axis extended to both sides, and whether it is square now."""
    sides = [high - low for low, high in box]
    if max(sides) > OBLONG * min(sides):
        return tuple(box), False
    more = [(max(sides) - side) / 2 for side in sides]
    return tuple((low - m, high + m) for (low, high), m in zip(box, more, strict=True)), True


def _segments(x: np.ndarray, v: np.ndarray) -> dict[str, np.ndarray]:
    return {"x0": x[:, 0], "y0": x[:, 1], "x1": x[:, 0] + v[:, 0], "y1": x[:, 1] + v[:, 1]}


def _positions(state: Sample) -> np.ndarray:
    return state.x[:, :2].numpy(force=True).astype(float)

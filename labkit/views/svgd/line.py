"""Particles on a line: densities of the target and of the particles, each particle, and earlier steps."""

from collections.abc import Callable
from typing import Any

import holoviews as hv
import numpy as np
import torch

from labkit import svgd
from labkit.experiments.svgd.particles import Sample
from labkit.past import Past
from labkit.targets.registry import Known
from labkit.views import density
from labkit.views.palette import CHOSEN, DRIVE, PARTICLES, PAST, REPULSION, TARGET
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import counted, listed

POINTS = 300
# shares of the picture's height: what is below the axis, where bars of forces start, and their length
BELOW, MIDDLE, REACH = -0.06, -0.19, 0.11
FLAT = 6.0  # height of the picture of an unknown density, as a multiple of a uniform density


class Line(View):
    """The picture of the original program: target red and dashed, particles green.

    Args:
        density: () -> the target, with one dimension; called at every frame. A target whose modes have moved is another
            object.
        box: (low, high) of the axis.
        title: title of the picture.
    """

    leading = True

    def __init__(self, density: Callable, box: tuple[float, float], title: str = ""):
        self.density, self.box, self.title = density, box, title
        self.grid = np.linspace(*box, POINTS)
        self._shown: tuple[Any, Columns] | None = None  # the last target and its columns
        self._earlier: tuple[list[Sample], dict[str, np.ndarray]] | None = None  # pinned states, and their columns
        top = float(self._target()["target"]["y"].max())
        self.top = 1.5 * top if top == top else FLAT / (box[1] - box[0])  # NaN: there is no density
        self.chosen: int | None = None
        self.mode: int | None = None  # the chosen mode
        self.snapshots, self.arrows = True, False

    @property
    def declaration(self) -> tuple:
        """What the picture depends on except the columns."""
        return self.box, self.title, self.top, self.arrows

    @property
    def _bottom(self) -> float:
        """The lower end of the vertical axis, with space for the bars of forces if they are shown."""
        return (MIDDLE - 1.2 * REACH if self.arrows else BELOW) * self.top

    def _target(self) -> Columns:
        """Return the layers of the target, computed once for each target."""
        density, known = self.density(), self._shown
        if known is None or known[0] is not density:
            modes = density.handles().numpy(force=True)
            curve = {"x": self.grid, "y": self._heights(density)}
            self._shown = known = density, {"target": curve, "modes": {"x": modes[:, 0], "y": modes[:, 1]}}
        return known[1]

    def _heights(self, density: Known) -> np.ndarray:
        """Return p(x) on the grid, NaN if the density is not known."""
        if not density.has_density:
            return np.full(POINTS, np.nan)
        return np.exp(density.log_prob(torch.from_numpy(self.grid)[:, None]).numpy(force=True))

    def picture(self, state: Sample) -> hv.Overlay:
        """Return the fixed parts: axes, the target, and a layer for everything that moves."""
        empty = (np.zeros(0), np.zeros(0))
        kde = np.column_stack([self.grid, density.estimate(_positions(state), self.grid)])
        x = _positions(state)
        forces = [
            hv.Segments((np.zeros(0),) * 4, ["x0", "y0", "x1", "y1"], label=name).opts(color=color, line_width=2)
            for name, color in (("drive", DRIVE), ("repulsion", REPULSION))
        ]
        layers = [
            hv.Area(kde, "x", "y", label="particles").opts(color=PARTICLES, alpha=0.35, line_alpha=0),
            hv.Curve(kde, "x", "y", label="outline").opts(color=PARTICLES, line_width=2.5, show_legend=False),
            hv.Curve(empty, "x", "y", label="earlier steps").opts(color=PAST, line_width=1.2),
            hv.Curve((self.grid, self._target()["target"]["y"]), "x", "y", label="target").opts(
                color=TARGET, line_dash="dashed", line_width=2.5
            ),
            hv.Scatter((x, self._rug(x)), "x", "y", label="each particle").opts(
                color=PARTICLES, size=9, alpha=0.8, marker="dash", angle=90, show_legend=False
            ),
            hv.Scatter(empty, "x", "y", label="chosen").opts(color=CHOSEN, size=13, show_legend=False),
            hv.Scatter(self.handles(), "x", "y", label="modes").opts(
                color=TARGET, size=13, marker="diamond", fill_alpha=0.25, show_legend=False
            ),
            *(forces if self.arrows else []),
        ]
        return hv.Overlay(layers).opts(
            xlim=self.box, ylim=(self._bottom, self.top), xlabel="x", ylabel="density", title=self.title,
            legend_labels={"drive": "drive (up: to the right)"}, **ABOVE,
        )  # fmt: skip

    def still(self, picture: hv.Overlay, state: Sample) -> hv.Overlay:
        """Return the picture with space for a peak of the particles that is higher than the moving picture."""
        peak = 1.05 * float(density.estimate(_positions(state), self.grid).max())
        return picture.opts(ylim=(self._bottom, max(self.top, peak)))

    def describe(self, state: Sample, past: Past | None = None) -> str:
        x, target = _positions(state), self.density()
        modes = np.sort(target.handles()[:, 0].numpy(force=True))
        near = np.bincount(np.abs(x[:, None] - modes).argmin(1), minlength=len(modes)) if len(modes) else modes
        held = (
            f"; modes near {listed(f'{m:.3g}' for m in modes)} hold {listed(map(str, near))} of them"
            if len(modes) > 1
            else ""
        )
        of = "" if target.covariance is None else f" (target: {float(target.covariance[0, 0]):.2f})"
        return f"{counted(len(x), 'particle')} on a line{held}; mean {x.mean():.2f}, variance {x.var():.2f}{of}."

    def columns(self, state: Sample, past: Past | None = None) -> Columns:
        """Return the moving arrays."""
        x, target = _positions(state), self._target()
        kde = density.estimate(x, self.grid)
        return {
            **target,
            "particles": _outline(self.grid, kde),
            "outline": {"x": self.grid, "y": kde},
            "each particle": {"x": x, "y": self._rug(x)},
            "earlier steps": self._before(past or Past()),
            "chosen": self._marked(x, target["modes"]),
            **self._forces(x, state),
        }

    def _forces(self, x: np.ndarray, state: Sample) -> dict[str, dict]:
        """Return the forces on each particle as bars below the axis with one common scale; a bar upwards points right.

        Arrows along the axis would cover each other.
        """
        if not self.arrows or not isinstance(state, svgd.State):
            return {}
        forces = {"drive": state.drive[:, 0].numpy(force=True), "repulsion": state.repulsion[:, 0].numpy(force=True)}
        longest = max(float(np.abs(force).max()) for force in forces.values()) or 1.0
        middle, scale = np.full(len(x), MIDDLE * self.top), REACH * self.top / longest
        return {name: {"x0": x, "y0": middle, "x1": x, "y1": middle + scale * v} for name, v in forces.items()}

    def _marked(self, x: np.ndarray, modes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the place of the chosen particle and of the chosen mode."""
        particle = x[self.chosen : self.chosen + 1] if self.chosen is not None else x[:0]
        mode = slice(self.mode, self.mode + 1) if self.mode is not None else slice(0)
        return {
            "x": np.append(particle, modes["x"][mode]),
            "y": np.append(self._rug(particle), modes["y"][mode]),
        }

    def handles(self) -> np.ndarray:
        """Return the handles of the density, (m, 2): place and height."""
        return np.column_stack(list(self._target()["modes"].values()))

    def _rug(self, x: np.ndarray) -> np.ndarray:
        return np.full(len(x), -0.03 * self.top)

    def _before(self, past: Past) -> dict[str, np.ndarray]:
        """Return the outlines at the pinned steps as one curve, with NaN between them."""
        pinned = list(past.pinned.values()) if self.snapshots else []
        known = self._earlier
        if known is None or known[0] != pinned:
            self._earlier = known = pinned, self._outlined(pinned)
        return known[1]

    def _outlined(self, pinned: list[Sample]) -> dict[str, np.ndarray]:
        curves = [np.append(density.estimate(_positions(state), self.grid), np.nan) for state in pinned]
        return {
            "x": np.concatenate([np.append(self.grid, np.nan)] * len(curves)) if curves else np.zeros(0),
            "y": np.concatenate(curves) if curves else np.zeros(0),
        }


def _positions(state: Sample) -> np.ndarray:
    return state.x[:, 0].numpy(force=True).astype(float)


def _outline(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return an area in Bokeh's format: along the bottom and back along the top."""
    return {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([np.zeros_like(y), y[::-1]])}

"""Forces on one particle: the contribution of every neighbour."""

from collections.abc import Callable

import holoviews as hv
import numpy as np

from labkit import svgd
from labkit.past import Past
from labkit.svgd import Kernel
from labkit.views.palette import CHOSEN, DRIVE, REPULSION
from labkit.views.stage import ABOVE
from labkit.views.view import Columns, View
from labkit.words import listed

CLICK = '<span class="mouse">Click</span><span class="touch">Tap</span> a particle to see who pushes it.'


class Microscope(View):
    """Contributions of the neighbours to drive and repulsion of the chosen particle, against their distance.

    On a line: signed contributions against x_j - x_i. In more dimensions: their lengths against |x_j - x_i|.

    Args:
        kernel: () -> the run's kernel.
        signed: whether the target has one dimension.
    """

    automatic = True

    def __init__(self, kernel: Callable, signed: bool):
        self.kernel, self.signed = kernel, signed
        self.chosen: int | None = None

    @property
    def declaration(self) -> tuple:
        """What the picture depends on except the columns."""
        return (self.signed,)

    def picture(self, state: svgd.State) -> hv.Overlay:
        """Return two sets of points, and the kernel's bandwidth as two marks on the axis."""
        none = (np.zeros(0), np.zeros(0))
        layers = [
            hv.Scatter(none, "x", "y", label="drive").opts(color=DRIVE, size=7, alpha=0.8),
            hv.Scatter(none, "x", "y", label="repulsion").opts(color=REPULSION, size=7, alpha=0.8, marker="triangle"),
            hv.Scatter(([0.0], [0.0]), "x", "y", label="one bandwidth").opts(
                color=CHOSEN, size=14, marker="dash", angle=90, show_legend=False
            ),
        ]
        place = "xⱼ − xᵢ" if self.signed else "|xⱼ − xᵢ|"
        return hv.Overlay(layers).opts(
            title="Forces on a chosen particle", xlabel=f"{place}   (orange: ± one bandwidth)", ylabel="added to φᵢ",
            xlim=(-1, 1), ylim=(-1, 1), **ABOVE,
        )  # fmt: skip

    def missing(self, state: svgd.State, earlier: int) -> str:
        return "" if self.chosen is not None and self.chosen < len(state.x) else CLICK

    def describe(self, state: svgd.State, past: Past | None = None) -> str:
        i = self.chosen
        if i is None or i >= len(state.x):
            return "No particle is chosen."
        drive, repulsion = (float(force[i].norm()) for force in (state.drive, state.repulsion))
        place = listed(f"{v:.2f}" for v in state.x[i].tolist()[:2])
        return f"Particle {i + 1} at {place}: the drive has length {drive:.3g}, the repulsion {repulsion:.3g}."

    def columns(self, state: svgd.State, past: Past | None = None) -> Columns:
        """Return the contributions; their sums are drive and repulsion of the chosen particle."""
        h = float(state.bandwidth.mean())
        marks = np.array([-h, h] if self.signed else [0, h]) if np.isfinite(h) else np.zeros(1)
        length = {"one bandwidth": {"x": marks, "y": np.zeros(len(marks))}}
        if self.chosen is None or self.chosen >= len(state.x):
            none = {"x": np.zeros(0), "y": np.zeros(0)}
            return {"drive": none, "repulsion": none, **length}
        kernel: Kernel = self.kernel()
        drive, repulsion = (f.numpy(force=True) for f in svgd.pulls(state, self.chosen, kernel=kernel))
        apart = (state.x - state.x[self.chosen]).numpy(force=True)
        place = apart[:, 0] if self.signed else np.linalg.norm(apart, axis=1)
        return {
            "drive": {"x": place, "y": self._size(drive)},
            "repulsion": {"x": place, "y": self._size(repulsion)},
            **length,
        }

    def _size(self, force: np.ndarray) -> np.ndarray:
        return force[:, 0] if self.signed else np.linalg.norm(force, axis=1)

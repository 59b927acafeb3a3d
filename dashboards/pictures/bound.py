"""Makes the chart of draw-paper's test bound: python dashboards/pictures/bound.py [FOLDER]

The numbers are in labkit/models/draw-paper.csv, which `labkit ship` writes with the network. An hour is one of a single
processor core that does nothing else.
"""

import csv
import sys
from pathlib import Path

import holoviews as hv

from labkit import models
from labkit.paint import Painter, save_png
from labkit.views.backend import use_bokeh

NAME = "draw-paper"
SECONDS = 0.7  # of one core for a step of 100 images in bfloat16, measured
PAPER = 80.97  # Gregor et al. (2015), DRAW with attention
PROGRAM = {100: 90.5, 300: 81.9}  # epochs -> the bound that jbornschein's program reports
SIZE = 960, 430  # pixels
LOWEST, HIGHEST = 79, 101  # nats
COLORS = {"labkit": "#0072B2", "paper": "#D55E00", "program": "#009E73"}


def rows() -> list[tuple[int, int, float]]:
    """Return step, epoch and bound of every evaluation."""
    with (models.HERE / f"{NAME}.csv").open(newline="") as file:
        return [(int(row["step"]), int(row["epoch"]), float(row["bound"])) for row in csv.DictReader(file)]


def chart() -> hv.Layout:
    """Return the bound against epochs, and against hours."""
    found = rows()
    hours = [(step * SECONDS / 3600, bound) for step, _, bound in found]
    epochs = [(epoch, bound) for _, epoch, bound in found]
    return hv.Layout([
        panel(epochs, 310, "epochs", sorted(PROGRAM.items())),
        panel(hours, 1.15 * hours[-1][0], "hours of one processor core", []),
    ])  # fmt: skip


def panel(curve: list, far: float, axis: str, program: list) -> hv.Overlay:
    """Return a curve with the figures of others."""
    layers = [
        hv.Curve([(0, PAPER), (far, PAPER)], label="Gregor et al. 2015: 80.97").opts(
            color=COLORS["paper"], line_dash="dashed", line_width=2
        ),
        hv.Curve(curve, label=f"labkit's {NAME}: {curve[-1][1]:.2f}").opts(color=COLORS["labkit"], line_width=3),
    ]
    if program:
        words = "jbornschein's program: " + ", ".join(f"{bound}" for _, bound in program)
        layers.append(hv.Scatter(program, label=words).opts(color=COLORS["program"], size=11, marker="square"))
    return hv.Overlay(layers).opts(
        xlim=(0, far), ylim=(LOWEST, HIGHEST), xlabel=axis, ylabel="test bound, nats", legend_position="top_right",
        title="",
    )  # fmt: skip


def about() -> dict[str, str]:
    """Return what the file says about itself, with the numbers of its curve."""
    numbers = ", ".join(f"{bound:.2f} after {epoch} epochs" for _, epoch, bound in rows())
    return {"Title": f"The test bound of {NAME} in nats", "Description": numbers}


def main(folder: Path) -> None:
    """Write the chart into a folder."""
    use_bokeh()
    save_png(Painter(chart(), SIZE, scale=2).frame(), folder / "bound.png", about())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent)

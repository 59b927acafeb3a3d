"""Pictures of the measurements, painted once into a file."""

from pathlib import Path
from typing import Any

import holoviews as hv
import numpy as np
import torch

from labkit.paint import paint, save_png
from labkit.views import density
from labkit.views.palette import DRIVE, PARTICLES, PAST, REPULSION, TARGET

SIZE = (1280, 760)
RANGE = (-14.0, 8.0)  # holds the mixture and the start of its particles


def snapshots_picture(states: list[Any], target: Any, path: Path) -> None:
    """Paint the densities of the particles and of the target, one panel for each state."""
    grid = np.linspace(*RANGE, 400)
    exact = target.log_prob(torch.from_numpy(grid)[:, None]).exp().numpy()
    panels = []
    for state in states:
        found = density.estimate(state.x[:, 0].numpy(), grid)
        layers = [
            hv.Curve((grid, exact), label="target").opts(color=TARGET, line_dash="dashed", line_width=2),
            hv.Curve((grid, found), label="particles").opts(color=PARTICLES, line_width=2),
        ]
        panels.append(
            hv.Overlay(layers).opts(
                title=f"step {state.t}", xlim=RANGE, ylim=(0, 0.45), xlabel="x", ylabel="density",
                show_legend=state.t == 0, legend_position="top_right",
            )
        )  # fmt: skip
    _save(hv.Layout(panels).cols(3), path)


def errors_picture(found: list[Any], path: Path) -> None:
    """Paint log10 mean squared errors by n: SVGD solid, independent draws dashed, one panel per expectation."""
    n = np.array([each.n for each in found], dtype=float)
    panels = []
    for i, name in enumerate(("E x", "E x²", "E cos(ωx + b)")):
        layers = [
            hv.Curve((n, [each.svgd[i] for each in found]), label="SVGD").opts(color=PARTICLES, line_width=2),
            hv.Curve((n, [each.draws[i] for each in found]), label="independent draws").opts(
                color=DRIVE, line_dash="dashed", line_width=2
            ),
        ]
        panels.append(
            hv.Overlay(layers).opts(
                title=name, xlim=(n[0], n[-1]), ylim=(-4.2, 0.6), logx=True, xlabel="n", ylabel="log10 MSE",
                show_legend=i == 0, legend_position="bottom_left",
            )
        )  # fmt: skip
    _save(hv.Layout(panels).cols(3), path, (1280, 480))


def uci_picture(rows: dict[str, dict[str, Any]], rerun: dict[str, tuple[float, float]], path: Path) -> None:
    """Paint RMSE and log-likelihood of each set, compared with the re-run of the original, with two standard errors."""
    names = [name for name in rows if name in rerun] or list(rows)
    ratios, gaps = [], []
    for name in names:
        row, (rmse, ll) = rows[name], rerun.get(name, (rows[name]["rmse"], rows[name]["ll"]))
        ratios.append((row["rmse"] / rmse, 2 * row["rmse_error"] / rmse))
        gaps.append((row["ll"] - ll, 2 * row["ll_error"]))
    titles = "RMSE / RMSE of the re-run (below 1: better)", "log-likelihood minus that of the re-run (above 0: better)"
    levels = 1.0, 0.0
    panels = [_dots(names, *each) for each in zip((ratios, gaps), levels, titles, strict=True)]
    _save(hv.Layout(panels).cols(1), path)


def _dots(names: list[str], pairs: list[tuple[float, float]], level: float, title: str) -> hv.Overlay:
    x = np.arange(len(names), dtype=float)
    y, reach = (np.nan_to_num(np.array(column)) for column in zip(*pairs, strict=True))
    low, high = min((y - reach).min(), level), max((y + reach).max(), level)
    room = 0.12 * (high - low) or 1.0
    layers = [
        hv.Curve(([-0.5, len(names) - 0.5], [level, level])).opts(color=TARGET, line_dash="dashed", line_width=1),
        hv.Segments((x, y - reach, x, y + reach)).opts(color=PAST, line_width=2),
        hv.Scatter((x, y)).opts(color=PARTICLES, size=9),
    ]
    layers += [hv.Text(float(i), high + 0.5 * room, name).opts(color=PAST) for i, name in enumerate(names)]
    return hv.Overlay(layers).opts(
        title=title, xlim=(-0.5, len(names) - 0.5), ylim=(low - room, high + room), xlabel="", ylabel="", xaxis=None,
        show_legend=False,
    )  # fmt: skip


def covertype_picture(found: list[dict[str, Any]], path: Path) -> None:
    """Paint accuracy and log-likelihood by step, one line per split, and the mean accuracy of converged fits."""
    steps = [point["step"] for point in found[0]["points"]]
    best = float(np.mean([each["converged"] for each in found]))
    panels = []
    for what, title in (("accuracy", "accuracy on held-out rows"), ("log_likelihood", "mean log-likelihood, nats")):
        values = np.array([[point[what] for point in each["points"]] for each in found])
        layers = [hv.Curve((steps, row)).opts(color=PARTICLES, line_width=1.5, alpha=0.6) for row in values]
        late = values[:, 1:] if len(steps) > 2 else values
        low, high = float(late.min()), float(late.max())
        if what == "accuracy":
            layers.append(
                hv.Curve(([0, steps[-1]], [best, best])).opts(color=REPULSION, line_dash="dashed", line_width=2)
            )
            low, high = min(low, best), max(high, best)
        room = 0.15 * (high - low) or 0.01
        panels.append(
            hv.Overlay(layers).opts(
                title=title, xlim=(0, steps[-1]), ylim=(low - room, high + room), xlabel="step", ylabel="",
                show_legend=False,
            )
        )  # fmt: skip
    _save(hv.Layout(panels).cols(2), path, (1280, 480))


def _save(picture: Any, path: Path, size: tuple[int, int] = SIZE) -> None:
    save_png(paint(picture, size=size), path)

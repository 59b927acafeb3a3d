"""The picture of a regression: networks as thin lines, their mean, two bands, and the points."""

import holoviews as hv
import numpy as np
import torch

from labkit.experiments.svgd.regression import Fitted, RegressionSettings, spread
from labkit.past import Past
from labkit.views.palette import CHOSEN, DRIVE, PARTICLES, PAST, REPULSION, TARGET
from labkit.views.stage import ABOVE
from labkit.views.svgd.ring import RING, ringed
from labkit.views.view import Columns, View
from labkit.words import counted

POINTS = 121
WIDTH = 2  # width of a band to each side, in standard deviations


class Bands(View):
    """The networks, with bands for their disagreement and for the noise."""

    leading = True

    def __init__(self, settings: RegressionSettings):
        self.box, self.n, self.original = settings.box, settings.n, settings.original
        self.grid = torch.linspace(*self.box[0], POINTS, dtype=torch.float64)
        self.truth = settings.made.curve(self.grid) * settings.unit
        self.is_known = not bool(self.truth.isnan().any())
        self.chosen: int | None = None  # the marked point, counted from the end

    @property
    def declaration(self) -> tuple:
        """What the picture depends on except the columns."""
        return self.box, self.n, self.original, self.truth.tolist() if self.is_known else None

    def picture(self, state: Fitted) -> hv.Overlay:
        columns, x = self.columns(state), self.grid.numpy()
        empty = ([x[0]], [0.0], [0.0])
        bands = [
            hv.Area(empty, "x", ["y", "y2"], label=name).opts(color=DRIVE, alpha=alpha, line_alpha=0)
            for name, alpha in (("model + noise", 0.25), ("model", 0.45))
        ]
        many = np.tile(np.append(x, np.nan), self.n)
        lines = [
            hv.Curve((many, columns["network"]["y"]), "x", "y", label="network").opts(
                color=PAST, line_width=1, alpha=0.6
            ),
            hv.Curve((x, columns["mean"]["y"]), "x", "y", label="mean").opts(color=PARTICLES, line_width=3),
        ]
        if self.is_known:
            lines += [
                hv.Curve((x, columns["truth"]["y"]), "x", "y", label="truth").opts(
                    color=TARGET, line_width=2, line_dash="dashed"
                )
            ]
        looks = {"training": (CHOSEN, "circle", 0.9), "held out": (CHOSEN, "circle", 0.0)}
        if self.original:
            looks["reserved"] = (REPULSION, "diamond", 0.9)
        points = [
            hv.Scatter((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
                color=color, marker=marker, fill_alpha=fill, line_width=2, size=7
            )
            for name, (color, marker, fill) in looks.items()
        ]
        ring = hv.Scatter(([], []), "x", "y", label="chosen").opts(**RING)
        return hv.Overlay([*bands, *lines, *points, ring]).opts(
            xlim=self.box[0], ylim=self.box[1], xlabel=f"x   (bands: ± {WIDTH} standard deviations)", ylabel="y",
            title="Predictions and uncertainty", **ABOVE | {"legend_cols": 3},  # seven names, also on a phone
        )  # fmt: skip

    def describe(self, state: Fitted, past: Past | None = None) -> str:
        held, used = state.held_out_rmse(), state.training_rmse()
        about = f"{counted(len(state.theta), 'network')} and {counted(len(state.rows.x), 'point')}"
        return f"{about}: error {used:.3g} in training and {held:.3g} on held-out points."

    def columns(self, state: Fitted, past: Past | None = None) -> Columns:
        """Return the moving arrays."""
        f = state.predict(self.grid)
        mean, model, total = (each.numpy(force=True) for each in spread(f, state.noise))
        x, y = state.rows.x.numpy(), state.rows.y.numpy()
        held, back = state.rows.held.numpy(), state.back.numpy()
        groups = {"training": ~(held | back), "held out": held}
        if self.original:
            groups["reserved"] = back
        return {
            "model + noise": self._outline(mean, total), "model": self._outline(mean, model),
            "network": {"y": torch.nn.functional.pad(f, (0, 1), value=torch.nan).flatten().numpy(force=True)},
            "mean": {"y": mean}, **({"truth": {"y": self.truth.numpy()}} if self.is_known else {}),
            **{name: {"x": x[chosen], "y": y[chosen]} for name, chosen in groups.items()},
            "chosen": ringed(x, y, self.chosen),
        }  # fmt: skip

    def _outline(self, mean: np.ndarray, deviation: np.ndarray) -> dict[str, np.ndarray]:
        """Return an area in Bokeh's format: along the bottom and back along the top."""
        x, low, high = self.grid.numpy(), mean - WIDTH * deviation, mean + WIDTH * deviation
        return {"x": np.concatenate([x, x[::-1]]), "y": np.concatenate([low, high[::-1]])}


class NoiseLevels(View):
    """The standard deviation of y around the line of each network."""

    automatic = wide = True

    def __init__(self, settings: RegressionSettings):
        self.original, self.true_noise = settings.original, settings.true_noise

    @property
    def declaration(self) -> tuple:
        return (self.original,)

    def picture(self, state: Fitted) -> hv.Overlay:
        columns = self.columns(state)
        looks = {"learned": (PARTICLES, "circle"), "overwritten": (REPULSION, "diamond")}
        dots = [
            hv.Scatter((columns[name]["x"], columns[name]["y"]), "x", "y", label=name).opts(
                color=color, marker=marker, size=7
            )
            for name, (color, marker) in looks.items()
            if name in columns
        ]
        made = hv.Curve((columns["true noise"]["x"], columns["true noise"]["y"]), "x", "y", label="true noise").opts(
            color=TARGET, line_dash="dashed", line_width=2
        )
        return hv.Overlay([*dots, made]).opts(
            title="Noise learned by each network",
            xlabel="network number",
            ylabel="σ, units of y",
            xlim=(0, 1),
            ylim=(0, 1),
            **ABOVE,
        )

    def describe(self, state: Fitted, past: Past | None = None) -> str:
        learned = state.learned
        about = f"{float(learned.mean()):.3g} on average, {float(learned.min()):.3g} to {float(learned.max()):.3g}"
        return f"Learned noise {about}; the true noise is {self.true_noise:.3g}."

    def columns(self, state: Fitted, past: Past | None = None) -> Columns:
        x = np.arange(1.0, len(state.theta) + 1)
        found = {"learned": {"x": x, "y": state.learned.numpy(force=True)}}
        if self.original:
            found["overwritten"] = {"x": x, "y": state.noise.numpy(force=True)}
        ends = np.array([0.0, len(x) + 1])
        return found | {"true noise": {"x": ends, "y": np.full(2, self.true_noise)}}

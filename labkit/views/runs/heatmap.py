"""The cost of every glimpse during training: epochs to the right, glimpses upwards."""

import holoviews as hv
import numpy as np
from bokeh.models import BasicTicker

from labkit.experiments.runs.state import RunState
from labkit.past import Past
from labkit.views.view import Columns, View

MAP = "cividis"  # brightness increases with the value, also for colour-blind readers
MOST = 400  # maximum number of columns in the image
PARTS = {"draw": ("glimpse", "glimpse t"), "vae": ("layer", "layer of latents")}  # name and axis label


class KLHeatmap(View):
    """KL by epoch and glimpse as an image with a colour bar; an epoch without an evaluation shows the next one."""

    automatic = True

    def __init__(self, state: RunState):
        self.top = rounded_up(float(np.nanmax(state.kl(), initial=0)))
        self.part, self.axis = PARTS.get(state.kind, PARTS["draw"])

    @property
    def declaration(self) -> tuple:
        """What the picture depends on: the scale of the colours changes when a KL exceeds it."""
        return self.top, self.part

    def picture(self, state: RunState) -> hv.Overlay:
        cells = self.columns(state)["kl"]
        (left,), (bottom,), (wide,), (high,) = (cells[name] for name in ("x", "y", "dw", "dh"))
        image = hv.Image(cells["image"][0][::-1], bounds=(left, bottom, left + wide, bottom + high), label="kl").opts(
            cmap=MAP, clim=(0, self.top), colorbar=True, colorbar_opts={"background_fill_alpha": 0}, clabel=" "
        )
        return hv.Overlay([image]).opts(
            title=f"KL of each {self.part}, nats", xlabel="epoch", ylabel=self.axis, show_legend=False,
            xticks=BasicTicker(min_interval=1), yticks=BasicTicker(min_interval=1),
        )  # fmt: skip

    def describe(self, state: RunState, past: Past | None = None) -> str:
        last = np.nan_to_num(state.kl()[-1])
        most = int(last.argmax())
        where = f"{self.part} {most + 1} has the largest, {last[most]:.2f} nats"
        return f"KL of {len(last)} {self.part}s at epoch {int(state.epochs['epoch'][-1])}: {where}."

    def columns(self, state: RunState, past: Past | None = None) -> Columns:
        cells, last = by_epoch(state.epochs["epoch"], state.kl()), float(state.epochs["epoch"][-1])
        return {"kl": {"image": [cells], "x": [0.5], "y": [0.5], "dw": [last], "dh": [float(len(cells))]}}


def by_epoch(epochs: np.ndarray, kl: np.ndarray) -> np.ndarray:
    """Return KL (evaluations, T) as an image float32 (T, columns), one epoch per column, or fewer, evenly spaced."""
    last = int(epochs[-1])
    asked = np.unique(np.linspace(1, last, min(last, MOST)).round())
    return kl[np.searchsorted(epochs, asked)].T.astype(np.float32)


def rounded_up(value: float) -> float:
    """Return the next larger 1, 2 or 5 times a power of ten."""
    if not value > 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(m * power for m in (1, 2, 5, 10) if m * power >= value * (1 - 1e-9)))

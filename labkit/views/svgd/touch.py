"""The hand: click a particle to choose it, drag particles and modes, double-click to add one."""

from typing import Any

import numpy as np
import torch
from bokeh.events import DoubleTap, Pan, PanEnd, PanStart, Tap

from labkit.views.svgd.beside import whole
from labkit.views.svgd.line import Line
from labkit.views.svgd.plane import Plane

NEAR = 0.025  # of the picture's width and height


class Touch:
    """Turns what the pointer does on a picture into edits of the run, which holds still while something is dragged."""

    def __init__(self, scene: Any):
        self.scene, self._dragged, self._played = scene, None, False

    def drawn(self, view: Any, figure: Any) -> None:
        """Listen to a figure, if it is one of particles."""
        side, main = whole(view)
        if not isinstance(main, Line | Plane):
            return
        figure.on_event(Tap, lambda e: self._tap(side, main, e))
        figure.on_event(DoubleTap, lambda e: self._add(side, main, e))
        figure.on_event(PanStart, lambda e: self._grab(side, main, e))
        figure.on_event(Pan, lambda e: self._drag(main, e))
        figure.on_event(PanEnd, lambda _: self._drop())

    # where something is

    def _state(self, side: str) -> Any:
        state = self.scene.live.run.frame.state
        return getattr(state, side, state)

    def _nearest(self, side: str, main: Any, event: Any) -> int | None:
        """The particle under the pointer."""
        x = self._state(side).x.numpy(force=True)
        if isinstance(main, Line):
            if event.y > 0.08 * main.top:
                return None
            apart = np.abs(x[:, 0] - event.x) / (main.box[1] - main.box[0])
        else:
            wide = np.array([high - low for low, high in main.box])
            apart = np.linalg.norm((x[:, :2] - [event.x, event.y]) / wide, axis=1)
        i = int(apart.argmin())
        return i if apart[i] < NEAR else None

    def _mode(self, main: Any, event: Any) -> int | None:
        """The mode whose handle is under the pointer."""
        if not isinstance(main, Line) or self.scene.experiment.target != "mixture":
            return None
        handles = main.handles()
        apart = np.hypot((handles[:, 0] - event.x) / (main.box[1] - main.box[0]), (handles[:, 1] - event.y) / main.top)
        i = int(apart.argmin())
        return i if apart[i] < 2 * NEAR else None

    # what the pointer does

    def _tap(self, side: str, main: Any, event: Any) -> None:
        if side == "left":
            self.scene.choose(self._nearest(side, main, event))

    def _grab(self, side: str, main: Any, event: Any) -> None:
        mode, particle = self._mode(main, event), self._nearest(side, main, event)
        if mode is None and particle is None:
            return
        self._dragged = ("mode", mode, side) if mode is not None else ("particle", particle, side)
        self._played = self.scene.live.run.frame.playing
        self.scene.live.pause()

    def _drag(self, main: Any, event: Any) -> None:
        if self._dragged is None:
            return
        kind, i, side = self._dragged
        if kind == "mode":
            move_mode(self.scene.experiment, i, event.x, event.y)
        else:
            place = (event.x,) if isinstance(main, Line) else (event.x, event.y)
            self.scene.move(side, lambda x: moved(x, i, place))

    def _drop(self) -> None:
        if self._dragged is not None and self._played:
            self.scene.live.play()
        self._dragged = None

    def _add(self, side: str, main: Any, event: Any) -> None:
        place = (event.x,) if isinstance(main, Line) else (event.x, event.y)
        self.scene.move(side, lambda x: added(x, place))


def moved(x: torch.Tensor, i: int, place: tuple[float, ...]) -> torch.Tensor:
    """x (n, d) with the first coordinates of particle i put elsewhere."""
    x = x.clone()
    if i < len(x):
        x[i, : len(place)] = torch.tensor(place, dtype=x.dtype, device=x.device)
    return x


def added(x: torch.Tensor, place: tuple[float, ...]) -> torch.Tensor:
    """x (n, d) and one particle more, at the mean in the coordinates that the place does not give."""
    return moved(torch.cat([x, x.mean(0, keepdim=True)]), len(x), place)


def move_mode(experiment: Any, i: int, x: float, height: float) -> None:
    """Put a mode's mean at x and let its weight follow its height; the other weights share the rest."""
    weights, peak = list(experiment.weights), 1 / (experiment.scale * (2 * np.pi) ** 0.5)
    weight = float(np.clip(height / peak, 0.02, 0.98)) if len(weights) > 1 else 1.0
    rest = sum(w for j, w in enumerate(weights) if j != i) or 1.0
    shared = [weight if j == i else w / rest * (1 - weight) for j, w in enumerate(weights)]
    means = [float(x) if j == i else m for j, m in enumerate(experiment.means)]
    experiment.param.update(means=means, weights=shared)

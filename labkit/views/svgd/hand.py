"""Particles and modes on a picture, as pointer and keyboard edit them: choose, move, add and remove one."""

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import torch

from labkit.experiments.svgd.particles import modes_of
from labkit.views.svgd.beside import part
from labkit.views.svgd.line import Line
from labkit.views.svgd.plane import Plane
from labkit.views.things import Place, Thing, Things, Told, then

NEAR = 0.025  # fraction of the picture's width and height
ON_THE_LINE = 0.08  # fraction of the height of a line's picture; below it, the pointer selects particles
MODE, PARTICLE = "mode", "particle"
Key = tuple[str, int]  # one of the two above, and an index


class Particles(Things):
    """The particles of one side of a `ParticlesScene`, and the modes of its density."""

    noun = "particle or mode"

    def __init__(self, scene: Any, side: str, main: Line | Plane):
        self.scene, self.side, self.main = scene, side, main
        self.hold = scene.live
        self.box = (main.box, (-0.06 * main.top, main.top)) if isinstance(main, Line) else main.box

    @property
    def _run(self) -> Any:
        """The settings of the run."""
        return self.scene.settings.run

    def _particles(self) -> np.ndarray:
        """Return the places of the particles, (n, 2)."""
        x = part(self.scene.live.run.frame.state, self.side).x.numpy(force=True)
        return np.column_stack([x, np.zeros(len(x))]) if isinstance(self.main, Line) else x[:, :2]

    def _modes(self) -> np.ndarray:
        """Return the handles of the density, (m, 2), if they can be moved."""
        movable = isinstance(self.main, Line) and modes_of(self._run.target)
        return self.main.handles() if movable else np.zeros((0, 2))

    def listed(self) -> list[Thing]:
        if self.scene.live.run.frame.state is None:
            return []
        return [
            Thing((kind, int(i)), kind, tuple(at[i].tolist()))
            for kind, at in ((MODE, self._modes()), (PARTICLE, self._particles()))
            for i in np.argsort(at[:, 0], kind="stable")
        ]

    def particle(self, x: float, y: float) -> Key | None:
        """Return the particle at a place, None if there is none."""
        if isinstance(self.main, Line):
            if y > ON_THE_LINE * self.main.top:
                return None
            y = 0.0
        i = self.at(self._particles(), x, y, NEAR)
        return None if i is None else (PARTICLE, i)

    def nearest(self, x: float, y: float) -> Key | None:
        i = self.at(self._modes(), x, y, 2 * NEAR)
        return self.particle(x, y) if i is None else (MODE, i)

    @property
    def chosen(self) -> Key | None:
        side, key = self.scene.chosen
        return key if side == self.side else None

    def choose(self, key: Hashable) -> None:
        self.scene.choose(key, self.side)

    def move(self, key: Any, to: Callable[[Place], Place], told: Told) -> None:
        kind, i = key
        if kind == PARTICLE:
            self._edit(lambda x: moved(x, i, self._coordinates(to(self._place(x[i])))) if i < len(x) else x, i, told)
        elif i < len(self._modes()):
            self._run.move_handle(i, *to(tuple(self._modes()[i].tolist())))
            told(key, tuple(self._modes()[i].tolist()))

    def add(self, place: Place, like: Any, told: Told) -> None:
        if like is None or like[0] == PARTICLE:
            self._edit(lambda x: added(x, self._coordinates(place)), None, told)
            return
        self._run.add_mode(place[0])
        at = self._modes()
        told((MODE, len(at) - 1), tuple(at[-1].tolist()))

    def remove(self, key: Any, done: Callable[[], None]) -> None:
        kind, i = key
        if kind == PARTICLE:
            settings, side = self.scene.settings, self.side
            self.scene.live.run.edit(then(lambda state: settings.without(state, side, i), lambda _: done()))
            return
        if len(self._modes()) == 1:
            self.scene.live.fail("the last mode cannot be removed; add another one first")
            return
        self._run.remove_mode(i)
        done()

    def words(self, key: Any, place: Place) -> str:
        if isinstance(self.main, Line):
            return f"x {place[0]:.3g}" + (f", height {place[1]:.2g}" if key[0] == MODE else "")
        return ", ".join(f"{name} {at:.3g}" for name, at in zip(self.main.target.labels, place, strict=False))

    def _edit(self, change: Callable[[torch.Tensor], torch.Tensor], i: int | None, told: Told) -> None:
        """Change the particles, then tell the place of particle i, None for the newest."""
        settings, side = self.scene.settings, self.side

        def tell(state: Any) -> None:
            x = part(state, side).x
            at = len(x) - 1 if i is None else i
            if at < len(x):
                told((PARTICLE, at), self._place(x[at]))

        self.scene.live.run.edit(then(lambda state: settings.moved(state, side, change), tell))

    def _place(self, x: torch.Tensor) -> Place:
        """Return the place of a particle (d,) on the picture; on a line its height is 0."""
        first, second = (*x[:2].tolist(), 0.0)[:2]
        return first, second

    def _coordinates(self, place: Place) -> tuple[float, ...]:
        """Return the coordinates of a particle at a place of the picture."""
        return place[:1] if isinstance(self.main, Line) else place


def moved(x: torch.Tensor, i: int, place: tuple[float, ...]) -> torch.Tensor:
    """Return x (n, d) with the first coordinates of particle i changed."""
    x = x.clone()
    if i < len(x):
        x[i, : len(place)] = torch.tensor(place, dtype=x.dtype, device=x.device)
    return x


def added(x: torch.Tensor, place: tuple[float, ...]) -> torch.Tensor:
    """Return x (n, d) with one more particle; coordinates that the place does not give are at the mean."""
    return moved(torch.cat([x, x.mean(0, keepdim=True)]), len(x), place)

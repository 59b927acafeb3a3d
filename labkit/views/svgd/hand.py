"""What the pointer does to particles: click one to choose it, drag particles and modes, double-click to add one."""

from typing import Any

import numpy as np
import torch

from labkit.experiments.svgd.particles import modes_of
from labkit.views.pointer import Pointer
from labkit.views.svgd.beside import part
from labkit.views.svgd.line import Line
from labkit.views.svgd.plane import Plane

NEAR = 0.025  # fraction of the picture's width and height
ON_THE_LINE = 0.08  # fraction of the height of a line's picture; below it, the pointer selects particles


def pointer(scene: Any, side: str, main: Line | Plane) -> Pointer:
    """Return the pointer for the picture of one side of a `ParticlesScene`; the run pauses during a drag."""
    settings, live = scene.settings, scene.live

    def particle(x: float, y: float) -> int | None:
        state = live.run.frame.state
        return nearest(main, part(state, side).x.numpy(force=True), x, y)

    def under(x: float, y: float) -> tuple[str, int] | None:
        mode = handle(main, x, y) if modes_of(settings.run.target) else None
        found = ("mode", mode) if mode is not None else ("particle", particle(x, y))
        return None if found[1] is None else found

    def edit(change: Any) -> None:
        live.run.edit(lambda state: settings.moved(state, side, change))

    def drag(thing: tuple[str, int], x: float, y: float) -> None:
        kind, i = thing
        if kind == "mode":
            settings.run.move_handle(i, x, y)
        else:
            edit(lambda particles: moved(particles, i, place(main, x, y)))

    def choose(x: float, y: float) -> None:
        if side == "left":
            scene.choose(particle(x, y))

    add = lambda x, y: edit(lambda particles: added(particles, place(main, x, y)))  # noqa: E731
    return Pointer(under, drag, add, choose=choose, hold=live)


def place(main: Line | Plane, x: float, y: float) -> tuple[float, ...]:
    """Return the coordinates of a particle at a place of the picture."""
    return (x,) if isinstance(main, Line) else (x, y)


def nearest(main: Line | Plane, particles: np.ndarray, x: float, y: float) -> int | None:
    """Return the particle (n, d) at a place of the picture, None if there is none."""
    if isinstance(main, Line):
        if y > ON_THE_LINE * main.top:
            return None
        apart = np.abs(particles[:, 0] - x) / (main.box[1] - main.box[0])
    else:
        wide = np.array([high - low for low, high in main.box])
        apart = np.linalg.norm((particles[:, :2] - [x, y]) / wide, axis=1)
    i = int(apart.argmin())
    return i if apart[i] < NEAR else None


def handle(main: Line | Plane, x: float, y: float) -> int | None:
    """Return the handle of the density at a place of the picture, None if there is none."""
    handles = main.handles() if isinstance(main, Line) else np.zeros((0, 2))
    if not len(handles):
        return None
    apart = np.hypot((handles[:, 0] - x) / (main.box[1] - main.box[0]), (handles[:, 1] - y) / main.top)
    i = int(apart.argmin())
    return i if apart[i] < 2 * NEAR else None


def moved(x: torch.Tensor, i: int, place: tuple[float, ...]) -> torch.Tensor:
    """Return x (n, d) with the first coordinates of particle i changed."""
    x = x.clone()
    if i < len(x):
        x[i, : len(place)] = torch.tensor(place, dtype=x.dtype, device=x.device)
    return x


def added(x: torch.Tensor, place: tuple[float, ...]) -> torch.Tensor:
    """Return x (n, d) with one more particle; coordinates that the place does not give are at the mean."""
    return moved(torch.cat([x, x.mean(0, keepdim=True)]), len(x), place)

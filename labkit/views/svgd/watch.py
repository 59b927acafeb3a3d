"""A live view of a user's own target and particles, in a notebook or on a page."""

import torch

from labkit import svgd
from labkit.experiments.svgd import numbers
from labkit.experiments.svgd.watched import WatchedRun
from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.checks import Particles
from labkit.svgd.optimizers import Optimizer
from labkit.targets.base import Range
from labkit.targets.scores import Scored
from labkit.views import notebook
from labkit.views.live import Live
from labkit.views.svgd.curves import Curves
from labkit.views.svgd.line import Line
from labkit.views.svgd.plane import Plane


def watch(
    target: Scored,
    x0: Particles | svgd.State,
    *,
    kernel: svgd.Kernel | str = "rbf",
    bandwidth: Bandwidth = "median",
    optimizer: Optimizer | str = "adagrad",
    generator: torch.Generator | None = None,
    box: Range | None = None,
    speed: int = 60,
    play: bool | None = None,
) -> Live:
    """Return a live view of SVGD on your own target and particles: the particles, and curves of what is known.

        svgd.watch(target, x0)                              # the last line of a cell
        svgd.watch(target, x0).save("run.gif", steps=300)   # in a program

    In one dimension it shows densities, in more the first two coordinates. Of a score alone, a picture on a line has
    the density that belongs to it, and a picture of the plane has no contour lines.

    Args:
        target: as in `svgd.flow`: a target, its name, a distribution or a score.
        x0: particles (n, d): a tensor, an array or a data frame. Or a state, from which the run continues.
        kernel, bandwidth, optimizer, generator: as in `svgd.flow`. *Rewind to the start* also resets the generator.
        box: one pair (low, high) per dimension for the axes; by default they hold the target and x0.
        speed: maximum number of steps per second.
        play: whether to start immediately; default only on a page.

    Raises:
        TypeError, ValueError: as `svgd.flow`; or x0 has several runs, or box has another number of pairs.
    """
    run = WatchedRun(target, x0, box=box, kernel=kernel, bandwidth=bandwidth, optimizer=optimizer, generator=generator)
    notebook.ready()
    density, ranges = run.density(), run.box or ()
    main = Line(run.density, ranges[0]) if density.dim == 1 else Plane(density, ranges, n=len(run.particles()))
    shown = [main, *map(Curves, numbers.of_run(run)), Curves(numbers.bandwidth())]
    return Live(run.start, run.step, shown, speed=speed, play=play, status=numbers.status)

"""The run itself, under a progress bar that Ctrl-C ends early, and the files that are made of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.cli import interrupts
from labkit.cli.console import bar, tracked

LOOK = 0.1  # seconds between two looks at the run
MANY = 3000  # particles, from which more threads than one pay


def play(experiment: Any, steps: int, curves: list) -> tuple[Any, float]:
    """Take the steps; answer the past of the run and the seconds it took.

    Args:
        curves: whose numbers fill the table of the past.

    Raises:
        ValueError: settings that do not go together, or a score that is not finite any more.
    """
    from labkit.engine import Past
    from labkit.experiments.svgd.particles import SNAPSHOTS
    from labkit.views.svgd import RUNS_KSD

    def record(state: Any) -> dict[str, float]:
        return {name: number for curve in curves for name, number in curve.record(state).items()}

    past = Past(record, pins=SNAPSHOTS)
    began, looked = time.perf_counter(), 0.0
    words = f"{{task.fields[rate]}} steps/s  {RUNS_KSD} {{task.fields[ksd]}}"
    with bar(words) as progress, interrupts.first() as pressed, _quick_arithmetic(experiment.n):
        past.add(experiment.start())
        task = progress.add_task(experiment.target, total=steps, rate="-", ksd="-")
        for done, state in enumerate(_states(experiment, past.states[-1], steps, pressed), 1):
            past.add(state)
            now = time.perf_counter()
            if now - looked > LOOK or done == steps:
                looked, rate = now, f"{done / (now - began):,.0f}"
                progress.update(task, completed=done, rate=rate, ksd=f"{float(state.ksd):#.3g}")
    return past, time.perf_counter() - began


def _states(experiment: Any, state: Any, steps: int, pressed: list) -> Iterator[Any]:
    for _ in range(steps):
        if pressed:
            return
        try:
            state = experiment.step(state)
        except KeyboardInterrupt:
            return
        yield state


@contextmanager
def _quick_arithmetic(n: int) -> Iterator[None]:
    """One thread for few particles: more cost more than they bring, ten times more on a busy machine (measured)."""
    import torch

    torch.set_flush_denormal(True)  # far particles have subnormal kernels, twelve times slower
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if n < MANY else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def numbers(experiment: Any) -> list:
    """Curves as a page draws them: KSD under a fixed kernel, bandwidth, errors of the moments, accuracy."""
    from labkit import svgd
    from labkit.views import svgd as views

    target = experiment.density()
    length = float(svgd.median_bandwidth(experiment.particles()))
    curves = [views.Discrepancy(target.score, svgd.RBF(), length), views.bandwidth()]
    if target.covariance is not None:
        curves.append(views.moment_errors(experiment.density))
    if target.classifies:
        curves.append(views.accuracy(target))
    return curves


def write(views: list, past: Any, files: dict[str, Path], dark: bool) -> None:
    """Write the files that were asked for."""
    from labkit.views import save
    from labkit.views.svgd import RUNS_KSD, tables

    look = {"dark": dark, "status": lambda state: f"{RUNS_KSD} {float(state.ksd):#.3g}"}
    kinds = {
        "gif": lambda path: save.gif(views, past, path, track=tracked(path.name, len(save.thinned(past))), **look),
        "png": lambda path: save.png(views, past, -1, path, **look),
        "csv": lambda path: tables.save_csv(past.states[-1], path),
        "curves": lambda path: save.curves_csv(past, path),
    }
    for kind, path in files.items():
        kinds[kind](path)


def pictures(experiment: Any, curves: list, arrows: bool) -> list:
    """The particles on a line, or in the plane with the first curve beside them."""
    from labkit.views.svgd import Line, Plane

    target, box = experiment.density(), experiment.box()
    if target.dim == 1:
        return [Line(experiment.density, box[0])]
    plane = Plane(target, box, experiment.target)
    plane.arrows = arrows
    return [plane, curves[0]]

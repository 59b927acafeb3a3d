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


def play(experiment: Any, steps: int, followed: list) -> tuple[Any, float]:
    """Take the steps; answer the past of the run and the seconds it took.

    Args:
        followed: the numbers that fill the table of the past.

    Raises:
        ValueError: settings that do not go together, or a score that is not finite any more.
    """
    from labkit.engine import Past
    from labkit.experiments.svgd.numbers import RUNS_KSD
    from labkit.experiments.svgd.particles import SNAPSHOTS

    def record(state: Any) -> dict[str, float]:
        return {name: number for each in followed for name, number in each.record(state).items()}

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
    """Return the numbers that a page draws too: those that the target allows, and the bandwidth."""
    from labkit.experiments.svgd.numbers import bandwidth, of_run

    discrepancy, *others = of_run(experiment)
    return [discrepancy, bandwidth(), *others]


def write(views: list, past: Any, files: dict[str, Path], dark: bool) -> None:
    """Write the files that were asked for; tables need no display package."""
    from labkit.experiments.svgd import tables
    from labkit.paint.files import save_table

    kinds = {
        "gif": lambda path: _save_gif(views, past, path, dark),
        "png": lambda path: _save_png(views, past, path, dark),
        "csv": lambda path: save_table(*tables.particles(past.states[-1]), path),
        "curves": lambda path: save_table(*past.whole_table(), path),
    }
    for kind, path in files.items():
        kinds[kind](path)


def _save_gif(views: list, past: Any, path: Path, dark: bool) -> None:
    from labkit.views import save

    track = tracked(path.name, len(save.thinned(past)))
    save.gif(views, past, path, track=track, dark=dark, status=_status)


def _save_png(views: list, past: Any, path: Path, dark: bool) -> None:
    from labkit.views import save

    save.png(views, past, -1, path, dark=dark, status=_status)


def _status(state: Any) -> str:
    from labkit.experiments.svgd.numbers import RUNS_KSD

    return f"{RUNS_KSD} {float(state.ksd):#.3g}"


def pictures(experiment: Any, followed: list, arrows: bool) -> list:
    """Return the particles on a line, or in the plane with the first of the numbers beside them."""
    from labkit.views.svgd import Curves, Line, Plane

    target, box = experiment.density(), experiment.box()
    if target.dim == 1:
        return [Line(experiment.density, box[0])]
    plane = Plane(target, box, experiment.target)
    plane.arrows = arrows
    return [plane, Curves(followed[0])]

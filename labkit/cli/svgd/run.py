"""The run with its progress bar, which Ctrl-C ends early, and its files."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.cli import interrupts
from labkit.cli.console import bar, tracked

LOOK = 0.1  # seconds between two updates of the numbers next to the bar
TITLE = "SVGD: particles move to a density"  # title of the web page
MANY = 3000  # particles; from here on several threads are faster than one


def play(experiment: Any, steps: int, followed: list) -> tuple[Any, float]:
    """Take the steps; return the past of the run and its seconds.

    Args:
        followed: the numbers in the table of the past.

    Raises:
        ValueError: settings that exclude each other, or a score that is no longer finite.
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
    """Use one thread for few particles: more are slower, on a busy machine ten times (measured)."""
    import torch

    torch.set_flush_denormal(True)  # kernels of distant particles are subnormal numbers, which are twelve times slower
    threads = torch.get_num_threads()
    torch.set_num_threads(1 if n < MANY else threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def numbers(experiment: Any) -> list:
    """Return the numbers that a page also draws: those that the target allows, and the bandwidth."""
    from labkit.experiments.svgd.numbers import bandwidth, of_run

    discrepancy, *others = of_run(experiment)
    return [discrepancy, bandwidth(), *others]


def write(views: list, followed: list, past: Any, files: dict[str, Path], dark: bool) -> None:
    """Write the files; tables need no display package. A web page has all numbers as curves."""
    from labkit.experiments.svgd import tables
    from labkit.paint.files import save_table

    kinds = {
        "gif": lambda path: _save_gif(views, past, path, dark),
        "png": lambda path: _save_png(views, past, path, dark),
        "html": lambda path: _save_html(views, followed, past, path),
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


def _save_html(views: list, followed: list, past: Any, path: Path) -> None:
    from labkit import recordings
    from labkit.views.svgd import Curves

    track = tracked(path.name, recordings.count(past))
    shown = [views[0], *map(Curves, followed)]
    recordings.save_past(shown, past, path, title=TITLE, track=track, status=_status)


def _status(state: Any) -> str:
    from labkit.experiments.svgd.numbers import RUNS_KSD

    return f"{RUNS_KSD} {float(state.ksd):#.3g}"


def pictures(experiment: Any, followed: list, arrows: bool) -> list:
    """Return the particles on a line, or in the plane together with the first of the numbers."""
    from labkit.experiments.settings import title_of
    from labkit.views.svgd import Curves, Line, Plane

    target, box = experiment.density(), experiment.box()
    if target.dim == 1:
        return [Line(experiment.density, box[0])]
    plane = Plane(target, box, title_of(experiment, "target"), experiment.n)
    plane.arrows = arrows
    return [plane, Curves(followed[0])]

"""The result of a run as a table."""

from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from labkit.words import counted

COORDINATES = 4  # in the table, at most


def show(experiment: Any, past: Any, seconds: float, steps: int) -> None:
    """Print the table of the last state."""
    target, state = experiment.density(), past.states[-1]
    early = "" if state.t == steps else f" of {steps} (stopped early)"
    console, table = Console(highlight=False, soft_wrap=True), Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    table.add_column("particles", justify="right")
    table.add_column("exact", justify="right")
    for name, found, exact in rows(target, state):
        table.add_row(name, found, exact)
    size, length = counted(len(state.x), "particle"), counted(state.t, "step")
    console.print(f"{experiment.target}: {size}, {length}{early} in {seconds:.2f} s")
    console.print(table)


def rows(target: Any, state: Any) -> Iterator[tuple[str, str, str]]:
    """Yield a name, the number of the particles, and the exact number if it is known."""
    from labkit.experiments.svgd.numbers import RUNS_KSD

    yield RUNS_KSD, f"{float(state.ksd):.4g}", "0"
    if target.classifies:
        yield "test accuracy", f"{float(target.accuracy(state.x)):.1%}", ""
    else:
        yield from _moments(target, state.x.detach().cpu().double())
    yield "bandwidth h", f"{float(state.bandwidth.mean()):.4g}", ""


def _moments(target: Any, x: Any) -> Iterator[tuple[str, str, str]]:
    variance = None if target.covariance is None else target.covariance.diagonal()
    for what, found, exact in (
        ("mean", x.mean(0), target.mean),
        ("variance", x.var(0, correction=0), variance),
    ):
        for i, label in enumerate(target.labels[:COORDINATES]):
            yield f"{what} of {label}", f"{found[i]:.3f}", "" if exact is None else f"{exact[i]:.3f}"
    if target.dim > COORDINATES:
        yield f"and {target.dim - COORDINATES} more", "", ""

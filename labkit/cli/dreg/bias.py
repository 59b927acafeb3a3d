"""`labkit dreg bias`: test estimators for bias, one after the other, until every test is decided."""

from pathlib import Path
from typing import Any

from labkit.cli.errors import fail
from labkit.experiments import defaults

FILES = "bias.csv", "bias.png"
SAMPLES, REPLICATES = 64, defaults.REPLICATES  # by default


def check(replicates: int) -> None:
    """Fail if there are fewer replicates than one step needs."""
    from labkit.dreg.sequential import BLOCK

    if replicates < BLOCK:
        fail(f"--replicates of a test of bias must be at least {BLOCK}, got {replicates}")


def measured(names: list[str], dim: int, samples: int, level: float, replicates: int, seed: int) -> Any:
    """Return the tests, each with its verdict; Ctrl-C ends the current test and skips the others."""
    import torch

    from labkit.cli import interrupts
    from labkit.cli.console import bar
    from labkit.dreg import gaussian, sequential
    from labkit.experiments.dreg.bias import BiasSettings, BiasTests

    torch.set_num_threads(1)  # more threads are slower on small problems
    found: list = []
    settings = BiasSettings(dim=dim, distance=gaussian.DISTANCE, level=level, budget=replicates, k=samples, seed=seed)
    with bar("replicates") as progress, interrupts.first() as pressed:
        for name in names:
            task = progress.add_task(name, total=replicates)
            settings.estimator = name
            state = settings.start()
            while not (state.decided or pressed):
                state = settings.step(state)
                progress.update(task, completed=state.t * sequential.BLOCK)
            progress.remove_task(task)
            found.append(state)
            if pressed:
                break
    return BiasTests(found[0].toy, tuple(test for state in found for test in state.tests))


def show(state: Any) -> None:
    """Print a row for each estimator."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    first, toy = state.tests[0].state, state.toy
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("draws", "p", "|bias|", "interval", "exact", "sum: t"):
        table.add_column(name, justify="right", no_wrap=True)
    for test in state.tests:
        table.add_row(*_row(test))
    where = f"D = {toy.dim}, |m - a| = {toy.distance:.2f}, V = {toy.variance:.3f}, K = {first.k}"
    console.print(f"bias against the gradient of L: {where}, offsets that sum to 0")
    console.print(table)
    for test in state.tests:
        console.print(f"{test.name}: {test.verdict.why if test.verdict else 'stopped early'}")
    console.print(f"p is valid at any time; with probability {1 - first.level:.4g} the interval is right at all times")


def _row(test: Any) -> list[str]:
    state = test.state
    verdict = test.verdict.word if test.verdict else ""
    exact = "" if test.exact is None else f"{test.exact:.2g}"
    interval = f"{state.low:.2g} to {state.high:.2g}"
    measured = [f"{state.n:,}", f"{state.p:.2g}", f"{state.norm:.2g}", interval, exact]
    return [test.name, verdict, *measured, f"{state.scalar_t()[0].item():.2f}"]


def write(state: Any, folder: Path) -> list[Path]:
    """Write the table as CSV, and a picture of |bias| and evidence by replicates; return their paths."""
    from labkit.engine import Past
    from labkit.views import save
    from labkit.views.dreg import BiasInterval, Evidence, save_bias_csv

    csv, png = (folder / name for name in FILES)
    save_bias_csv(state, csv)
    budget = max(test.state.n for test in state.tests)
    views = [BiasInterval(budget), Evidence(budget, state.tests[0].state.level)]
    save.png(views, Past(None, [state], [state.t]), -1, png, size=(1280, 540))
    return [csv, png]

"""`labkit dreg bias`: estimators on trial, one after the other, until each is decided: a table and files."""

from pathlib import Path
from typing import Any

FILES = "bias.csv", "bias.png"
SAMPLES, REPLICATES = 64, 100_000  # where nothing is asked for
LEAST = 64  # replicates of one step


def measured(names: list[str], dim: int, samples: int, level: float, replicates: int, seed: int) -> Any:
    """The trials, each until its verdict; Ctrl-C ends the one that runs and leaves out the others."""
    import torch

    from labkit.cli import interrupts
    from labkit.cli.console import bar
    from labkit.dreg import gaussian, sequential
    from labkit.views.dreg import Court, Trials

    torch.set_num_threads(1)  # small problems: more cost more than they bring
    found: list = []
    court = Court(dim=dim, distance=gaussian.DISTANCE, level=level, budget=replicates)
    for name in ("k", "seed"):  # those of the page's controls do not hold here
        court.param[name].bounds = None
    with bar("replicates") as progress, interrupts.first() as pressed:
        for name in names:
            task = progress.add_task(name, total=replicates)
            court.param.update(estimator=name, k=samples, seed=seed)
            state = court.start()
            while not (state.decided or pressed):
                state = court.step(state)
                progress.update(task, completed=state.t * sequential.BLOCK)
            progress.remove_task(task)
            found.append(state)
            if pressed:
                break
    return Trials(found[0].toy, tuple(trial for state in found for trial in state.trials))


def show(state: Any) -> None:
    """Print a row for each estimator."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    first, toy = state.trials[0].state, state.toy
    console = Console(highlight=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in ("", "verdict"):
        table.add_column(name, no_wrap=True)
    for name in ("draws", "p", "|bias|", "interval", "exact", "sum: t"):
        table.add_column(name, justify="right", no_wrap=True)
    for trial in state.trials:
        table.add_row(*_row(trial))
    where = f"D = {toy.dim}, |m - a| = {toy.distance:.2f}, V = {toy.variance:.3f}, K = {first.k}"
    console.print(f"bias against the gradient of L: {where}, offsets that sum to 0")
    console.print(table)
    for trial in state.trials:
        console.print(f"{trial.name}: {trial.verdict.why if trial.verdict else 'stopped early'}")
    console.print(f"p holds at any look, the interval at every one, with {1 - first.level:.4g}")


def _row(trial: Any) -> list[str]:
    state = trial.state
    verdict = trial.verdict.word if trial.verdict else ""
    exact = "" if trial.exact is None else f"{trial.exact:.2g}"
    interval = f"{state.low:.2g} to {state.high:.2g}"
    measured = [f"{state.n:,}", f"{state.p:.2g}", f"{state.norm:.2g}", interval, exact]
    return [trial.name, verdict, *measured, f"{state.scalar_t()[0].item():.2f}"]


def write(state: Any, folder: Path) -> list[Path]:
    """Write the table as CSV, and |bias| and evidence against replicates as a picture; return their paths."""
    from labkit.engine import Past
    from labkit.views import save
    from labkit.views.dreg import Bias, Evidence, save_bias_csv

    csv, png = (folder / name for name in FILES)
    save_bias_csv(state, csv)
    budget = max(trial.state.n for trial in state.trials)
    views = [Bias(budget), Evidence(budget, state.trials[0].state.level)]
    save.png(views, Past(None, [state], [state.t]), -1, png, size=(1280, 540))
    return [csv, png]

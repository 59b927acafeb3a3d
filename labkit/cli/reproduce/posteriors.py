"""The tables of the real posteriors: UCI regression and Covertype."""

import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from labkit.cli import interrupts
from labkit.cli.errors import fail, unknown
from labkit.cli.svgd import report
from labkit.cli.svgd.run import bar


@dataclass(frozen=True)
class Asked:
    """What the command line says of the table."""

    sets: list[str]
    splits: int | None
    mode: str
    csv: Path | None
    target: str | None
    steps: int | None
    seed: int
    jobs: int
    device: str


def wide() -> Console:
    """A console with room for a table where nobody has set its width: a file, a pipe."""
    console = Console(highlight=False, soft_wrap=True)
    return console if console.is_terminal else Console(highlight=False, soft_wrap=True, width=120)


def uci_table(asked: Asked, out: Path) -> None:
    """All splits of all sets, from the store or anew; then table, CSV and picture of what there is."""
    from labkit.reproduce import uci
    from labkit.reproduce.store import Store
    from labkit.serving import devices

    settings = uci.Settings(asked.mode, seed=asked.seed)
    if asked.steps is not None:
        settings = replace(settings, steps=asked.steps)
    tables = _tables(asked)
    store, device = Store(out), devices.choose(asked.device)
    plan = {
        (name, k): {"what": "uci", "set": name, "split": k, "rows": len(table.y), **asdict(settings)}
        for name, table in tables.items()
        for k in range(min(asked.splits or 20, len(table.splits) or asked.splits or 20))
    }
    todo = [(name, k) for (name, k), of in plan.items() if store.find(of) is None]
    with bar("splits") as progress, interrupts.first() as pressed:
        task = progress.add_task("uci", total=len(plan), completed=len(plan) - len(todo))
        for key, score in _scores(todo, tables, settings, device, asked.jobs, pressed):
            store.add(plan[key], asdict(score))
            progress.advance(task)
    found = {key: uci.Score(**score) for key, of in plan.items() if (score := store.find(of)) is not None}
    _show(found, tables, settings, len(plan), out)
    if pressed and len(found) < len(plan):
        typer.echo(f"stopped at {len(found)} of {len(plan)} splits; the same command goes on", err=True)
        raise typer.Exit(130)


def _tables(asked: Asked) -> dict[str, Any]:
    from labkit import data
    from labkit.reproduce import uci

    if asked.csv is not None:
        if asked.sets:
            fail(f"--csv is a table of its own, got --sets {' '.join(asked.sets)} too; leave one out")
        return {asked.csv.stem: data.from_csv(asked.csv, asked.target)}
    names = [name.removeprefix("uci/") for each in asked.sets for name in each.split(",") if name] or list(uci.RERUN)
    for name in names:
        if name not in uci.RERUN:
            unknown("set", name, uci.RERUN)
    return {name: data.table(f"uci/{name}") for name in dict.fromkeys(names)}


def _scores(
    todo: list, tables: dict[str, Any], settings: Any, device: str, jobs: int, pressed: list
) -> Iterator[tuple[tuple[str, int], Any]]:
    """Each split's score as it comes, until Ctrl-C."""
    from labkit.reproduce import uci

    if jobs == 1:
        import torch

        torch.set_num_threads(1)  # small products: more threads cost more than they bring
        for name, k in todo:
            if pressed:
                return
            yield (name, k), uci.run(tables[name], k, settings, device)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _one_thread) as pool:
        running = {pool.submit(uci.run, tables[name], k, settings, device): (name, k) for name, k in todo}
        for future in as_completed(running):
            if pressed:
                pool.shutdown(cancel_futures=True)
                return
            yield running[future], future.result()


def _one_thread() -> None:
    import signal

    import torch

    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked for the splits decides


def _show(found: dict, tables: dict[str, Any], settings: Any, planned: int, out: Path) -> None:
    import csv

    from labkit.reproduce import uci

    names = [name for name in tables if any(key[0] == name for key in found)]
    rows = {name: uci.summary([score for key, score in found.items() if key[0] == name]) for name in names}
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("set", "splits", "RMSE", "re-run", "paper", "log-likelihood", "re-run", "paper", "seconds"):
        table.add_column(heading, justify="left" if heading == "set" else "right", no_wrap=True)
    for name, row in rows.items():
        ours = [f"{row[what]:.3f} ± {row[f'{what}_error']:.3f}" for what in ("rmse", "ll")]
        others = [[_number(of.get(name), i) for of in (uci.RERUN, uci.PUBLISHED)] for i in (0, 1)]
        seconds = f"{row['seconds']:.0f}"
        table.add_row(name, str(row["splits"]), ours[0], *others[0], ours[1], *others[1], seconds)
    console = wide()
    console.print(f"mode {settings.mode}, {settings.particles} particles, {settings.steps} steps, seed {settings.seed}")
    console.print(table)
    console.print("± one standard error over the splits; the paper's figures are quoted from memory")
    for origin in dict.fromkeys(tables[name].origin for name in names):
        which = ", ".join(name for name in names if tables[name].origin == origin)
        console.print(f"splits of {which}: {origin}")
    path = out / f"uci-{settings.mode}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["set", "split", "rmse", "log_likelihood", "seconds", "overwritten"])
        writer.writerows(
            [name, k, s.rmse, s.log_likelihood, s.seconds, s.overwritten] for (name, k), s in found.items()
        )
    report.wrote(path)
    if names:
        from labkit.views.reproduce import uci_picture

        picture = out / f"uci-{settings.mode}.png"
        uci_picture(rows, uci.RERUN, picture)
        report.wrote(picture)


def _number(pair: tuple[float, float] | None, i: int) -> str:
    return "" if pair is None else f"{pair[i]:.3f}"


def covertype_curve(splits: int, mode: str, steps: int | None, seed: int, out: Path) -> None:
    """Accuracy and log-likelihood along each split's run, beside a logistic regression fitted to its end."""
    import csv

    from labkit import data
    from labkit.reproduce import covertype
    from labkit.reproduce.store import Store

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said below, beside the figures
        table = data.table("covertype")
    steps, store, done = steps or covertype.STEPS, Store(out), {}
    with bar("splits") as progress, interrupts.first() as pressed:
        task = progress.add_task("covertype", total=splits)
        for k in range(splits):
            of = {"what": "covertype", "mode": mode, "seed": seed + k, "steps": steps, "rows": len(table.y)}
            found = store.find(of)
            if found is None:
                if pressed:
                    break
                posterior = covertype.target(table, mode, seed + k)
                points = [asdict(point) for point in covertype.run(posterior, mode, seed + k, steps)]
                found = {"points": points, "converged": covertype.converged(posterior)}
                store.add(of, found)
            done[seed + k] = found
            progress.advance(task)
    if not done:
        raise typer.Exit(130)
    shown = Table(box=box.SIMPLE_HEAD)
    for heading in ("split", "accuracy", "converged", "difference", "log-likelihood"):
        shown.add_column(heading, justify="right")
    for k, found in done.items():
        last = found["points"][-1]
        gap = last["accuracy"] - found["converged"]
        cells = f"{last['accuracy']:.4f}", f"{found['converged']:.4f}", f"{gap:+.4f}", f"{last['log_likelihood']:.4f}"
        shown.add_row(str(k), *cells)
    ends = [found["points"][-1]["accuracy"] for found in done.values()]
    best = [found["converged"] for found in done.values()]
    means = sum(ends) / len(ends), sum(best) / len(best)
    shown.add_section()
    shown.add_row("mean", f"{means[0]:.4f}", f"{means[1]:.4f}", f"{means[0] - means[1]:+.4f}", "")
    console = wide()
    rows = table.note or f"{len(table.y):,} rows"
    console.print(f"mode {mode}: {rows}, one fifth held out; {covertype.PARTICLES} particles, {steps} steps")
    console.print(shown)
    path = out / f"covertype-{mode}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["split", "step", "accuracy", "log_likelihood"])
        for k, found in done.items():
            writer.writerows([k, p["step"], p["accuracy"], p["log_likelihood"]] for p in found["points"])
    report.wrote(path)
    from labkit.views.reproduce import covertype_picture

    picture = out / f"covertype-{mode}.png"
    covertype_picture(list(done.values()), picture)
    report.wrote(picture)

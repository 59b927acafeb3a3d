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
from rich.table import Table

from labkit.cli import interrupts
from labkit.cli.console import bar, wide, wrote
from labkit.cli.errors import fail, unknown


@dataclass(frozen=True)
class Asked:
    """The options for the table."""

    sets: list[str]
    splits: int
    mode: str
    csv: Path | None
    target: str | None
    steps: int | None
    seed: int
    jobs: int
    device: str


def uci_table(asked: Asked, out: Path) -> None:
    """Measure all splits of all sets that are not in the store; then make table, CSV and picture."""
    from labkit.reproduce import uci
    from labkit.reproduce.store import Store
    from labkit.serving import devices

    settings = uci.UCISettings(asked.mode, seed=asked.seed)
    if asked.steps is not None:
        settings = replace(settings, steps=asked.steps)
    tables = _tables(asked)
    store, device = Store(out), devices.choose(asked.device)
    plan = {
        (name, k): {"what": "uci", "set": name, "split": k, "rows": len(table.y), **asdict(settings)}
        for name, table in tables.items()
        for k in range(min(asked.splits, len(table.splits) or asked.splits))
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
        typer.echo(f"stopped at {len(found)} of {len(plan)} splits; the same command continues", err=True)
        raise typer.Exit(130)


def _tables(asked: Asked) -> dict[str, Any]:
    from labkit import data
    from labkit.reproduce import uci

    if asked.csv is not None:
        if asked.sets:
            fail(f"--csv and --sets {' '.join(asked.sets)} exclude each other; leave one out")
        return {asked.csv.stem: data.from_csv(asked.csv, asked.target)}
    names = [name.removeprefix("uci/") for each in asked.sets for name in each.split(",") if name] or list(uci.RERUN)
    for name in names:
        if name not in uci.RERUN:
            unknown("set", name, uci.RERUN)
    return {name: data.table(f"uci/{name}") for name in dict.fromkeys(names)}


def _scores(
    todo: list, tables: dict[str, Any], settings: Any, device: str, jobs: int, pressed: list
) -> Iterator[tuple[tuple[str, int], Any]]:
    """Yield the score of each split when it is ready, until Ctrl-C."""
    from labkit.reproduce import uci

    if jobs == 1:
        import torch

        torch.set_num_threads(1)  # more threads are slower on small products
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process decides when to stop


def _show(found: dict, tables: dict[str, Any], settings: Any, planned: int, out: Path) -> None:
    """Write the splits as CSV and the sets as a picture; print the table."""
    from labkit.reproduce import uci

    names = [name for name in tables if any(key[0] == name for key in found)]
    rows = {name: uci.summary([score for key, score in found.items() if key[0] == name]) for name in names}
    written = _write(names, rows, found, settings.mode, out)  # before the table: a failing output loses no file
    console = wide()
    console.print(f"mode {settings.mode}, {settings.particles} particles, {settings.steps} steps, seed {settings.seed}")
    console.print(_uci_table(rows))
    console.print("± one standard error over the splits; the figures of the paper are quoted from memory")
    for origin in dict.fromkeys(tables[name].origin for name in names):
        which = ", ".join(name for name in names if tables[name].origin == origin)
        console.print(f"splits of {which}: {origin}")
    wrote(*written)


def _write(names: list[str], rows: dict[str, Any], found: dict, mode: str, out: Path) -> list[Path]:
    """Write the splits as CSV and the sets as a picture; return their paths."""
    from labkit.cli.reproduce.pictures import uci_picture
    from labkit.paint.files import save_table
    from labkit.reproduce import uci

    path, picture = out / f"uci-{mode}.csv", out / f"uci-{mode}.png"
    header = ["set", "split", "rmse", "log_likelihood", "seconds", "overwritten"]
    save_table(header, ([name, k, *(getattr(s, each) for each in header[2:])] for (name, k), s in found.items()), path)
    if not names:
        return [path]
    uci_picture(rows, uci.RERUN, picture)
    return [path, picture]


def _uci_table(rows: dict[str, dict[str, Any]]) -> Table:
    """Return the table of every set, compared with the re-run and the paper."""
    from labkit.reproduce import uci

    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("set", "splits", "RMSE", "re-run", "paper", "log-likelihood", "re-run", "paper", "seconds"):
        table.add_column(heading, justify="left" if heading == "set" else "right", no_wrap=True)
    for name, row in rows.items():
        ours = [f"{row[what]:.3f} ± {row[f'{what}_error']:.3f}" for what in ("rmse", "ll")]
        others = [[_number(of.get(name), i) for of in (uci.RERUN, uci.PUBLISHED)] for i in (0, 1)]
        seconds = f"{row['seconds']:.0f}"
        table.add_row(name, str(row["splits"]), ours[0], *others[0], ours[1], *others[1], seconds)
    return table


def _number(pair: tuple[float, float] | None, i: int) -> str:
    return "" if pair is None else f"{pair[i]:.3f}"


def covertype_curve(splits: int, mode: str, steps: int | None, seed: int, out: Path) -> None:
    """Show accuracy and log-likelihood of each split by step, compared with a converged logistic regression."""
    from labkit import data
    from labkit.cli.reproduce.pictures import covertype_picture
    from labkit.paint.files import save_table
    from labkit.reproduce import covertype

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # printed below, next to the figures
        table = data.table("covertype")
    steps = steps or covertype.STEPS
    done = _covertype_runs(table, splits, mode, steps, seed, out)
    if not done:
        raise typer.Exit(130)
    path, header = out / f"covertype-{mode}.csv", ["step", "accuracy", "log_likelihood"]
    points = ([k, *(p[each] for each in header)] for k, found in done.items() for p in found["points"])
    save_table(["split", *header], points, path)
    picture = out / f"covertype-{mode}.png"
    covertype_picture(list(done.values()), picture)
    console = wide()
    rows = table.note or f"{len(table.y):,} rows"
    console.print(f"mode {mode}: {rows}, one fifth held out; {covertype.PARTICLES} particles, {steps} steps")
    console.print(_covertype_table(done))
    wrote(path, picture)


def _covertype_runs(table: Any, splits: int, mode: str, steps: int, seed: int, out: Path) -> dict[int, dict]:
    """Return the measurements of each split: stored ones, and new ones unless Ctrl-C stops them."""
    from labkit.reproduce import covertype
    from labkit.reproduce.store import Store

    store = Store(out)
    plan = {
        k: {"what": "covertype", "mode": mode, "seed": k, "steps": steps, "rows": len(table.y)}
        for k in range(seed, seed + splits)
    }
    todo = [k for k, of in plan.items() if store.find(of) is None]
    posteriors = [covertype.target(table, mode, k) for k in todo]
    with bar("measurements") as progress, interrupts.first() as pressed:
        task = progress.add_task("covertype", total=(2 + (steps - 1) // covertype.EVERY) if todo else 0)
        points = []
        for found in covertype.run(posteriors, mode, todo, steps) if todo else ():
            points.append(found)
            progress.advance(task)
            if pressed:
                break
        for k, posterior, own in zip(todo, posteriors, zip(*points, strict=True), strict=True) if not pressed else ():
            store.add(plan[k], {"points": [asdict(p) for p in own], "converged": covertype.converged(posterior)})
    return {k: found for k, of in plan.items() if (found := store.find(of)) is not None}


def _covertype_table(done: dict[int, dict]) -> Table:
    """Return a table of the last numbers of each split, and their mean."""
    shown = Table(box=box.SIMPLE_HEAD)
    for heading in ("split", "accuracy", "converged", "difference", "log-likelihood"):
        shown.add_column(heading, justify="right")
    ends = {str(k): (found["points"][-1], found["converged"]) for k, found in done.items()}
    for k, (last, best) in ends.items():
        shown.add_row(k, *_four(last["accuracy"], best), f"{last['log_likelihood']:.4f}")
    shown.add_section()
    accuracy = sum(last["accuracy"] for last, _ in ends.values()) / len(ends)
    shown.add_row("mean", *_four(accuracy, sum(best for _, best in ends.values()) / len(ends)), "")
    return shown


def _four(accuracy: float, best: float) -> tuple[str, str, str]:
    return f"{accuracy:.4f}", f"{best:.4f}", f"{accuracy - best:+.4f}"

"""`labkit dreg variance`: estimators on the Gaussian model as a table, and as files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import check_writable, fail, unknown

BATCHES = 20  # at least, of the replicates: intervals come from their spread
FILES = "variance.csv", "variance.png"

_WHAT = typer.Argument(metavar="WHAT", help="variance: of every estimator against the number of samples K.")
_ESTIMATORS = typer.Option(metavar="NAME,NAME,...", help="By comma; a wrong name lists them.")
_DIMENSIONS = typer.Option(metavar="D", help="Of z and of x.", min=1, max=50)
_SAMPLES = typer.Option(metavar="K", help="The largest K; the others are the powers of 2 below it.", min=1, max=1 << 14)
_REPLICATES = typer.Option(metavar="N", help="Draws that it is measured on, about.", min=2 * BATCHES)
_SEED = typer.Option(metavar="N", help="The same seed gives the same numbers.", min=0)
_OUT = typer.Option(metavar="FOLDER", help=f"Write {' and '.join(FILES)} there; made if it is not there.")


def command(
    what: Annotated[str, _WHAT] = "variance",
    estimators: Annotated[str, _ESTIMATORS] = "iwae,stl,dreg,rws-dreg",
    dimensions: Annotated[int, _DIMENSIONS] = 20,
    samples: Annotated[int, _SAMPLES] = 1024,
    replicates: Annotated[int, _REPLICATES] = 2000,
    seed: Annotated[int, _SEED] = 0,
    out: Annotated[Path | None, _OUT] = None,
) -> None:
    """Measure gradient estimators on a Gaussian model whose answers are exact: a table, and files."""
    if what != "variance":
        unknown("measurement", what, ["variance"])
    from labkit.dreg import ESTIMATORS

    names = list(dict.fromkeys(name for name in estimators.replace(" ", "").split(",") if name))
    for name in names:
        if name not in ESTIMATORS:
            unknown("estimator", name, ESTIMATORS)
    if not names:
        fail(f"--estimators wants at least one of {', '.join(ESTIMATORS)}, got none")
    try:
        if out:
            out.mkdir(parents=True, exist_ok=True)
            for file in FILES:
                check_writable("--out", out / file)
        measured = _measured(names, dimensions, _sizes(samples), replicates, seed)
        _show(measured)
        if out:
            _write(measured, out)
    except (ValueError, OSError) as error:
        fail(error)


def _sizes(samples: int) -> tuple[int, ...]:
    """1, 2, 4, ... and the largest."""
    return (*(1 << i for i in range((samples - 1).bit_length())), samples)


def _measured(names: list[str], dim: int, sizes: tuple[int, ...], replicates: int, seed: int) -> Any:
    """The laboratory after about so many replicates, at least so many, in equal batches."""
    import torch

    from labkit.cli import interrupts
    from labkit.cli.svgd import run
    from labkit.views.dreg import Laboratory, batch_size

    torch.set_num_threads(1)  # small problems: more cost more than they bring
    batch = min(batch_size(len(names), dim, sizes[-1]), replicates // BATCHES)
    laboratory = Laboratory(sizes, batch, estimators=names, dim=dim)
    laboratory.param.seed.bounds = None
    laboratory.seed = seed
    count = -(-replicates // batch)
    with run.bar("batches") as progress, interrupts.first() as pressed:
        task = progress.add_task("variance", total=count, completed=1)
        measured = laboratory.start()
        for _ in range(count - 1):
            if pressed and measured.batches.n > 1:
                break
            measured = laboratory.step(measured)
            progress.advance(task)
    return measured


def _show(measured: Any) -> None:
    """Print the variances, a row for each K, and their slopes."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    values, (low, high) = measured.values("variance"), measured.interval("variance")
    console, table = Console(highlight=False, soft_wrap=True), Table(box=box.SIMPLE_HEAD)
    for name in ("K", *measured.estimators):
        table.add_column(name, justify="right", no_wrap=True)
    for j, k in enumerate(measured.sizes):
        table.add_row(str(k), *(_cell(values[i, j], high[i, j] - low[i, j]) for i in range(len(values))))
    slopes = [f"{rate:.2f}" if rate == rate else "" for rate in measured.slopes("variance")]
    table.add_section()
    table.add_row("slope", *slopes)
    toy = measured.toy
    where = f"D = {toy.dim}, |m - a| = {toy.distance:.2f}, V = {toy.variance:.3f}"
    console.print(f"variance of the gradient, a mean over coordinates: {where}; {measured.total.n:,} replicates")
    console.print(table)


def _cell(value: Any, width: Any) -> str:
    """A variance with half the width of its 95 % interval, in percent."""
    if value == 0 or value != value:
        return "0" if value == 0 else "-"
    return f"{value:.3g} ± {50 * width / value:.0f}%"


def _write(measured: Any, folder: Path) -> None:
    from labkit.cli.svgd import report
    from labkit.engine import Past
    from labkit.views import save
    from labkit.views.dreg import Laboratory, Law, save_csv

    csv, png = (folder / name for name in FILES)
    save_csv(measured, csv)
    report.wrote(csv)
    past = Past(None, [measured], [measured.t])
    save.png([Law(Laboratory())], past, -1, png, status=lambda state: f"{state.total.n:,} replicates")
    report.wrote(png)

"""`labkit reproduce`: make the figures and tables of the original SVGD program and its paper again."""

from pathlib import Path
from typing import Annotated

import typer

from labkit.cli.errors import check_folder, fail, unknown

ALL = {
    "gmm": "the 1-D mixture: particles after 0, 50, 75, 100, 150 and 500 steps (figure 1), one picture and a GIF",
    "gmm-mse": "error of three expectations by n, for SVGD and independent draws (figure 2)",
    "mvn": "the 2-D normal of the original: its mean is right, its variances are too small",
    "covertype": "Bayesian logistic regression: accuracy and log-likelihood by step (figure 3)",
    "uci": "Bayesian neural networks on nine regression sets: RMSE and log-likelihood (table 1)",
}
UCI_SPLITS, CURVES = 20, 5  # by default

_WHAT = typer.Argument(metavar="[WHAT]", help=f"{', '.join(ALL)}; more names after it are sets of uci.")
_SETS = typer.Option("--sets", metavar="NAME ...", help="uci: boston, yacht, ...; by default all nine.")
_SPLITS = typer.Option(
    metavar="N",
    help="uci, covertype: number of splits.",
    min=1,
    show_default=f"{UCI_SPLITS} for uci, {CURVES} for covertype",
)
_MODE = typer.Option(metavar="NAME", help="uci, covertype: original (its arithmetic) or default (errors fixed).")
_CSV = typer.Option(
    "--csv", metavar="FILE", help="uci: your own table; its first line has the names of the columns.", exists=False
)
_TARGET = typer.Option(metavar="COLUMN", help="The column of --csv to predict.")
_STEPS = typer.Option(metavar="N", help="Steps of a run.", min=1, show_default="as in the original")
_SEED = typer.Option(metavar="N", help="The same seed gives the same numbers.", min=0)
_JOBS = typer.Option(metavar="N", help="uci: number of processes, one per split.", min=1)
_DEVICE = typer.Option(metavar="WHAT", help="uci: cpu or cuda.")
_OUT = typer.Option(metavar="FOLDER", help="Folder for results, CSV and pictures.")
_LIST = typer.Option("--list", help="List every figure and table.")


def command(
    what: Annotated[list[str] | None, _WHAT] = None,
    sets: Annotated[list[str] | None, _SETS] = None,
    splits: Annotated[int | None, _SPLITS] = None,
    mode: Annotated[str, _MODE] = "original",
    csv: Annotated[Path | None, _CSV] = None,
    target: Annotated[str | None, _TARGET] = None,
    steps: Annotated[int | None, _STEPS] = None,
    seed: Annotated[int, _SEED] = 0,
    jobs: Annotated[int, _JOBS] = 1,
    device: Annotated[str, _DEVICE] = "cpu",
    out: Annotated[Path, _OUT] = Path("reproduced"),
    listed: Annotated[bool, _LIST] = False,
) -> None:
    """Make a figure or a table of the original program again; an interrupted table continues where it stopped."""
    if listed or not what:
        for name, words in ALL.items():
            typer.echo(f"{name:10} {words}")
        return
    if what[0] not in ALL:
        unknown("figure or table", what[0], ALL)
    named = [*(sets or []), *what[1:]]
    if named and what[0] != "uci":
        fail(f"--sets {' '.join(named)}: only labkit reproduce uci has sets, not {what[0]}; leave it out")
    if (csv is None) != (target is None):
        fail("--csv needs --target, the column to predict, and --target needs --csv; give both")
    from labkit.cli.reproduce import posteriors, toys
    from labkit.reproduce.uci import MODES

    if mode not in MODES:
        unknown("mode", mode, MODES)

    check_folder("--out", out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        if what[0] == "uci":
            asked = posteriors.Asked(named, splits or UCI_SPLITS, mode, csv, target, steps, seed, jobs, device)
            posteriors.uci_table(asked, out)
        elif what[0] == "covertype":
            posteriors.covertype_curve(splits or CURVES, mode, steps, seed, out)
        else:
            {"gmm": toys.gmm, "gmm-mse": toys.gmm_mse, "mvn": toys.mvn}[what[0]](seed, out)
    except (ValueError, OSError) as error:
        fail(error)

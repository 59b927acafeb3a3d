"""`labkit dreg`: estimators measured, a module a measurement, each with its table and files."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from labkit.cli import console
from labkit.cli.dreg import bias, race, variance
from labkit.cli.errors import check_folder, check_writable, fail, unknown
from labkit.experiments.dreg import defaults, limits

MEASUREMENTS = {"variance": variance, "bias": bias, "race": race}
_OF = {
    "dimensions": ("variance", "bias"),
    "replicates": ("variance", "bias"),
    "level": ("bias",),
    "gif": ("variance",),
    **dict.fromkeys(("data", "steps", "batch", "lr"), ("race",)),
}  # options that not every measurement has

_WHAT = typer.Argument(
    metavar="WHAT",
    help="variance: of every estimator against the number of samples K. bias: a test of each at one K, until decided. "
    "race: networks that train side by side on images.",
)
_ESTIMATORS = typer.Option(
    metavar="NAME,NAME,...",
    help="By comma: {estimators}. race: NAME@K sets its K, NAME=ALPHA the alpha of an estimator like dreg-alpha.",
)
_DIMENSIONS = typer.Option(metavar="D", help="Of z and of x.", min=limits.DIMENSIONS[0], max=limits.DIMENSIONS[1])
_SAMPLES = typer.Option(
    "--samples",
    "-K",
    metavar="K",
    help="variance: the largest K, beside the powers of 2 below it. bias, race: K.",
    min=limits.SAMPLES[0],
    max=limits.SAMPLES[1],
    show_default=f"{variance.SAMPLES}, bias {bias.SAMPLES}, race {race.SAMPLES}",
)
_REPLICATES = typer.Option(
    metavar="N",
    help="variance: draws that it is measured on, about. bias: most that may be spent on one estimator.",
    min=2 * variance.BATCHES,
    show_default=f"{variance.REPLICATES}, bias {bias.REPLICATES}",
)
_LEVEL = typer.Option(metavar="X", help="bias: chance of a false alarm at any look; intervals hold with the rest.")
_DATA = typer.Option(metavar="NAME", help="digits comes with labkit; labkit data lists all.", rich_help_panel="Race")
_STEPS = typer.Option(metavar="N", help="Of Adam, in every lane.", min=1, rich_help_panel="Race")
_BATCH = typer.Option(metavar="N", help="Training images a step.", min=limits.BATCH[0], rich_help_panel="Race")
_LR = typer.Option(metavar="X", help="Adam's learning rate.", min=limits.LEARNING_RATE[0], rich_help_panel="Race")
_SEED = typer.Option(metavar="N", help="The same seed gives the same numbers.", min=0)
_OUT = typer.Option(metavar="FOLDER", help="Write WHAT.csv and WHAT.png there; made if it is not there.")

_GIF = typer.Option("--gif", help="variance: write variance.gif to the folder of --out too, an animation.")


def command(
    what: Annotated[str, _WHAT] = "variance",
    estimators: Annotated[str, _ESTIMATORS] = ",".join(defaults.ESTIMATORS),
    dimensions: Annotated[int, _DIMENSIONS] = defaults.DIMENSIONS,
    samples: Annotated[int | None, _SAMPLES] = None,
    replicates: Annotated[int | None, _REPLICATES] = None,
    level: Annotated[float, _LEVEL] = defaults.LEVEL,
    data: Annotated[str, _DATA] = "digits",
    steps: Annotated[int, _STEPS] = race.STEPS,
    batch: Annotated[int, _BATCH] = defaults.BATCH,
    lr: Annotated[float, _LR] = defaults.LEARNING_RATE,
    seed: Annotated[int, _SEED] = 0,
    out: Annotated[Path | None, _OUT] = None,
    gif: Annotated[bool, _GIF] = False,
) -> None:
    """Measure gradient estimators on a Gaussian model whose answers are exact, or race them: a table, and files."""
    given = dict(locals())
    if what not in MEASUREMENTS:
        unknown("measurement", what, MEASUREMENTS)
    for option, kinds in _OF.items():
        if what not in kinds and given[option] != inspect.signature(command).parameters[option].default:
            fail(f"--{option} is of labkit dreg {' and '.join(kinds)}, got labkit dreg {what}; leave it out")
    if gif and not out:
        fail("--gif needs a folder; add --out FOLDER")
    low, high = limits.LEVEL
    if not low < level < high:
        fail(f"--level wants a number between {low:g} and {high:g}, got {level:g}; {defaults.LEVEL:g} is usual")
    if what == "bias" and replicates is not None:
        bias.check(replicates)
    kind = MEASUREMENTS[what]
    names, samples = _names(estimators, race.name if kind is race else str), samples or kind.SAMPLES
    try:
        if out:
            check_folder("--out", out)
            out.mkdir(parents=True, exist_ok=True)
            for file in (*kind.FILES, *([variance.ANIMATION] if gif else [])):
                check_writable("--out", out / file)
        if kind is bias:
            measured = bias.measured(names, dimensions, samples, level, replicates or bias.REPLICATES, seed)
        elif kind is race:
            measured = race.measured(names, data, samples, steps, batch, lr, seed)
        else:
            sizes = variance.sizes(samples)
            measured = variance.measured(names, dimensions, sizes, replicates or variance.REPLICATES, seed)
        also = {"gif": True} if gif else {}
        # before the table: nothing is lost if the terminal takes no more output
        wrote = kind.write(measured, out, **also) if out else []
        kind.show(measured)
        console.wrote(*wrote)
    except (ValueError, OSError) as error:
        fail(error)


def _names(estimators: str, name: Callable[[str], str]) -> list[str]:
    """Those asked for, each once; name: word -> the estimator in it."""
    from labkit.dreg import ESTIMATORS

    words = list(dict.fromkeys(word for word in estimators.replace(" ", "").split(",") if word))
    for word in words:
        if name(word) not in ESTIMATORS:
            unknown("estimator", name(word), ESTIMATORS)
    return words or fail(f"--estimators wants at least one of {', '.join(ESTIMATORS)}, got none")

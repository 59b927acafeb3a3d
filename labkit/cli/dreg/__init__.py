"""`labkit dreg`: measure gradient estimators; every kind of measurement has its own module."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from labkit.cli import console
from labkit.cli.dreg import bias, race, variance
from labkit.cli.errors import check_folder, check_writable, fail, unknown
from labkit.experiments import defaults, limits

MEASUREMENTS = {"variance": variance, "bias": bias, "race": race}
_OF = {
    "dimensions": ("variance", "bias"),
    "replicates": ("variance", "bias"),
    "level": ("bias",),
    "gif": ("variance",),
    "html": ("variance",),
    **dict.fromkeys(("data", "steps", "batch", "lr"), ("race",)),
}  # options of only some measurements

_WHAT = typer.Argument(
    metavar="WHAT",
    help="variance: the variance of every estimator by the number of samples K. bias: a test of every estimator at "
    "one K. race: networks that train side by side on images.",
)
_ESTIMATORS = typer.Option(
    metavar="NAME,NAME,...",
    help="Names with commas: {estimators}. race: NAME@K sets its K, dreg-alpha=ALPHA its alpha.",
)
_DIMENSIONS = typer.Option(
    metavar="D", help="Dimensions of z and of x.", min=limits.DIMENSIONS[0], max=limits.DIMENSIONS[1]
)
_SAMPLES = typer.Option(
    "--samples",
    "-K",
    metavar="K",
    help="variance: the largest K, after all smaller powers of 2. bias, race: K.",
    min=limits.SAMPLES[0],
    max=limits.SAMPLES[1],
    show_default=f"{variance.SAMPLES} for variance, {bias.SAMPLES} for bias, {race.SAMPLES} for race",
)
_REPLICATES = typer.Option(
    metavar="N",
    help="variance: number of replicates, rounded up to full batches. bias: the most per estimator.",
    min=2 * variance.BATCHES,
    show_default=f"{variance.REPLICATES} for variance, {bias.REPLICATES} for bias",
)
_LEVEL = typer.Option(metavar="X", help="bias: probability of a false alarm; the intervals hold with 1 minus this.")
_DATA = typer.Option(
    metavar="NAME", help="Data set: digits comes with labkit; labkit data lists all.", rich_help_panel="Race"
)
_STEPS = typer.Option(metavar="N", help="Steps of Adam in every lane.", min=1, rich_help_panel="Race")
_BATCH = typer.Option(metavar="N", help="Training images per step.", min=limits.BATCH[0], rich_help_panel="Race")
_LR = typer.Option(metavar="X", help="Learning rate of Adam.", min=limits.LEARNING_RATE[0], rich_help_panel="Race")
_SEED = typer.Option(metavar="N", help="The same seed gives the same numbers.", min=0)
_OUT = typer.Option(metavar="FOLDER", help="Write WHAT.csv and WHAT.png into this folder; it is created if needed.")

_GIF = typer.Option("--gif", help="variance: also write an animation, variance.gif.")
_HTML = typer.Option("--html", help="variance: also write a web page that plays, variance.html.")


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
    html: Annotated[bool, _HTML] = False,
) -> None:
    """Measure gradient estimators on a Gaussian model with exact results, or race them on images."""
    given = dict(locals())
    if what not in MEASUREMENTS:
        unknown("measurement", what, MEASUREMENTS)
    for option, kinds in _OF.items():
        if what not in kinds and given[option] != inspect.signature(command).parameters[option].default:
            fail(f"--{option}: only labkit dreg {' or '.join(kinds)} has this option; leave it out here")
    also = {kind: True for kind in variance.ALSO if given[kind]}
    for kind in also:
        if not out:
            fail(f"--{kind} needs a folder; add --out FOLDER")
    low, high = limits.LEVEL
    if not low < level < high:
        fail(f"--level must be between {low:g} and {high:g}, got {level:g}; {defaults.LEVEL:g} is usual")
    if what == "bias" and replicates is not None:
        bias.check(replicates)
    kind = MEASUREMENTS[what]
    names, samples = _names(estimators, race.name if kind is race else str), samples or kind.SAMPLES
    try:
        if out:
            check_folder("--out", out)
            out.mkdir(parents=True, exist_ok=True)
            for file in (*kind.FILES, *map(variance.ALSO.get, also)):
                check_writable("--out", out / file)
        if kind is bias:
            measured = bias.measured(names, dimensions, samples, level, replicates or bias.REPLICATES, seed)
        elif kind is race:
            measured = race.measured(names, data, samples, steps, batch, lr, seed)
        else:
            sizes = variance.sizes(samples)
            measured = variance.measured(names, dimensions, sizes, replicates or variance.REPLICATES, seed)
        wrote = kind.write(measured, out, **also) if out else []  # before the table: a failing output loses no file
        kind.show(measured)
        console.wrote(*wrote)
    except (ValueError, OSError) as error:
        fail(error)


def _names(estimators: str, name: Callable[[str], str]) -> list[str]:
    """Return the words of the estimators, each once; `name` gives the estimator of a word."""
    from labkit.dreg import ESTIMATORS

    words = list(dict.fromkeys(word for word in estimators.replace(" ", "").split(",") if word))
    for word in words:
        if name(word) not in ESTIMATORS:
            unknown("estimator", name(word), ESTIMATORS)
    return words or fail(f"--estimators needs at least one of {', '.join(ESTIMATORS)}, got none")

"""`labkit svgd`: a run without a browser, with a progress bar, a table of the result, and files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli import console
from labkit.cli.errors import fail
from labkit.cli.svgd import asked, report, run
from labkit.experiments import defaults, limits


def _in(group: str, form: str | None, text: str, *names: str, **rest: Any) -> Any:
    return typer.Option(*names, help=text, metavar=form, rich_help_panel=group, **rest)


_TARGET = _in("Target", "NAME", "Density p(x): {targets}.")
_PARAM = _in(
    "Target", "NAME=VALUE", "Parameter of the target; may be repeated. A list has commas: means=-2,2", "--param"
)
_FORMULA = _in(
    "Target", "TEXT", "Log-density up to a constant, as a formula in x, or in x and y: '-(x**2 - 4)**2 / 8 - y**2 / 2'."
)
_START = _in("Particles", "NAME", "Distribution of the first particles: {starts}.")
_MEAN = _in("Particles", "X", "Mean of a normal start, in units of x.", show_default="depends on the target")
_SCALE = _in(
    "Particles", "X", "Standard deviation of a normal start, in units of x.", show_default="depends on the target"
)
_SEED = _in("Particles", "N", "The same seed gives the same run.", min=0)
_KERNEL = _in("Method", "NAME", "Kernel k(x, x'): {kernels}.")
_BANDWIDTH = _in("Method", "NAME|H", "A rule, {rules}, or a fixed length h in units of x.")
_STEP = _in("Method", "X", "Step size; for adagrad and adam in units of x.")
_TEMPER = _in("Method", "NAME", f"Weaken the score in the first {defaults.TEMPERED} steps: {{tempers}}.")
_HTML = _in("Files", "FILE", "The run as a web page that plays in any browser, also offline, .html.")
_CURVES = _in("Files", "FILE", "KSD with a fixed kernel, errors and bandwidth by step, .csv.")


def command(
    target: Annotated[str, _TARGET] = defaults.TARGET,
    parameters: Annotated[list[str] | None, _PARAM] = None,
    formula: Annotated[str | None, _FORMULA] = None,
    particles: Annotated[int, _in("Particles", "N", "Number of particles, n.", min=limits.PARTICLES[0])] = 200,
    start: Annotated[str, _START] = defaults.START,
    start_mean: Annotated[float | None, _MEAN] = None,
    start_scale: Annotated[float | None, _SCALE] = None,
    seed: Annotated[int, _SEED] = 0,
    steps: Annotated[int, _in("Method", "N", "Number of steps; Ctrl-C ends the run early.", min=0)] = 500,
    kernel: Annotated[str, _KERNEL] = defaults.KERNEL,
    bandwidth: Annotated[str, _BANDWIDTH] = defaults.RULE,
    optimizer: Annotated[str, _in("Method", "NAME", "Optimiser: {optimizers}.")] = defaults.OPTIMIZER,
    step_size: Annotated[float, _STEP] = defaults.STEP_SIZE,
    temper: Annotated[str, _TEMPER] = defaults.TEMPER,
    device: Annotated[str, _in("Method", "NAME", "auto, cpu or cuda.")] = "auto",
    gif: Annotated[Path | None, _in("Files", "FILE", "The run as an animation, .gif.")] = None,
    png: Annotated[Path | None, _in("Files", "FILE", "The last state as a picture, .png.")] = None,
    html: Annotated[Path | None, _HTML] = None,
    csv: Annotated[Path | None, _in("Files", "FILE", "The last particles, .csv.")] = None,
    curves: Annotated[Path | None, _CURVES] = None,
    arrows: Annotated[
        bool, _in("Files", None, "Draw arrows for drive and repulsion (in two dimensions).", "--arrows")
    ] = False,
    dark: Annotated[bool, _in("Files", None, "Give pictures a dark background.", "--dark")] = False,
) -> None:
    """Run SVGD without a browser: print a table of the result, and write the files that you choose."""
    every = {"gif": gif, "png": png, "html": html, "csv": csv, "curves": curves}
    files = {kind: path for kind, path in every.items() if path}
    asked.check_paths(files)
    if formula is not None:
        if target not in (defaults.TARGET, "formula"):
            fail(f"--formula is a target, and --target {target} is another; leave one of them out")
        target = "formula"
    settings = {"target": target, "n": particles, "begin": start, "seed": seed, "kernel": kernel, "temper": temper}
    settings |= {"optimizer": optimizer, "step_size": step_size, **asked.bandwidth(bandwidth)}
    more = {"begin_mean": start_mean, "begin_scale": start_scale, "formula": formula}
    settings |= {k: v for k, v in more.items() if v is not None}
    try:
        experiment = asked.experiment(settings, parameters or [], device)
        followed = run.numbers(experiment) if files.keys() - {"csv"} else []
        past, seconds = run.play(experiment, steps, followed)
        views = run.pictures(experiment, followed, arrows) if files.keys() & {"gif", "png", "html"} else []
        run.write(views, followed, past, files, dark)  # before the table: a failing output loses no file
        report.show(experiment, past, seconds, steps)
        console.wrote(*files.values())
    except (ValueError, OSError) as error:
        fail(error)

"""`labkit svgd`: a run without a browser, with a progress bar, a table of its end, and files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import fail
from labkit.cli.svgd import asked, report, run


def _option(group: str, text: str, *names: str, **rest: Any) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=group, **rest)


def command(
    target: Annotated[
        str, _option("Target", "Density p(x): mixture, banana, logistic, ...", metavar="NAME")
    ] = "mixture",
    parameters: Annotated[
        list[str] | None,
        _option(
            "Target",
            "A number of the target, again for each; a list by comma: means=-2,2",
            "--param",
            metavar="NAME=VALUE",
        ),
    ] = None,
    particles: Annotated[int, _option("Particles", "How many, n.", metavar="N", min=1)] = 200,
    start: Annotated[
        str, _option("Particles", "Law of the first ones: normal, uniform or target.", metavar="NAME")
    ] = "normal",
    start_mean: Annotated[
        float | None,
        _option(
            "Particles", "Mean of a normal start, in units of x.", metavar="X", show_default="-10 for mixture, else 0"
        ),
    ] = None,
    start_scale: Annotated[
        float | None,
        _option(
            "Particles",
            "Deviation of a normal start, in units of x.",
            metavar="X",
            show_default="0.1 for logistic, else 1",
        ),
    ] = None,
    seed: Annotated[
        int, _option("Particles", "The same seed gives the same run.", metavar="N", min=0, max=2**63 - 1)
    ] = 0,
    steps: Annotated[int, _option("Method", "How many; Ctrl-C ends the run early.", metavar="N", min=0)] = 500,
    kernel: Annotated[
        str, _option("Method", "rbf, imq, matern32, linear, sum, per-dimension or preconditioned.", metavar="NAME")
    ] = "rbf",
    bandwidth: Annotated[
        str,
        _option("Method", "Rule at every step (median, paper, ...), or a length h in units of x.", metavar="NAME|H"),
    ] = "median",
    optimizer: Annotated[str, _option("Method", "adagrad, adam or plain.", metavar="NAME")] = "adagrad",
    step_size: Annotated[float, _option("Method", "Step size; for adagrad and adam in units of x.", metavar="X")] = 0.1,
    temper: Annotated[
        str, _option("Method", "Weaken the score at first: none, linear or cyclical.", metavar="NAME")
    ] = "none",
    device: Annotated[str, _option("Method", "auto, cpu or cuda.", metavar="NAME")] = "auto",
    gif: Annotated[Path | None, _option("Files", "The run as an animation, .gif.", metavar="FILE")] = None,
    png: Annotated[Path | None, _option("Files", "The last state as a picture, .png.", metavar="FILE")] = None,
    csv: Annotated[Path | None, _option("Files", "The last particles, .csv.", metavar="FILE")] = None,
    curves: Annotated[
        Path | None, _option("Files", "KSD, errors and bandwidth against the step, .csv.", metavar="FILE")
    ] = None,
    arrows: Annotated[bool, _option("Files", "Draw drive and repulsion (in the plane).", "--arrows")] = False,
    dark: Annotated[bool, _option("Files", "Pictures on dark paper.", "--dark")] = False,
) -> None:
    """Run SVGD without a browser: a progress bar, a table of how it ended, and the files you ask for."""
    files = {k: path for k, path in {"gif": gif, "png": png, "csv": csv, "curves": curves}.items() if path}
    asked.check_paths(files)
    settings = {"target": target, "n": particles, "begin": start, "seed": seed, "kernel": kernel, "temper": temper}
    settings |= {"optimizer": optimizer, "step_size": step_size, **asked.bandwidth(bandwidth)}
    settings["begin_mean"] = start_mean if start_mean is not None else -10.0 if target == "mixture" else 0.0
    settings["begin_scale"] = start_scale if start_scale is not None else 0.1 if target == "logistic" else 1.0
    try:
        experiment = asked.experiment(settings, parameters or [], device)
        past, seconds = run.play(experiment, steps, recorded="curves" in files)
        report.show(experiment, past, seconds, steps)
        for path in run.write(experiment, past, files, arrows, dark):
            report.wrote(path)
    except (ValueError, OSError) as error:
        fail(error)

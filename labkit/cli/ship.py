"""`labkit ship`: add the network of a run, with a card, to the networks that come with labkit."""

import csv
import json
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import check_folder, fail

DTYPES = "float32", "bfloat16"
MOVED = 0.05  # nats: the largest change of the test bound that rounding to bfloat16 may cause
LARGEST = 4_000_000  # bytes of a file
ROOMS = {"draw": "draw", "vae": "dreg"}  # the package with the presets of each kind

_LIKELIHOOD = """| log-likelihood | -log p(x) is {value:.2f} ± {error:.2f} nats, and {gap:.2f} ± {gap_error:.2f} nats \
below the bound with one sample of z; ± is the standard error. {samples:,} importance samples for each \
of {images:,} test images, evenly spaced: `{command}` |
"""
_CARD = """# {name}

| | |
|---|---|
| network | {kind}, {config} |
| data | {data}, binarisation {binarisation} |
| command | `{command}` |
| steps, seed | {step}, {seed} |
| test bound | {bound:.2f} nats ({parts}), {images:,} images, {samples} of z per image |
{likelihood}| weights | {dtype}, exponential moving average of training; {moved} |
| training time | {hours:.2g} h on {machine} |
"""


def command(
    run: Annotated[Path, typer.Argument(help="The folder of a finished run.")],
    name: Annotated[str, typer.Argument(help="Name of the network.")],
    into: Annotated[Path | None, typer.Option(help="Folder.", show_default="labkit/models")] = None,
    samples: Annotated[
        int, typer.Option(help="Importance samples per image, for log p(x) in the card; 0 skips it.", min=0)
    ] = 0,
    images: Annotated[int, typer.Option(help="Test images for log p(x).", min=2)] = 100,
) -> None:
    """Measure the network of a run in float32 and in bfloat16, and write its file, its card and its test bounds."""
    from labkit import atomic, models
    from labkit.cli import images as pictures
    from labkit.cli.evaluate import measure
    from labkit.training import read_config

    folder = into or models.HERE
    check_folder("--into", folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        about, settings = models.card(run), read_config(run)["settings"]
        if "images" in about:
            fail(f"{run} was trained on your own images, which no other user has; train on a data set")
        held = pictures.find(about["data"], about["binarisation"]).split("test")
        found = {dtype: measure(_rounded(run, dtype), held, 0, 100, 0, "cpu") for dtype in DTYPES}
        bounds = {dtype: each["bound"] for dtype, each in found.items()}
        moved = bounds["bfloat16"] - bounds["float32"]
        dtype = "bfloat16" if abs(moved) < MOVED else "float32"
        likelihood = ""
        if samples:  # the file will have these weights; products are as in training
            precision, every = "bf16" if settings["precision"] == "bf16" else "32", max(1, len(held[0]) // images)
            part = tuple(each[::every][:images] for each in held)
            estimated = measure(_rounded(run, dtype), part, samples, 100, 0, "cpu", precision)
            likelihood = _likelihood(name, estimated, len(part[0]), every, precision)
        card = _card(name, run, about, settings, found[dtype], dtype, moved, len(held[0]), likelihood)
        content = _packed(models.find(run), dtype, about | {"test_bound": str(bounds[dtype])})
        if len(content) > LARGEST:
            fail(
                f"{name}.safetensors has {len(content):,} bytes, at most {LARGEST:,} are allowed; bfloat16 changes its "
                f"bound by {moved:.3f}"
            )
        atomic.write(folder / f"{name}.safetensors", content)
        atomic.write(folder / f"{name}.md", card)
        atomic.write(folder / f"{name}.csv", curve(run, int(about["step"])))
    except (ValueError, OSError) as error:
        fail(error)
    typer.echo(card)


def _rounded(run: Path, dtype: str) -> Any:
    """Return the test task of a run's network with its weights rounded to a dtype."""
    import torch

    from labkit import models
    from labkit.cli.methods import METHODS

    about, module = models.card(run), models.load_checkpoint(run)
    for weights in module.state_dict().values():
        weights.copy_(weights.to(getattr(torch, dtype)))
    return METHODS[about["kind"]].test(module, about, about["binarisation"], about["data"])


def _card(
    name: str, run: Path, about: dict[str, str], settings: dict[str, Any], found: dict[str, Any], dtype: str,
    moved: float, images: int, likelihood: str,
) -> str:  # fmt: skip
    import torch

    return _CARD.format(
        name=name, config=_shape(about), data=about["data"], binarisation=about["binarisation"],
        command=_command(about, settings), step=_steps(run, int(about["step"])), seed=about["seed"],
        bound=found["bound"], parts=f"reconstruction Lx {found['lx']:.2f}, KL Lz {found['lz']:.2f}", images=images,
        dtype=dtype, likelihood=likelihood, kind=about["kind"].upper(),
        samples=f"{about['samples']} samples" if "samples" in about else "one sample",
        moved=f"bfloat16 changes the bound by {moved:+.3f} nats", hours=_seconds(run) / 3600,
        machine=f"a CPU ({platform.machine()}), torch {torch.__version__.split('+')[0]}",
    )  # fmt: skip


def _likelihood(name: str, found: dict[str, Any], images: int, every: int, precision: str) -> str:
    """Return the line of the card about log p(x), with the command that measures it again."""
    command = f"labkit evaluate {name} --samples {found['samples']} --images {images} --every {every}"
    return _LIKELIHOOD.format(
        value=-found["log_p"], error=found["log_p_error"], gap=found["gap"], gap_error=found["gap_error"],
        samples=found["samples"], images=images, command=command + (" --precision bf16" if precision == "bf16" else ""),
    )  # fmt: skip


def curve(run: Path, last: int) -> str:
    """Return the test bounds of a run up to a step as CSV: step, epoch, bound."""
    with (run / "epochs.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["step"]) <= last]
    lines = [f"{row['step']},{row['epoch']},{float(row['bound']):.2f}" for row in rows]
    return "\n".join(["step,epoch,bound", *lines, ""])


def _steps(run: Path, taken: int) -> str:
    """Return the number of steps; of a training that is not finished, also the planned number."""
    from labkit.experiments.runs import read

    planned = read(run).steps
    if planned is None or taken >= planned:
        return str(taken)
    return f"{taken:,} of {planned:,} planned (the training is not finished)"


def _packed(source: Path, dtype: str, about: dict[str, str]) -> bytes:
    """Return the file of the network with its weights rounded to dtype."""
    import torch
    from safetensors.torch import load_file, save

    return save({name: each.to(getattr(torch, dtype)).contiguous() for name, each in load_file(source).items()}, about)


def _shape(about: dict[str, str]) -> str:
    given = json.loads(about["config"]).items()
    return ", ".join(f"{key} {value}" for key, value in given if value not in ("", False))


def _command(about: dict[str, str], settings: dict[str, Any]) -> str:
    """Return the command that repeats the run: its start, and every setting that is not the default.

    It starts from the preset of its network, or from the weights of another run.
    """
    from importlib import import_module

    from labkit.cli.methods import plan
    from labkit.training import Settings

    room = import_module(f"labkit.{ROOMS[about['kind']]}")
    config = room.Config(**json.loads(about["config"]))
    preset = next((name for name, each in room.PRESETS.items() if each == config), "?")
    start = f"--weights {about['weights']}" if "weights" in about else f"--preset {preset}"
    preset = None if "weights" in about else preset
    usual, length = plan(about["kind"], preset, {}), "steps" if settings["steps"] else "epochs"
    if any(settings[name] != usual[name] for name in ("steps", length)):
        usual = plan(about["kind"], preset, {length: None})  # the command has to name the length of the run
    plain = asdict(Settings()) | usual
    names = {"batch_size": "batch"}
    of_vae = {name: about[name] for name in ("estimator", "samples", "alpha") if name in about}
    left = {"devices", "epochs"} if settings["steps"] else {"devices"}
    changed = {key: value for key, value in settings.items() if value not in (None, plain[key]) and key not in left}
    rest = [f"--{names.get(key, key).replace('_', '-')} {value}" for key, value in (of_vae | changed).items()]
    return " ".join([f"labkit train {about['kind']} --data {about['data']} {start}", *rest])


def _seconds(run: Path) -> float:
    with (run / "metrics.csv").open(newline="") as file:
        *_, last = csv.reader(file)
    return float(last[-1])

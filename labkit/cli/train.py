"""`labkit train`: a method's network on a data set, under a progress bar; what was stopped can go on."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.cli.errors import fail, unknown

METHODS = ("draw",)
BINARIZE = ("stochastic", "fixed", "grey")


def _in(group: str, form: str | None, text: str, *names: str, **rest: Any) -> Any:
    return typer.Option(*names, help=text, metavar=form, rich_help_panel=group, **rest)


_DATA = _in("Data", "NAME", "mnist, digits (comes with labkit), ...; labkit data lists them.")
_BINARIZE = _in("Data", "NAME", "stochastic (drawn anew at every look), fixed or grey.")
_PRESET = _in("Network", "NAME", "A network of the table: small, mnist (the paper's), ... (a wrong name lists them)")
_OUT = _in("Run", "FOLDER", "Where the run's files go.", show_default="runs/METHOD-DATA-PRESET")
_RESUME = _in("Run", "FOLDER", "Go on with a run that was stopped, with its own settings.")
_STEPS = _in("Training", "N", "Steps, in place of --epochs.", min=1)
_BATCH = _in("Training", "N", "Images a step, shared among the processes.", min=1)
_CLIP = _in("Training", "X", "Largest global norm of the gradient; 0 never clips.")
_EMA = _in("Training", "X", "Decay of the averaged weights, which are tested and exported; 0 for none.")
_WARMUP = _in("Training", "N", "Steps over which the KL's weight rises to 1; the bound told never has it.", min=0)
_SEED = _in("Training", "N", "The same seed gives the same run.", min=0)
_DEVICES = _in("Machine", "WHAT", "auto, cpu, cuda, a number of processes, 2xcpu, 4xcuda.")
_EVAL = _in("Run", "N", "Epochs from one test bound to the next; 0 only at the end.", min=0)
_CHECK = _in("Run", "SECONDS", "Time from one checkpoint to the next.")


def command(
    method: Annotated[str, typer.Argument(help="draw.")] = "draw",
    data: Annotated[str, _DATA] = "mnist",
    binarize: Annotated[str, _BINARIZE] = "stochastic",
    preset: Annotated[str, _PRESET] = "small",
    epochs: Annotated[int, _in("Training", "N", "Passes over the training images.", min=1)] = 20,
    steps: Annotated[int | None, _STEPS] = None,
    batch: Annotated[int, _BATCH] = 100,
    lr: Annotated[float, _in("Training", "X", "Adam's learning rate at the start.")] = 1e-3,
    schedule: Annotated[str, _in("Training", "NAME", "cosine (falls to 0) or constant.")] = "cosine",
    beta1: Annotated[float, _in("Training", "X", "Adam's.")] = 0.9,
    beta2: Annotated[float, _in("Training", "X", "Adam's.")] = 0.999,
    clip: Annotated[float, _CLIP] = 10.0,
    ema: Annotated[float, _EMA] = 0.999,
    warmup: Annotated[int, _WARMUP] = 0,
    seed: Annotated[int, _SEED] = 0,
    devices: Annotated[str, _DEVICES] = "auto",
    precision: Annotated[str, _in("Machine", "NAME", "32, 64 or bf16 (mixed).")] = "32",
    out: Annotated[Path | None, _OUT] = None,
    resume: Annotated[Path | None, _RESUME] = None,
    eval_every: Annotated[int, _EVAL] = 1,
    checkpoint_seconds: Annotated[float, _CHECK] = 60.0,
    tensorboard: Annotated[bool, _in("Run", None, "Write TensorBoard's files too.", "--tensorboard")] = False,
) -> None:
    """Train a network: a progress bar, a folder with all that came of it; a run that was stopped can go on."""
    given = dict(locals())
    from labkit import training

    try:
        if resume is not None:
            folder = _resumed(resume, given)
            settings, task, train, test = _again(folder)
        else:
            if method not in METHODS:
                unknown("method", method, METHODS)
            if binarize not in BINARIZE:
                unknown("binarisation", binarize, BINARIZE)
            settings = training.Settings(
                epochs=epochs, steps=steps, batch_size=batch, lr=lr, schedule=schedule, beta1=beta1, beta2=beta2,
                clip=clip, ema=ema, warmup=warmup, seed=seed, devices=devices, precision=precision,
                eval_every=eval_every, checkpoint_seconds=checkpoint_seconds, tensorboard=tensorboard,
            )  # fmt: skip
            task, train, test = _draw(data, binarize, seed, precision, preset=preset)
            folder = _fresh(out, f"{method}-{data}-{preset}")
        _watched(training.fit(task, settings, folder, train, test), folder, task)
    except (ValueError, OSError) as error:
        fail(error)


def _watched(records: Any, folder: Path, task: Any) -> None:
    from labkit.cli import watch

    stopped = watch.run(records, folder, task)
    if stopped:
        raise typer.Exit(130)


def _resumed(folder: Path, given: dict[str, Any]) -> Path:
    """The folder to go on with; all other options are those of its run."""
    for name, parameter in inspect.signature(command).parameters.items():
        if name != "resume" and given[name] != parameter.default:
            fail(f"--resume takes all settings from {folder / 'config.json'}; leave out --{name.replace('_', '-')}")
    return folder


def _again(folder: Path) -> tuple[Any, Any, Any, Any]:
    """The settings, task and data of a run's folder."""
    from labkit import training

    about = training.read_config(folder)
    try:
        settings, facts = training.Settings(**about["settings"]), about["facts"]
        kind, config, data, binarize = about["kind"], about["config"], facts["data"], facts["binarisation"]
    except (KeyError, TypeError) as error:
        fail(f"{folder / 'config.json'} is of another labkit ({error}); resume with the one that made it")
    if kind not in METHODS:
        unknown("method", kind, METHODS)
    return settings, *_draw(data, binarize, settings.seed, settings.precision, config=config)


def _fresh(out: Path | None, name: str) -> Path:
    """A folder without a run: the one asked for, or the first free of runs/name, runs/name-2, ..."""
    if out is not None:
        if (out / "config.json").exists():
            fail(f"{out} holds a run; labkit train --resume {out} goes on with it, or name another --out")
        return out
    tried = 1
    while (folder := Path("runs") / (name if tried == 1 else f"{name}-{tried}")).exists():
        tried += 1
    return folder


def _draw(
    data: str, binarize: str, seed: int, precision: str, *, preset: str = "", config: dict[str, Any] | None = None
) -> tuple[Any, Any, Any]:
    """DRAW's task, its training data and its test data; the network of a preset is fitted to the images' size."""
    import torch

    from labkit import draw
    from labkit.draw.task import Task

    binarize = named(data, binarize)
    train, test = images_of(data, "train", binarize), images_of(data, "test", binarize)
    channels, height, width = train[0].shape[1:]
    if config is None:
        shape = replace(draw.preset(preset), channels=channels, height=height, width=width)
    else:
        shape = draw.Config(**config)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = draw.DRAW(shape)
    if shape.canvas == "data":
        network.begin_at(train[0] / 255)
    if precision == "64":
        network.double()
    return Task(network, binarize, data), train, test


def named(data: str, binarize: str) -> str:
    """The binarisation as a result must name it: images that came black and white are fixed, whatever is asked."""
    from labkit.data import SETS

    known = data in SETS and SETS[data].binarisation == "fixed"
    return "fixed" if known else binarize


def images_of(data: str, split: str, binarize: str) -> Any:
    """The images of a split as uint8 (N, C, H, W), binarised once where they are to be fixed, and their labels.

    Raises:
        ValueError: there is no such data set.
        FileNotFoundError: its files are not here.
    """
    from labkit.data import load
    from labkit.draw.task import fixed

    try:
        found, labels = load(data, split)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; or take --data digits, which needs no files") from None
    found = fixed(found) if binarize == "fixed" else found
    return (found,) if labels is None else (found, labels)

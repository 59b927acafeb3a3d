"""`labkit train`: train the network of a method on a data set; a stopped run can be resumed."""

import inspect
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from labkit.atomic import WriteError
from labkit.cli import images
from labkit.cli.errors import check_folder, fail, quoted, unknown
from labkit.cli.methods import METHODS, USUAL, Chosen, plan, task_of
from labkit.experiments import limits
from labkit.places import RUNS
from labkit.training.settings import Settings


def _in(group: str, form: str | None, text: str, *names: str, **rest: Any) -> Any:
    return typer.Option(*names, help=text, metavar=form, rich_help_panel=group, **rest)


def _usual(name: str) -> str:
    return f"{USUAL[name]}; another for preset digits"


_DATA = _in(
    "Data",
    "NAME|PATH",
    "mnist, digits (comes with labkit), ...; labkit data lists all. vae: also struct_mnist. Or your own images: a "
    "folder of files, where subfolders are classes, or a .npz or .npy file.",
)
_SIZE = _in(
    "Data",
    "N|HxW",
    "Pixels to which your own images are cropped and resized.",
    show_default="their own, or 32 if they differ or are above 64",
)
_BINARIZE = _in("Data", "NAME", "How images become black and white: {binarisations}.")
_PRESET = _in(
    "Network",
    "NAME",
    "Size of the network. draw: {draw_presets}. vae: {vae_presets}.",
    show_default=", ".join(f"{method.preset} for {name}" for name, method in METHODS.items()),
)
_ESTIMATOR = _in("VAE", "NAME", "Gradient estimator of q: {estimators}.")
_SAMPLES = _in("VAE", "K", "Samples per image, K.", "--samples", "-K", min=1)
_ALPHA = _in(
    "VAE",
    "X",
    "Number of dreg-alpha, from 0 (dreg) to 1 (rws-dreg).",
    min=limits.ALPHA[0],
    max=limits.ALPHA[1],
    show_default=".9",
)
_ONLY = _in("VAE", "MODEL", "Train only q of this trained VAE; its generative half stays fixed.")
_HALVES = _in(
    "VAE", None, "struct_mnist as in the published code: the top half from the bottom half.", "--original-halves"
)
_WEIGHTS = _in(
    "Network",
    "MODEL",
    "Begin with the weights of this trained network, and with its size instead of a preset's.",
)
_OUT = _in("Run", "FOLDER", "Folder for the files of the run.", show_default=f"{RUNS}/METHOD-DATA-PRESET")
_RESUME = _in("Run", "FOLDER", "Resume a stopped run, with its settings.")
_EPOCHS = _in("Training", "N", "Passes over the training images.", min=1, show_default=_usual("epochs"))
_STEPS = _in("Training", "N", "Number of steps, instead of --epochs.", min=1)
_LR = _in("Training", "X", "Adam's learning rate at the start.", show_default=_usual("lr"))
_BATCH = _in("Training", "N", "Images per step, divided among the processes.", min=1)
_CLIP = _in("Training", "X", "Largest norm of the whole gradient; 0 does not clip.")
_EACH = _in("Training", "X", "Largest norm of the gradient of each variable, instead of --clip.")
_EMA = _in("Training", "X", "Decay of the averaged weights, which are tested and exported; 0 does not average.")
_WARMUP = _in(
    "Training",
    "N",
    "Steps in which the weight of the KL rises to 1; reported bounds do not use it.",
    min=0,
    show_default=_usual("warmup"),
)
_SEED = _in("Training", "N", "The same seed gives the same run.", min=0)
_DEVICES = _in("Machine", "WHAT", "auto, cpu, cuda, a number of processes, or both: 2xcpu, 4xcuda.")
_EVAL = _in(
    "Run",
    "N",
    "Epochs between two test bounds; 0 measures one only at the end.",
    min=0,
    show_default=_usual("eval_every"),
)
_CHECK = _in("Run", "SECONDS", "Time between two checkpoints.")


def command(
    method: Annotated[str, typer.Argument(help="Method: draw or vae.")] = "draw",
    data: Annotated[str, _DATA] = "mnist",
    binarize: Annotated[str, _BINARIZE] = "stochastic",
    size: Annotated[str | None, _SIZE] = None,
    preset: Annotated[str | None, _PRESET] = None,
    weights: Annotated[Path | None, _WEIGHTS] = None,
    estimator: Annotated[str, _ESTIMATOR] = Chosen.estimator,
    samples: Annotated[int, _SAMPLES] = Chosen.samples,
    alpha: Annotated[float | None, _ALPHA] = None,
    inference_only: Annotated[Path | None, _ONLY] = None,
    original_halves: Annotated[bool, _HALVES] = False,
    epochs: Annotated[int | None, _EPOCHS] = None,
    steps: Annotated[int | None, _STEPS] = None,
    batch: Annotated[int, _BATCH] = Settings.batch_size,
    lr: Annotated[float | None, _LR] = None,
    schedule: Annotated[
        str, _in("Training", "NAME", "Learning rate: cosine (falls to 0) or constant.")
    ] = Settings.schedule,
    beta1: Annotated[float, _in("Training", "X", "β1 of Adam.")] = Settings.beta1,
    beta2: Annotated[float, _in("Training", "X", "β2 of Adam.")] = Settings.beta2,
    clip: Annotated[float, _CLIP] = Settings.clip,
    clip_each: Annotated[float, _EACH] = Settings.clip_each,
    ema: Annotated[float, _EMA] = Settings.ema,
    warmup: Annotated[int | None, _WARMUP] = None,
    seed: Annotated[int, _SEED] = Settings.seed,
    devices: Annotated[str, _DEVICES] = Settings.devices,
    precision: Annotated[str, _in("Machine", "NAME", "32, 64 or bf16 (mixed precision).")] = Settings.precision,
    out: Annotated[Path | None, _OUT] = None,
    resume: Annotated[Path | None, _RESUME] = None,
    eval_every: Annotated[int | None, _EVAL] = None,
    checkpoint_seconds: Annotated[float, _CHECK] = Settings.checkpoint_seconds,
    tensorboard: Annotated[bool, _in("Run", None, "Also write files for TensorBoard.", "--tensorboard")] = False,
) -> None:
    """Train a network, and write its files into a folder; a stopped run can be resumed."""
    given = dict(locals())
    from labkit import training
    from labkit.data.binarisation import BINARISATIONS

    try:
        if resume is not None:
            folder = _resumed(resume, given)
            settings, task, train, test = _again(folder, None if data == "mnist" else data)
        else:
            if method not in METHODS:
                unknown("method", method, METHODS)
            if binarize not in BINARISATIONS:
                unknown("binarisation", binarize, BINARISATIONS)
            settings = Settings(
                **plan(method, preset, {name: given[name] for name in USUAL if given[name] is not None}),
                batch_size=batch, schedule=schedule, beta1=beta1, beta2=beta2, clip=clip, clip_each=clip_each, ema=ema,
                seed=seed, devices=devices, precision=precision, checkpoint_seconds=checkpoint_seconds,
                tensorboard=tensorboard,
            )  # fmt: skip
            _fits(method, given)
            chosen = Chosen(
                data, binarize, seed, precision, preset, estimator, samples, alpha, inference_only, weights,
                original_halves, images.parsed(size),
            )  # fmt: skip
            task, train, test = task_of(method, chosen)
            if size is not None and "images" not in task.facts:
                fail(f"--size: only your own images are resized, not {data}; leave it out")
            title = Path(task.facts["data"]).stem if "images" in task.facts else data
            folder = _fresh(out, f"{method}-{title}-{_network(method, given)}")
        _watched(training.fit(task, settings, folder, train, test), folder, task)
    except (ValueError, OSError, FloatingPointError) as error:
        fail(error)


def _fits(method: str, given: dict[str, Any]) -> None:
    """Fail if an option belongs to another method."""
    defaults = inspect.signature(command).parameters
    for other, its in METHODS.items():
        for name in its.own:
            if other != method and given[name] != defaults[name].default:
                fail(f"--{name.replace('_', '-')}: only labkit train {other} has this option; leave it out here")
    if given["weights"]:
        for name in ("preset", "size", "inference_only", "original_halves"):
            if given[name]:
                fail(f"--weights gives the whole network; leave out --{name.replace('_', '-')}")
    if given["clip_each"] and given["clip"] != defaults["clip"].default:
        fail("--clip-each replaces --clip, got both; leave one of them out")
    if method == "vae" and given["warmup"]:
        fail(f"--warmup {given['warmup']}: only labkit train draw has a KL warm-up; leave it out here")


def _network(method: str, given: dict[str, Any]) -> str:
    """Return a short name of the network, for folders."""
    return given["weights"].stem if given["weights"] else given["preset"] or METHODS[method].preset


def _watched(records: Any, folder: Path, task: Any) -> None:
    from labkit.cli import watch

    try:
        stopped = watch.run(records, folder, task)
    except WriteError as error:
        begun = (folder / "config.json").exists()
        fail(f"{error}; then resume with: labkit train --resume {quoted(folder)}" if begun else error)
    if stopped:
        raise typer.Exit(130)


def _resumed(folder: Path, given: dict[str, Any]) -> Path:
    """Return the folder of the run to resume, which has all other options."""
    for name, parameter in inspect.signature(command).parameters.items():
        if name not in ("resume", "data") and given[name] != parameter.default:
            fail(_from_config(folder, name))
    return folder


def _from_config(folder: Path, option: str) -> str:
    return f"--resume takes all settings from {folder / 'config.json'}; leave out --{option.replace('_', '-')}"


def _again(folder: Path, moved: str | None) -> tuple[Any, Any, Any, Any]:
    """Return the settings, the task and the data of a run from its folder.

    Args:
        moved: a new path of your own images.
    """
    from labkit import training
    from labkit.training import checkpoints
    from labkit.training.folder import Folder

    about = training.read_config(folder)
    try:
        settings, facts = Settings(**about["settings"]), about["facts"]
        kind, config = about["kind"], about["config"]
        checksum = facts.get("images", "")
        chosen = Chosen(moved or facts["data"], facts["binarisation"], settings.seed, settings.precision)
        option = "inference-only" if facts.get("inference_only") == "True" else "weights" if "weights" in facts else ""
        if option and not checkpoints.found(Folder(folder).checkpoints):  # no other file of the run has these weights
            fail(f"{folder} has no checkpoint, and --{option} needs one; start again with another --out")
        if kind == "vae":
            alpha = float(facts["alpha"]) if "alpha" in facts else None
            only = folder if facts["inference_only"] == "True" else None
            names = {"estimator": facts["estimator"], "samples": int(facts["samples"])}
            chosen = replace(chosen, **names, alpha=alpha, inference_only=only)
    except (KeyError, TypeError, ValueError) as error:
        fail(f"{folder / 'config.json'} was written by another version of labkit ({error}); resume with that version")
    if kind not in METHODS:
        unknown("method", kind, METHODS)
    if moved and not checksum:
        fail(_from_config(folder, "data"))
    try:
        task, train, test = task_of(kind, chosen, config, checksum)
        task.facts |= {name: facts[name] for name in ("data", "weights") if name in facts}  # the names of its start
        return settings, task, train, test
    except (TypeError, AttributeError) as error:  # the network's checks raise these for a wrong type
        fail(
            f"{folder / 'config.json'} fits no network of this labkit ({error}); resume with the version that wrote it"
        )


def _fresh(out: Path | None, name: str) -> Path:
    """Return a folder without a run: the given one, or the first free one of RUNS/name, RUNS/name-2, ..."""
    if out is not None:
        if (out / "config.json").exists():
            fail(f"{out} contains a run; resume it with labkit train --resume {quoted(out)}, or choose another --out")
        check_folder("--out", out)
        return out
    tried = 1
    while (folder := RUNS / (name if tried == 1 else f"{name}-{tried}")).exists():
        tried += 1
    return folder

"""The methods that can be trained and tested, and what the command line needs to know about them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labkit import models
from labkit.cli import images
from labkit.cli.errors import fail, unknown
from labkit.cli.images import SPLIT, Found
from labkit.training.settings import Settings


@dataclass(frozen=True)
class Chosen:
    """The options for the network and its loss. `size` is for your own images, see `labkit.data.from_images`."""

    data: str
    binarize: str
    seed: int
    precision: str
    preset: str | None = None
    estimator: str = "dreg"
    samples: int = 64
    alpha: float | None = None
    inference_only: Path | None = None
    weights: Path | None = None
    original_halves: bool = False
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Method:
    """What the command line needs to know about a method.

    build: makes the task from the options, the network's config (None for a new run), the data and the training images.
    test: makes the task of a trained network from its module, its card, a binarisation and the name of the data.
    preset: the default preset. own: options that only this method has. part: the KL is a sum over these.
    estimates: (module, batch, samples, generator) -> log p(x) of each image, and its ELBO from the same samples.
    training: maps a preset to the training settings that it changes.
    channels: of the images that its networks take, None for any number.
    """

    build: Callable[[Chosen, dict[str, Any] | None, Found, Any], Any]
    test: Callable[[Any, dict[str, str], str, str], Any]
    preset: str
    own: tuple[str, ...]
    estimates: Callable[..., Any]
    part: str
    training: Callable[[str], dict[str, Any]]
    channels: int | None


COARSE = "--precision bf16: it has too few digits for the log-weights of a vae; use 32"

# training settings that hold unless the command line or the preset changes them
USUAL = {"epochs": 20} | {name: getattr(Settings, name) for name in ("steps", "lr", "warmup", "eval_every")}


def plan(method: str, preset: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of `USUAL` for one run: the given ones, then those of the preset, then the usual ones.

    With a given length of the run, evaluations come at the usual interval.
    """
    own = METHODS[method].training(preset or METHODS[method].preset)
    if given.keys() & {"epochs", "steps"}:
        own = {name: value for name, value in own.items() if name not in ("steps", "eval_every")}
    return USUAL | own | given


def _draw(chosen: Chosen, config: dict[str, Any] | None, found: Found, train: Any) -> Any:
    """Return the task of DRAW; the network of a preset gets the size of the images, and their classes if it has any."""
    import torch

    from labkit import draw
    from labkit.draw.task import Task

    if chosen.weights and config is None:
        network = _trained(chosen, "draw", train)
    else:
        shape = _draw_shape(chosen, found, train) if config is None else draw.Config(**config)
        network = _seeded(lambda: draw.DRAW(shape), chosen)
        if shape.canvas == "data":
            network.begin_at(train[0].to(network.canvas.dtype) / 255)
    task = Task(network, found.binarize, found.data)
    task.batch(train, torch.zeros(1, dtype=torch.long), torch.Generator())  # fails before anything is written
    return task


def _draw_shape(chosen: Chosen, found: Found, train: Any) -> Any:
    from labkit import draw

    channels, height, width = train[0].shape[1:]
    shape = replace(draw.preset(chosen.preset), channels=channels, height=height, width=width)
    return replace(shape, classes=found.classes or shape.classes) if shape.classes else shape


def _trained(chosen: Chosen, kind: str, train: Any) -> Any:
    """Return the trained network that a new run begins with."""
    option, model = ("--weights", chosen.weights) if chosen.weights else ("--inference-only", chosen.inference_only)
    assert model is not None
    about = models.card(model)
    if about["kind"] != kind:
        fail(f"{option} needs a trained {kind}, but {model} is a {about['kind']}")
    network = models.load_checkpoint(model).train()
    takes = getattr(network.config, "channels", 1), network.config.height, network.config.width
    if takes != train[0].shape[1:]:
        sizes = [" x ".join(map(str, each)) for each in (takes, train[0].shape[1:])]
        fail(f"{option} {model} takes images of {sizes[0]}, but {chosen.data} has {sizes[1]}; choose another --data")
    if kind == "vae" and bool(network.config.halves) != (chosen.data == SPLIT):
        fail(f"{option} {model} was{'' if network.config.halves else ' not'} trained with --data {SPLIT}; do the same")
    return _of_precision(network, chosen)


def _draw_test(module: Any, about: dict[str, str], binarize: str, data: str) -> Any:
    from labkit.draw.task import Task

    return Task(module, binarize, data)


def _draw_estimates(module: Any, batch: Any, samples: int, generator: Any) -> Any:
    from labkit.draw.likelihood import estimates

    x, labels = batch
    return estimates(module, x, samples, labels=labels, generator=generator)


def _draw_training(preset: str) -> dict[str, Any]:
    from labkit.draw.config import TRAINING

    return TRAINING.get(preset, {})


def _vae(chosen: Chosen, config: dict[str, Any] | None, found: Found, train: Any) -> Any:
    """Return the task of a VAE; with `inference_only` or `weights`, of the given network."""
    from labkit import dreg
    from labkit.dreg.task import Task

    if chosen.estimator not in dreg.ESTIMATORS:
        unknown("estimator", chosen.estimator, dreg.ESTIMATORS)
    if chosen.precision == "bf16":
        fail(COARSE)
    if chosen.original_halves and chosen.data != SPLIT:
        fail(f"--original-halves: --data {chosen.data} has no halves, only {SPLIT} has; leave it out")
    if chosen.alpha is not None and "alpha" not in dreg.ESTIMATORS[chosen.estimator].chosen:
        takes = " or ".join(name for name, each in dreg.ESTIMATORS.items() if "alpha" in each.chosen)
        fail(f"--alpha: only --estimator {takes} takes it, not {chosen.estimator}; leave it out")
    parameters = {} if chosen.alpha is None else {"alpha": chosen.alpha}
    if (chosen.inference_only or chosen.weights) and config is None:
        network = _trained(chosen, "vae", train)
        learned = dreg.ESTIMATORS[chosen.estimator].learned
        if network.config.controls != learned:
            shape = replace(network.config, controls=learned)
            other = dreg.VAE(shape)
            other.load_state_dict(network.state_dict(), strict=False)  # everything except the control variates
            network = other
    else:
        network = _seeded(lambda: dreg.VAE(_shape(chosen, config, train)), chosen)
        network.begin_at(train[0].to(network.mean.dtype) / 255)
    return Task(
        _of_precision(network, chosen), chosen.estimator, chosen.samples, parameters=parameters,
        inference_only=chosen.inference_only is not None, binarize=found.binarize, data=found.data,
    )  # fmt: skip


def _shape(chosen: Chosen, config: dict[str, Any] | None, train: Any) -> Any:
    from labkit import dreg

    if config is not None:
        return dreg.Config(**config)
    channels, height, width = train[0].shape[1:]
    if channels != 1:
        fail(f"a vae needs images with one channel, but {chosen.data} has {channels}; choose another --data")
    halves = "" if chosen.data != SPLIT else "original" if chosen.original_halves else "bottom"
    learned = dreg.ESTIMATORS[chosen.estimator].learned
    return replace(dreg.preset(chosen.preset), height=height, width=width, halves=halves, controls=learned)


def _vae_test(module: Any, about: dict[str, str], binarize: str, data: str) -> Any:
    from labkit.dreg.task import Task

    if not ("estimator" in about and about.get("samples", "").isdecimal()):
        raise ValueError("the file of a vae must name its estimator and samples; use one that labkit train wrote")
    return Task(module, about["estimator"], int(about["samples"]), binarize=binarize, data=data)


def _vae_estimates(module: Any, batch: Any, samples: int, generator: Any) -> Any:
    from labkit.dreg import passes

    return passes.estimates(module, batch, samples, generator=generator)


METHODS = {
    "draw": Method(_draw, _draw_test, "small", (), _draw_estimates, "glimpse", _draw_training, None),
    "vae": Method(
        _vae,
        _vae_test,
        "original",
        ("estimator", "samples", "alpha", "inference_only", "original_halves"),
        _vae_estimates,
        "layer",
        lambda preset: {},
        1,
    ),
}


def _seeded(make: Callable[[], Any], chosen: Chosen) -> Any:
    """Return a network whose first weights follow from the seed."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(chosen.seed)
        network = make()
    return _of_precision(network, chosen)


def _of_precision(network: Any, chosen: Chosen) -> Any:
    return network.double() if chosen.precision == "64" else network


def shape_of(config: dict[str, Any]) -> dict[str, Any]:
    """Return the size of the images of a network, and their number of channels, as arguments of `images.find`."""
    size = (config["height"], config["width"]) if {"height", "width"} <= config.keys() else None
    return {"size": size, "channels": config.get("channels", 1)}


def task_of(
    method: str, chosen: Chosen, config: dict[str, Any] | None = None, checksum: str = ""
) -> tuple[Any, Any, Any]:
    """Return the task, its training data and its test data.

    Args:
        config: of the network of a resumed run.
        checksum: of the images of a resumed run, if they are your own.

    Raises:
        ValueError, OSError: from the data, the network or the task.
    """
    chosen = replace(chosen, preset=chosen.preset or METHODS[method].preset)
    if config is not None or chosen.weights:
        shape = shape_of(json.loads(models.card(chosen.weights)["config"]) if config is None else config)
    else:
        shape = {"size": chosen.size, "channels": METHODS[method].channels}
    found = images.find(chosen.data, chosen.binarize, **shape, checksum=checksum)
    train, test = (found.split(split) for split in ("train", "test"))
    task = METHODS[method].build(chosen, config, found, train)
    task.facts |= found.facts | ({"weights": str(chosen.weights)} if chosen.weights else {})
    return task, train, test

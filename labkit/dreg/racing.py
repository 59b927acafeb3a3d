"""A race of estimators: each trains its own small VAE under equal conditions.

Every lane starts with the same weights and uses the same minibatches; lanes with the same K use the same noise. So
only the estimator differs between lanes. A gradient g of q has two sources of variance,

    Var g  =  E Var(g | minibatch)  +  Var E(g | minibatch),                                                    (1)

the noise of the samples, on which estimators differ ("Monte Carlo"), and the choice of images, which they share.
"""

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from labkit import course
from labkit.data import binarisation
from labkit.dreg import control, passes
from labkit.dreg.estimators import find
from labkit.dreg.fast import gradients as fast
from labkit.dreg.networks import VAE, Config, preset
from labkit.dreg.task import Task
from labkit.training import functional, schedules

EVERY = 16  # steps between measurements of held-out bounds and variances; a power of 2, as `course.longer` needs
HELD, HELD_SAMPLES = 100, 64  # images of the held-out bound, and its K in every lane
MINIBATCHES, IMAGES, REPLICATES = 4, 32, 2  # for (1): number of minibatches, images in each, samples of the noise
DRAWN = 10  # number of generated images of each lane
SMOOTH = 30  # approximate number of steps in the smoothed bound
LANE = re.compile(r"([^=@]+)(?:=([0-9.]+))?(?:@([0-9]+))?")


@dataclass(frozen=True)
class Entry:
    """The estimator of a lane, with its own k and alpha, or None for those of the race."""

    estimator: str
    k: int | None = None
    alpha: float | None = None

    @property
    def label(self) -> str:
        alpha = "" if self.alpha is None else f" {self.alpha:g}"
        return f"{self.estimator}{alpha}" + ("" if self.k is None else f", K = {self.k}")


def entry(text: str) -> Entry:
    """Return an entry from text: NAME, NAME@K, or dreg-alpha=ALPHA, dreg-alpha=ALPHA@K.

    Raises:
        ValueError: the text has another form, the estimator is unknown or has no alpha, or a number is out of range.
    """
    found = LANE.fullmatch(text)
    if not found:
        raise ValueError(f"a lane must read like dreg, dreg@16 or dreg-alpha=0.5, got {text!r}")
    name, alpha, k = found.groups()
    try:
        estimator = find(name, () if alpha is None else ("alpha",))
    except TypeError as error:
        raise ValueError(error) from None
    if alpha is not None and estimator.learned:
        raise ValueError(f"{name} learns its alpha, got {text!r}; leave it out")
    made = Entry(name, None if k is None else int(k), None if alpha is None else float(alpha))
    if made.k == 0:
        raise ValueError(f"the K of a lane must be >= 1, got {text!r}; draw at least one sample")
    if not 0 <= (made.alpha or 0) <= 1:
        raise ValueError(f"alpha must be from 0 (dreg) to 1 (rws-dreg), got {text!r}")
    return made


class Spread(NamedTuple):
    """Both terms of (1), as means over coordinates, and |E g| / √(total Monte Carlo variance) of a minibatch."""

    monte_carlo: float
    minibatch: float
    snr: float


def spread(gradients: Float[Tensor, "m r p"]) -> Spread:
    """Return the `Spread` of gradients on m >= 2 minibatches with r >= 2 samples of the noise each.

    Both variances are unbiased, so the second may be negative. The squared numerator of the SNR is unbiased too, and a
    negative one counts as 0. The SNR is NaN if nothing varies.
    """
    r, p = gradients.shape[1:]
    means = gradients.mean(1)
    within = (gradients - means[:, None]).square().mean().item() * r / (r - 1)
    signal = means.square().sum(-1).mean().item() - p * within / r
    snr = math.sqrt(max(signal, 0.0) / (p * within)) if within else math.nan
    return Spread(within, means.var(0).mean().item() - within / r, snr)


@dataclass(frozen=True, eq=False)
class Lane:
    """One network after t steps.

    trained: its weights and Adam's memory.
    batches: a table of `labkit.course`, one row per step: seconds before it, bound of its minibatch, smoothed bound.
    looks: the same, one row per measurement: seconds before it, held-out bound and `Spread`.
    seconds: processor time of this lane's own steps so far, without measurements.
    drawn: (10, 1, H, W), images of the last measurement, from fixed latents.
    """

    entry: Entry
    trained: functional.State
    batches: Tensor
    looks: Tensor
    seconds: float
    drawn: Tensor


@dataclass(frozen=True, eq=False)
class State:
    """All lanes after t steps."""

    lanes: tuple[Lane, ...]

    @property
    def t(self) -> int:
        return self.lanes[0].trained.t


class Track:
    """What all lanes share, on the device of the training images.

    These are first weights, images, and the data for measurements, sampled once.

    Args:
        train, test: images uint8 (N, 1, H, W).
        config: the network's; None for the preset "small", with the size of the images.
        seed: seed of first weights, minibatches and all noise. binarize: one of `labkit.data.binarisation`.

    Raises:
        ValueError: the images have more than one channel, or are fewer than one minibatch of a measurement.
    """

    def __init__(
        self,
        train: UInt8[Tensor, "n c h w"],
        test: UInt8[Tensor, "t c h w"],
        *,
        config: Config | None = None,
        seed: int = 0,
        binarize: str = "stochastic",
    ):
        _, channels, height, width = train.shape
        if channels != 1 or len(train) < IMAGES:
            raise ValueError(
                f"a race needs at least {IMAGES} images of one channel, got {tuple(train.shape)}; use others"
            )
        self.train, self.seed, self.binarize, self.device = train, seed, binarize, train.device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.module = VAE(config or replace(preset("small"), height=height, width=width)).to(self.device)
        self.module.begin_at(train / 255)
        self._controlled = VAE(replace(self.module.config, controls=True)).to(self.device)
        self._controlled.begin_at(train / 255)
        self.held = self.images(test[:HELD], "held")
        source = self.noise("measured")
        index = torch.stack([self._shuffled(source)[:IMAGES] for _ in range(MINIBATCHES)])
        self.measured = [self.images(train[rows], "measured", i) for i, rows in enumerate(index)]

    def noise(self, *what: int | str) -> torch.Generator:
        """Return a generator for each purpose, from the seed."""
        return torch.Generator(self.device).manual_seed(schedules.seed("race", self.seed, *what))

    def images(self, rows: Tensor, *what: int | str) -> Tensor:
        """Return images as a network needs them, binarised with the noise of a purpose."""
        return binarisation.drawn(rows, self.binarize, self.module.mean.dtype, self.noise("ink", *what))

    def minibatch(self, t: int, size: int) -> Tensor:
        """Return the images of step t."""
        return self.images(self.train[self._shuffled(self.noise("order", t))[:size]], t)

    def _shuffled(self, source: torch.Generator) -> Tensor:
        return torch.randperm(len(self.train), generator=source, device=self.device)

    def network(self, estimator: str) -> VAE:
        """Return the module that defines the function of such a lane, with learned parameters of the estimator."""
        return self._controlled if find(estimator).learned else self.module

    def first(self, estimator: str) -> functional.State:
        """Return the weights with which every lane starts; control variates, the last ones, are 0."""
        own = functional.start(self.module).weights
        zeros = own.new_zeros(len(functional.start(self.network(estimator)).weights) - len(own))
        weights = torch.cat([own, zeros])
        return functional.State(weights, torch.zeros_like(weights), torch.zeros_like(weights))


def start(track: Track, entries: Sequence[Entry], *, k: int, alpha: float = 0.9) -> State:
    """Return all lanes before their first step, with a first measurement.

    Raises:
        ValueError: there is no entry or one twice, or fewer samples than an estimator needs.
    """
    if not entries or len(set(entries)) < len(entries):
        raise ValueError(f"a race needs at least one lane and no lane twice, got {[e.label for e in entries]}")
    lanes = []
    for each in entries:
        _task(track, each, k, alpha)  # raises an error if K is too small
        none = course.empty(3), course.empty(5)
        lanes.append(Lane(each, track.first(each.estimator), *none, 0.0, torch.zeros(0)))
    return look(State(tuple(lanes)), track, k=k, alpha=alpha)


def step(state: State, track: Track, *, k: int, batch: int, lr: float, alpha: float = 0.9) -> State:
    """Return the state after one step of Adam in every lane, without clipping, on the same minibatch.

    Args:
        k, alpha: for lanes without their own. batch: images per minibatch. lr: Adam's learning rate.

    Raises:
        ValueError: fewer samples than an estimator needs, or weights that are no longer finite.
    """
    x = track.minibatch(state.t, batch)
    state = State(tuple(_stepped(lane, track, _task(track, lane.entry, k, alpha), x, lr) for lane in state.lanes))
    return state if state.t % EVERY else look(state, track, k=k, alpha=alpha)


def look(state: State, track: Track, *, k: int, alpha: float = 0.9) -> State:
    """Return the state with a measurement at its weights; `step` makes one automatically every `EVERY` steps.

    Raises:
        ValueError: as `step`.
    """
    return State(tuple(_looked(lane, track, k, alpha) for lane in state.lanes))


def gradient(model: VAE, x: Float[Tensor, " b 1 h w"], task: Task, generator: torch.Generator) -> Float[Tensor, " p"]:
    """Return the task's gradient in the parameters of q, a mean over the images, MAXIMISED."""
    found = passes.run(model, x, task.samples, generator=generator)
    if model.controls is not None:
        parts, _ = control.gradients(found.samples(), model.inference, model.controls, task.estimator)
        parts = [-each for each in parts]
    else:
        name = task.estimator
        parts = fast.inference_gradients(model, found, [name], {name: task.parameters})[name]
    return torch.cat([each.flatten() for each in parts])


def _task(track: Track, each: Entry, k: int, alpha: float) -> Task:
    takes = "alpha" in find(each.estimator).chosen
    parameters = {"alpha": alpha if each.alpha is None else each.alpha} if takes else {}
    return Task(track.network(each.estimator), each.estimator, each.k or k, parameters=parameters)


def _stepped(lane: Lane, track: Track, task: Task, x: Tensor, lr: float) -> Lane:
    t, noise = lane.trained.t, track.noise("samples", lane.trained.t)
    began = time.thread_time()
    found, slope = functional.gradient(
        task.module, lane.trained.weights, lambda model: task.loss(model, x, noise, x.new_ones(()))
    )
    trained = functional.adam(lane.trained, slope, lr=lr, clip=math.inf)
    seconds = lane.seconds + time.thread_time() - began
    bound = -found["bound"].item()
    if not trained.weights.isfinite().all():
        raise _lost(lane)
    before = lane.batches[-1, 3].item() if t else bound
    smooth = before + (bound - before) / min(t + 1, SMOOTH)
    batches = course.longer(lane.batches, t, lane.seconds, bound, smooth)
    return replace(lane, trained=trained, batches=batches, seconds=seconds)


def _looked(lane: Lane, track: Track, k: int, alpha: float) -> Lane:
    """Return the lane with its held-out bound, images and gradient variances; the noise is the same each time."""
    task, weights = _task(track, lane.entry, k, alpha), lane.trained.weights

    def held(model: VAE) -> tuple[float, Tensor]:
        bound = passes.log_likelihood(model, track.held, HELD_SAMPLES, generator=track.noise("bound"))
        return bound.mean().item(), model.generate(DRAWN, generator=track.noise("drawn")).cpu()

    def slopes(model: VAE) -> Tensor:
        one = [
            gradient(model, x, task, track.noise("replicate", i, r))
            for i, x in enumerate(track.measured)
            for r in range(REPLICATES)
        ]
        return torch.stack(one).unflatten(0, (MINIBATCHES, REPLICATES))

    try:
        bound, drawn = functional.call(task.module, weights, held)
    except ValueError as error:  # log p of an image is not finite
        raise _lost(lane) from error
    found = spread(functional.call(task.module, weights.clone().requires_grad_(), slopes))
    looks = course.longer(lane.looks, lane.trained.t, lane.seconds, bound, *found)
    return replace(lane, looks=looks, drawn=drawn)


def _lost(lane: Lane) -> ValueError:
    return ValueError(
        f"{lane.entry.label} is not finite at step {lane.trained.t}; lower the learning rate and start again"
    )

"""A race of estimators: each trains a small VAE of its own, all else being equal.

Every lane begins with the same weights and takes the same minibatches; lanes of the same K draw the same noise. What
tells lanes apart is then the estimator. A gradient g of q has two sources of variance,

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

EVERY = 16  # steps from one look at held-out images and variances to the next: a power of 2, as `course.longer` wants
HELD, HELD_SAMPLES = 100, 64  # images in the held-out bound, and its K in every lane
MINIBATCHES, IMAGES, REPLICATES = 4, 32, 2  # on which (1) is measured: so many minibatches, images each, draws of noise
DRAWN = 10  # images of each lane
SMOOTH = 30  # steps that the smoothed bound remembers, about
LANE = re.compile(r"([^=@]+)(?:=([0-9.]+))?(?:@([0-9]+))?")


@dataclass(frozen=True)
class Entry:
    """Who runs in a lane; k and alpha of its own, None for those of the race."""

    estimator: str
    k: int | None = None
    alpha: float | None = None

    @property
    def label(self) -> str:
        alpha = "" if self.alpha is None else f" {self.alpha:g}"
        return f"{self.estimator}{alpha}" + ("" if self.k is None else f", K = {self.k}")


def entry(text: str) -> Entry:
    """An entry in words: NAME, NAME@K, or dreg-alpha=ALPHA, dreg-alpha=ALPHA@K.

    Raises:
        ValueError: it cannot be read, there is no such estimator, it has no alpha, or a number is out of its range.
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
        raise ValueError(f"the K of a lane must be >= 1, got {text!r}")
    if not 0 <= (made.alpha or 0) <= 1:
        raise ValueError(f"alpha must be from 0 (dreg) to 1 (rws-dreg), got {text!r}")
    return made


class Spread(NamedTuple):
    """Both terms of (1), as means over coordinates, and |E g| / √(summed Monte Carlo variance) of a minibatch."""

    monte_carlo: float
    minibatch: float
    snr: float


def spread(gradients: Float[Tensor, "m r p"]) -> Spread:
    """Of gradients on m >= 2 minibatches with r >= 2 draws of the noise each.

    Both variances are unbiased, so that the second may come out negative; so is the square of the SNR's numerator,
    which counts as 0 below it. The SNR is NaN where nothing varies.
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

    trained: its weights and Adam's memory. batches, looks: tables of `labkit.course` by step, of the seconds before it
    and, of a step, the bound of its minibatch and that smoothed, in nats; of a look, the held-out bound and `Spread`.
    seconds: of this lane's own steps so far, on this thread's processor, looks left out. drawn (10, 1, H, W): from
    latents that stay the same, as of the last look.
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
    """What all lanes share: first weights, images, and what is held out and measured on, drawn once.

    All of it stands, and all lanes compute, on the device of the training images.

    Args:
        train, test: images uint8 (N, 1, H, W).
        config: of the network; None for the preset "small", fitted to the images.
        seed: of first weights, minibatches and all noise. binarize: one of `labkit.data.binarisation`.

    Raises:
        ValueError: images of more than one channel, or fewer than one minibatch to measure on.
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
                f"a race wants at least {IMAGES} images of one channel, got {tuple(train.shape)}; take others"
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
        """A generator for each purpose, by the seed."""
        return torch.Generator(self.device).manual_seed(schedules.seed("race", self.seed, *what))

    def images(self, rows: Tensor, *what: int | str) -> Tensor:
        """As a network takes them, with the noise of a purpose where they are drawn."""
        return binarisation.drawn(rows, self.binarize, self.module.mean.dtype, self.noise("ink", *what))

    def minibatch(self, t: int, size: int) -> Tensor:
        """The images of step t."""
        return self.images(self.train[self._shuffled(self.noise("order", t))[:size]], t)

    def _shuffled(self, source: torch.Generator) -> Tensor:
        return torch.randperm(len(self.train), generator=source, device=self.device)

    def network(self, estimator: str) -> VAE:
        """The shape of the function that such a lane trains: learned parameters of the estimator are part of it."""
        return self._controlled if find(estimator).learned else self.module

    def first(self, estimator: str) -> functional.State:
        """The weights that every lane begins with; control variates, the last ones, at 0."""
        own = functional.start(self.module).weights
        zeros = own.new_zeros(len(functional.start(self.network(estimator)).weights) - len(own))
        weights = torch.cat([own, zeros])
        return functional.State(weights, torch.zeros_like(weights), torch.zeros_like(weights))


def start(track: Track, entries: Sequence[Entry], *, k: int, alpha: float = 0.9) -> State:
    """All lanes at the line, looked at.

    Raises:
        ValueError: no entry, the same one twice, or fewer samples than an estimator needs.
    """
    if not entries or len(set(entries)) < len(entries):
        raise ValueError(f"a race wants at least one lane and none twice, got {[e.label for e in entries]}")
    lanes = []
    for each in entries:
        _task(track, each, k, alpha)  # refuses a K too small
        none = course.empty(3), course.empty(5)
        lanes.append(Lane(each, track.first(each.estimator), *none, 0.0, torch.zeros(0)))
    return look(State(tuple(lanes)), track, k=k, alpha=alpha)


def step(state: State, track: Track, *, k: int, batch: int, lr: float, alpha: float = 0.9) -> State:
    """One step of Adam in every lane, without clipping, on the same minibatch.

    Args:
        k, alpha: of the lanes that have none of their own. batch: images. lr: Adam's learning rate.

    Raises:
        ValueError: fewer samples than an estimator needs; a rate that has thrown weights to where nothing is finite.
    """
    x = track.minibatch(state.t, batch)
    state = State(tuple(_stepped(lane, track, _task(track, lane.entry, k, alpha), x, lr) for lane in state.lanes))
    return state if state.t % EVERY else look(state, track, k=k, alpha=alpha)


def look(state: State, track: Track, *, k: int, alpha: float = 0.9) -> State:
    """The state with a look at its weights; `step` takes one by itself every `EVERY` steps.

    Raises:
        ValueError: as `step`.
    """
    return State(tuple(_looked(lane, track, k, alpha) for lane in state.lanes))


def gradient(model: VAE, x: Float[Tensor, " b 1 h w"], task: Task, generator: torch.Generator) -> Float[Tensor, " p"]:
    """The task's gradient in the parameters of q, a mean over the images, MAXIMISED; the model is left as it is."""
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
    """The lane with what its weights cost and draw, and how its gradients spread: on the same noise at every look."""
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
        f"{lane.entry.label} is not finite at step {lane.trained.t}; lower the learning rate, then begin anew"
    )

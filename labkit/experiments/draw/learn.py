"""The tab *Learn*: DRAW during training, as states: weights with Adam's memory, the bound, and current drawings."""

from dataclasses import dataclass
from typing import Any

import param
import torch
from torch import Tensor

from labkit import course, draw
from labkit.data import load
from labkit.draw.task import Task
from labkit.experiments import defaults, limits
from labkit.experiments.devices import kept, noise
from labkit.experiments.draw.drawing import Drawing, device_of
from labkit.experiments.settings import ExperimentSettings
from labkit.training import functional, schedules

EVERY = 8  # steps between two evaluations, because samples and test images cost more than a step
SAMPLES, RECONSTRUCTIONS, HELD_OUT = (
    16,
    10,
    100,
)  # samples, reconstructions, and test images in the bound
STARTS = ["warm start", "from scratch"]


@dataclass(frozen=True, eq=False)
class Learned:
    """A network after t steps.

    Attributes:
        trained: its weights and Adam's memory.
        batches: a table of `labkit.course` with bound, Lx and Lz of the batch of each step, in nats.
        tests: a table with the bound of the held-out images.
        samples: images drawn from fixed latents, updated every `EVERY` steps.
        reconstructions: images drawn of test images, updated every `EVERY` steps.
    """

    trained: functional.State
    batches: Tensor
    tests: Tensor
    samples: Drawing
    reconstructions: Drawing

    @property
    def t(self) -> int:
        """Number of steps."""
        return self.trained.t


class LearnSettings(ExperimentSettings[Learned]):
    """Settings for a network during training.

    Args:
        model: the network of "warm start", and the shape of the network from scratch; its weights do not change.
        train, test: images uint8 (N, C, H, W); by default those in the data set "digits".
    """

    lr = param.Number(
        default=defaults.LEARNING_RATE,
        bounds=limits.LEARNING_RATE,
        softbounds=(1e-5, 1.0),
        label="Learning rate",
        doc="Step size of the training (learning rate of Adam). It acts on the next step.",
    )
    batch = param.Integer(
        default=defaults.BATCH,
        bounds=limits.BATCH,
        softbounds=(1, 128),
        label="Batch size",
        doc="Training images per step. It acts on the next step.",
    )
    begin: "param.Selector[str]" = param.Selector(
        objects=STARTS,
        label="Start",
        doc="Warm start: a network whose digits are still blurred. From scratch: random weights.",
    )
    seed = param.Integer(
        default=0,
        bounds=(0, 9999),
        label="Seed",
        doc="Random seed of the batches, the noise and the weights from scratch.",
    )

    def __init__(self, model: draw.DRAW, train: Tensor | None = None, test: Tensor | None = None, **params: Any):
        train, test = (load("digits", split)[0] if x is None else x for x, split in ((train, "train"), (test, "test")))
        self.device = device_of(model)
        self.model, self.train = model, train.to(self.device)
        self.task = Task(model)
        held = test[:HELD_OUT].to(self.device)
        self.held_out = self.task.batch((held,), torch.arange(len(held), device=self.device), self._noise("held"))
        self.shown = test[:RECONSTRUCTIONS] / 255
        super().__init__(**params)

    def start(self) -> Learned:
        """Return the state before the first step."""
        trained = functional.start(self.model if self.begin == STARTS[0] else self._fresh())
        return self._evaluated(trained, course.empty(3), course.empty(1))

    def step(self, state: Learned) -> Learned:
        """Return the state after one step of Adam on the next batch.

        Raises:
            ValueError: the bound is not finite, because the learning rate is too high.
        """
        source, one = self._noise(self.seed, "step", state.t), torch.ones((), device=self.device)
        index = torch.randperm(len(self.train), generator=source, device=self.device)[: self.batch]
        batch = self.task.batch((self.train,), index, source)
        found, gradient = functional.gradient(
            self.model, state.trained.weights, lambda model: self.task.loss(model, batch, source, one)
        )
        _check(state.t, found["bound"], gradient)
        trained = functional.adam(state.trained, gradient, lr=self.lr)
        batches = course.longer(state.batches, state.t, *(float(found[name]) for name in ("bound", "lx", "lz")))
        if trained.t % EVERY == 0:
            return self._evaluated(trained, batches, state.tests)
        return Learned(trained, batches, state.tests, state.samples, state.reconstructions)

    def _fresh(self) -> draw.DRAW:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return draw.DRAW(self.model.config).to(self.device)

    def _noise(self, *what: int | str) -> torch.Generator:
        return noise(schedules.seed("learn", *what), self.device)

    def _evaluated(self, trained: functional.State, batches: Tensor, tests: Tensor) -> Learned:
        """Return the state with drawings and bound of these weights; every evaluation uses the same noise."""

        def passes(model: draw.DRAW) -> tuple[draw.Trace, draw.Trace, float]:
            samples = model.generate(SAMPLES, generator=self._noise(self.seed, "samples"))
            again = model(self.shown.to(self.device), generator=self._noise(self.seed, "rebuilt"))
            return samples, again, self.task.evaluate(model, [self.held_out], self._noise("held"))["bound"]

        with torch.no_grad():
            try:
                samples, again, bound = functional.call(self.model, trained.weights, passes)
            except ValueError as error:  # the bound of an image is not finite
                raise _lost(trained.t) from error
        _check(trained.t, torch.tensor(bound), samples.canvas, again.canvas)
        done = self.model.config.steps + 1
        drawings = Drawing(kept(samples), done), Drawing(kept(again), done, image=self.shown)
        return Learned(trained, batches, course.longer(tests, trained.t, bound), *drawings)


def _check(t: int, *found: Tensor) -> None:
    if not all(bool(each.isfinite().all()) for each in found):
        raise _lost(t)


def _lost(t: int) -> ValueError:
    return ValueError(f"the bound is not finite at step {t}; lower the learning rate, then press Reset")

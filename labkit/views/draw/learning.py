"""DRAW while it learns, as states: weights with Adam's memory, the course of the bound, and what they draw now."""

from dataclasses import dataclass

import param
import torch
from torch import Tensor

from labkit import course, draw
from labkit.draw.task import Task
from labkit.experiments.devices import kept, noise
from labkit.training import functional, schedules
from labkit.views.draw.drawing import Drawing, device_of

EVERY = 8  # steps from one look at samples and test images to the next: it costs more than a step
SAMPLES, REBUILT, HELD = 16, 10, 100  # images drawn, test images drawn again, test images in the bound
STARTS = ["warm start", "from scratch"]


@dataclass(frozen=True, eq=False)
class Learned:
    """A network after t steps.

    trained: its weights and Adam's memory. batches: tables of `labkit.course` of bound, Lx and Lz of the batch that a
    step was taken on, in nats; tests: of the bound of the held-out images. samples, rebuilt: what is drawn from
    latents that stay the same, and of test images, as of the last step of every `EVERY`.
    """

    trained: functional.State
    batches: Tensor
    tests: Tensor
    samples: Drawing
    rebuilt: Drawing

    @property
    def t(self) -> int:
        return self.trained.t


class Learner(param.Parameterized):
    """A network that learns: the settings, `start()` and `step(state)`.

    Args:
        model: what "warm start" begins with, and the shape of the other; its weights stay as they are.
        train, test: images uint8 (N, C, H, W).
    """

    lr = param.Number(
        default=2e-3, bounds=(1e-5, 1.0), label="Learning rate", doc="of Adam; acts on the very next step"
    )
    batch = param.Integer(
        default=32, bounds=(1, 128), label="Batch size", doc="training images a step; acts on the very next step"
    )
    begin = param.Selector(
        objects=STARTS, label="Start", doc="warm start: a network that has begun to learn; from scratch: random weights"
    )
    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="of the batches and all noise, and of the weights from scratch"
    )

    def __init__(self, model: draw.DRAW, train: Tensor, test: Tensor, **params):
        self.device = device_of(model)
        self.model, self.train = model, train.to(self.device)
        self.task = Task(model)
        held = test[:HELD].to(self.device)
        self.held = self.task.batch((held,), torch.arange(len(held), device=self.device), self._noise("held"))
        self.shown = test[:REBUILT] / 255
        super().__init__(**params)

    def start(self) -> Learned:
        """Before the first step."""
        trained = functional.start(self.model if self.begin == STARTS[0] else self._fresh())
        return self._looked(trained, course.empty(3), course.empty(1))

    def step(self, state: Learned) -> Learned:
        """One step of Adam on the next batch.

        Raises:
            ValueError: the learning rate has thrown the weights to where the bound is not finite.
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
            return self._looked(trained, batches, state.tests)
        return Learned(trained, batches, state.tests, state.samples, state.rebuilt)

    def _fresh(self) -> draw.DRAW:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return draw.DRAW(self.model.config).to(self.device)

    def _noise(self, *what: int | str) -> torch.Generator:
        return noise(schedules.seed("learn", *what), self.device)

    def _looked(self, trained: functional.State, batches: Tensor, tests: Tensor) -> Learned:
        """The state with what these weights draw and cost: with the same noise at every look."""

        def look(model: draw.DRAW) -> tuple[draw.Trace, draw.Trace, float]:
            samples = model.generate(SAMPLES, generator=self._noise(self.seed, "samples"))
            rebuilt = model(self.shown.to(self.device), generator=self._noise(self.seed, "rebuilt"))
            return samples, rebuilt, self.task.evaluate(model, [self.held], self._noise("held"))["bound"]

        with torch.no_grad():
            try:
                samples, rebuilt, bound = functional.call(self.model, trained.weights, look)
            except ValueError as error:  # the bound of an image is not finite
                raise _lost(trained.t) from error
        _check(trained.t, torch.tensor(bound), samples.canvas, rebuilt.canvas)
        done = self.model.config.steps + 1
        drawings = Drawing(kept(samples), done), Drawing(kept(rebuilt), done, image=self.shown)
        return Learned(trained, batches, course.longer(tests, trained.t, bound), *drawings)


def _check(t: int, *found: Tensor) -> None:
    if not all(bool(each.isfinite().all()) for each in found):
        raise _lost(t)


def _lost(t: int) -> ValueError:
    return ValueError(f"the bound is not finite at step {t}; lower the learning rate, then Reset")

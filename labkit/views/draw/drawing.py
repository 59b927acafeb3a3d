"""A run of DRAW as states: one trace that is shown stroke after stroke, and then the next."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import param
import torch
from torch import Tensor

from labkit import draw
from labkit.experiments.devices import kept, noise

REST = 8  # strokes for which a finished sheet stands before the next one begins


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is on screen: a trace, how many of its strokes, and the images that were looked at, if any."""

    trace: draw.Trace
    stroke: int = 0
    t: int = 0
    sheet: int = 0
    image: Tensor | None = None

    @property
    def steps(self) -> int:
        return len(self.trace.canvas)

    @property
    def shown(self) -> int:
        """Strokes that are on the canvas."""
        return min(self.stroke, self.steps)

    def canvas(self, stroke: int) -> Tensor:
        """Probabilities of ink after so many strokes, (B, C, H, W)."""
        first = self.trace.start.expand(self.trace.canvas.shape[1:])
        return (self.trace.canvas[stroke - 1] if stroke else first).sigmoid()


def device_of(model: draw.DRAW) -> torch.device:
    """Return where a network's weights are."""
    return model.posterior.weight.device


def onwards(state: Drawing, begin: Callable[[int], Drawing]) -> Drawing:
    """One stroke more; a finished sheet rests, then `begin(sheet)` makes the next."""
    if state.stroke < state.steps + REST:
        return replace(state, stroke=state.stroke + 1, t=state.t + 1)
    return replace(begin(state.sheet + 1), t=state.t + 1)


class Generator(param.Parameterized):
    """Images from the prior: the settings, `start()` and `step(state)`."""

    n = param.Integer(default=16, bounds=(1, 64), label="Images, n", doc="n: images on a sheet")
    temperature = param.Number(
        default=1.0, bounds=(0.0, 2.0), step=0.05, label="Temperature of z",
        doc="standard deviation of z: 1 is the prior, less gives more usual images, 0 one and the same",
    )  # fmt: skip
    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="the same seed draws the same sheets")
    label = param.Integer(default=-1, bounds=(-1, 999), doc="the class that is drawn; -1 for all in turn")

    def __init__(self, model: draw.DRAW, **params):
        self.model = model
        super().__init__(**params)

    def start(self) -> Drawing:
        """The first sheet, empty."""
        return self.sheet(0)

    def sheet(self, number: int) -> Drawing:
        """The images of one sheet: seed and number give its noise."""
        source = noise(10_000 * self.seed + number, device_of(self.model))
        with torch.no_grad():
            trace = self.model.generate(self.n, labels=self.labels(), temperature=self.temperature, generator=source)
        return Drawing(kept(trace), sheet=number)

    def labels(self) -> Tensor | None:
        classes, device = self.model.config.classes, device_of(self.model)
        if not classes:
            return None
        if 0 <= self.label < classes:
            return torch.full((self.n,), self.label, device=device)
        return torch.arange(self.n, device=device) % classes

    def step(self, state: Drawing) -> Drawing:
        """The next stroke."""
        return onwards(state, self.sheet)


class Reader(param.Parameterized):
    """One image that the network looks at and draws again."""

    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="of the noise in z")
    label = param.Integer(default=0, bounds=(0, 999), doc="the class that the network is told, where it knows classes")

    def __init__(self, model: draw.DRAW, image: Tensor, **params):
        self.model, self.image = model, image
        super().__init__(**params)

    def start(self) -> Drawing:
        """Before the first look."""
        device, classes = device_of(self.model), self.model.config.classes
        labels = torch.tensor([min(self.label, classes - 1)], device=device) if classes else None
        with torch.no_grad():
            trace = self.model(self.image[None].to(device), labels=labels, generator=noise(self.seed, device))
        return Drawing(kept(trace), image=self.image[None])

    def step(self, state: Drawing) -> Drawing:
        """The next glimpse and stroke; after the last it begins again."""
        return onwards(state, lambda sheet: replace(state, stroke=0, sheet=sheet))

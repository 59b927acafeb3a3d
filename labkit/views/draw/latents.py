"""Three experiments with the latents of a drawing: drawn anew from some glimpse on, changed one by one, interpolated.

A sheet begins finished, so that what a control changes is seen at once; then it is drawn again, stroke by stroke.
"""

from dataclasses import dataclass, replace

import param
import torch
from torch import Tensor

from labkit import draw
from labkit.draw import latents
from labkit.experiments.devices import kept, noise
from labkit.views.draw.drawing import Drawing, device_of, onwards

VALUES = torch.linspace(-3, 3, 7)  # of one number of z: three standard deviations to each side
NOISE = -1  # instead of a printed digit: an image of the prior
ENDS = {"drawn from noise": NOISE} | {f"a printed {k}": k for k in range(10)}
ENDS_WORDS = "a new image, or a printed digit as the network reads and draws it"


@dataclass(frozen=True, eq=False, kw_only=True)
class Resampled(Drawing):
    """Images that share z_1 .. z_{glimpse - 1}, the original first."""

    glimpse: int
    spread: Tensor  # of the finished images had they shared those before t = 1 .. T + 1
    apart: Tensor  # standard deviation of each pixel of these, (C, H, W)
    meant: int = 0


@dataclass(frozen=True, eq=False, kw_only=True)
class Changed(Drawing):
    """Images that differ in one number of z."""

    coordinate: int  # counted from 1
    slopes: Tensor  # of the original by each number of that glimpse, (latent, C, H, W)
    meant: int  # the image whose value is nearest to the original's


@dataclass(frozen=True, eq=False, kw_only=True)
class Between(Drawing):
    """Images from A, the first, to B, the last."""

    share: Tensor
    turned: Tensor  # length of all their z on the sphere
    straight: Tensor  # and on the straight line
    meant: None = None


class Experiment(param.Parameterized):
    """What the experiments share: a network, a seed and a class; `start()`, `step(state)` and the `sheet` they show."""

    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="the same seed draws the same images")
    label = param.Integer(default=0, bounds=(0, 999), doc="the class that the network is told, where it knows classes")

    def __init__(self, model: draw.DRAW, **params):
        self.model = model
        super().__init__(**params)

    def start(self) -> Drawing:
        """The first sheet, finished."""
        first = self.sheet(0)
        return replace(first, stroke=first.steps + 1)

    def sheet(self, number: int) -> Drawing:
        raise NotImplementedError

    def step(self, state: Drawing) -> Drawing:
        """The next stroke; after the last the next sheet begins."""
        return onwards(state, self.sheet)

    @property
    def known(self) -> int | None:
        """The class, None for a network without."""
        classes = self.model.config.classes
        return min(self.label, classes - 1) if classes else None

    def labels(self, n: int) -> Tensor | None:
        return None if self.known is None else torch.full((n,), self.known, device=device_of(self.model))

    def noise(self, n: int, number: int) -> Tensor:
        """z of n images [T, n, latent]; another number gives others."""
        source = noise(10_000 * self.seed + number, "cpu")
        return torch.randn(self.model.config.steps, n, self.model.config.latent, generator=source)

    def drawn(self, z: Tensor) -> draw.Trace:
        with torch.no_grad():
            return kept(self.model.generate(z.shape[1], z=z.to(device_of(self.model)), labels=self.labels(z.shape[1])))


class Resampler(Experiment):
    """One image, and others that keep its z before glimpse t; every sheet draws other ones."""

    t = param.Integer(
        default=1, bounds=(1, None), label="Drawn anew from glimpse t",
        doc="t: z before it is kept; one past the last keeps all of it",
    )  # fmt: skip
    n = param.Integer(default=16, bounds=(2, 64), label="Images, n", doc="n: images on a sheet, the original included")

    def __init__(self, model: draw.DRAW, **params):
        self.param.t.bounds = (1, model.config.steps + 1)
        self._spread = None, torch.zeros(0)  # it knows nothing of t: kept while t moves
        super().__init__(model, **{"t": min(3, model.config.steps + 1)} | params)

    def sheet(self, number: int) -> Resampled:
        original = self.noise(1, 0)
        others = self.noise(self.n, number + 1)
        others[:, :1] = original
        key = self.seed, number, self.n, self.known
        if self._spread[0] != key:
            both = (z.to(device_of(self.model)) for z in (original, others))
            self._spread = key, kept(latents.spread(self.model, *both, label=self.known))
        trace = self.drawn(latents.resample(original, self.t, others))
        apart = trace.images[-1].std(0)
        return Resampled(trace, sheet=number, glimpse=self.t, spread=self._spread[1], apart=apart)


class Changer(Experiment):
    """One image, and what becomes of it where z_{t,i} is another number."""

    t = param.Integer(default=1, bounds=(1, None), label="Glimpse t", doc="t: whose z is changed")
    i = param.Integer(default=1, bounds=(1, None), label="Number i of its z", doc="i: which number of z is changed")

    def __init__(self, model: draw.DRAW, **params):
        self.param.t.bounds, self.param.i.bounds = (1, model.config.steps), (1, model.config.latent)
        super().__init__(model, **params)
        if "i" not in params:  # one that shows something
            self.i = 1 + int(self.sheet(0).slopes.abs().flatten(1).mean(1).argmax())

    def sheet(self, number: int) -> Changed:
        original = self.noise(1, 0)
        z = original.repeat(1, len(VALUES), 1)
        z[self.t - 1, :, self.i - 1] = VALUES
        nearest = int((VALUES - original[self.t - 1, 0, self.i - 1]).abs().argmin())
        slopes = latents.slopes(self.model, original.to(device_of(self.model)), self.t, label=self.known)
        return Changed(self.drawn(z), sheet=number, coordinate=self.i, slopes=kept(slopes), meant=nearest)


class Interpolator(Experiment):
    """Images from A to B, each of them new or a printed digit that the network reads."""

    a = param.Selector(default=NOISE, objects=ENDS, label="Image A", doc=ENDS_WORDS)
    b = param.Selector(default=NOISE, objects=ENDS, label="Image B", doc=ENDS_WORDS)
    n = param.Integer(default=9, bounds=(3, 15), label="Images, n", doc="n: images in the row, A and B included")

    def __init__(self, model: draw.DRAW, digits: Tensor, **params):
        self.digits = digits
        super().__init__(model, **params)

    def sheet(self, number: int) -> Between:
        a, b, share = self.end(self.a, 0), self.end(self.b, 1), torch.linspace(0, 1, self.n)
        turned, straight = latents.slerp(a, b, share), torch.lerp(a, b, share[:, None])
        lengths = {"turned": turned.norm(dim=(0, 2)), "straight": straight.norm(dim=(0, 2))}
        return Between(self.drawn(turned), sheet=number, share=share, **lengths)

    def end(self, which: int, number: int) -> Tensor:
        """z of one end [T, 1, latent]: noise, or what the network makes of a digit, which is as long as noise is."""
        if which == NOISE:
            return self.noise(1, number)
        device = device_of(self.model)
        digit, source = self.digits[which : which + 1].to(device), noise(10_000 * self.seed + number, device)
        with torch.no_grad():
            return kept(self.model(digit, labels=self.labels(1), generator=source).z)

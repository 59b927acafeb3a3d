"""The tab *Latents*: three experiments with z: resample it from a glimpse onwards, change one number, interpolate.

At first the images are finished, so the effect of a control is visible immediately. Then they are drawn again, stroke
by stroke.
"""

from dataclasses import dataclass, replace
from typing import Any

import param
import torch
from torch import Tensor

from labkit import draw
from labkit.draw import latents
from labkit.experiments.devices import kept, noise
from labkit.experiments.draw.drawing import Drawing, device_of, onwards
from labkit.experiments.draw.images import printed
from labkit.experiments.settings import ExperimentSettings, Linkable, RegistrySelector
from labkit.experiments.shared import Latest, once

VALUES = torch.linspace(-3, 3, 7)  # values of one number of z: three standard deviations to each side
NOISE = -1  # replaces a printed digit: an image from the prior
ENDS = {"a new image": NOISE} | {f"a printed {k}": k for k in range(10)}
ENDS_WORDS = "A new image, or a printed digit as the network reads and draws it."


@dataclass(frozen=True, eq=False, kw_only=True)
class Resampled(Drawing):
    """Images that share z_1 .. z_{glimpse - 1}, the original first.

    Attributes:
        spread: standard deviation of a pixel over finished images that share z before t, for t = 1 .. T + 1, (T + 1,).
        marked: index of the original.
    """

    glimpse: int
    spread: Tensor
    marked: int = 0

    @property
    def deviation(self) -> Tensor:
        """Standard deviation of each pixel over the images as they are now, (C, H, W)."""
        return self.canvas(self.shown).std(0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Traversed(Drawing):
    """Images that differ in one number of z.

    Attributes:
        coordinate: index of that number, counted from 1.
        slopes: derivatives of the original with respect to the numbers of that glimpse's z, (latent, C, H, W).
        marked: index of the image whose value is nearest to the original's.
    """

    coordinate: int
    slopes: Tensor
    marked: int

    @property
    def effects(self) -> Tensor:
        """How much each number of that z changes the image: mean |slope| over the pixels, (latent,)."""
        return self.slopes.abs().flatten(1).mean(1)


@dataclass(frozen=True, eq=False, kw_only=True)
class Interpolated(Drawing):
    """Images from A, the first, to B, the last.

    Attributes:
        share: share of B in each, 0 to 1, (n,).
        turned: length of all z of each image on the sphere, (n,).
        straight: length of all z of each image on the straight line, (n,).
        marked: None, because no image is marked.
    """

    share: Tensor
    turned: Tensor
    straight: Tensor
    marked: None = None


class SharedSettings(ExperimentSettings[Drawing]):
    """Settings that the three experiments share. A subclass defines `sheet`."""

    seed = param.Integer(
        default=0, bounds=(0, 9999), label="Seed", doc="Random seed. The same seed gives the same images."
    )
    label = param.Integer(default=0, bounds=(0, 999), doc="Class given to the network, if it has classes.")

    def __init__(self, model: draw.DRAW, **params: Any):
        self.model = model
        super().__init__(**params)

    def start(self) -> Drawing:
        """Return the first images, finished."""
        first = self.sheet(0)
        return replace(first, stroke=first.steps + 1)

    def sheet(self, number: int) -> Drawing:
        """Return the images of one sheet, before their first stroke."""
        raise NotImplementedError(f"{type(self).__name__} must define sheet(number)")

    def step(self, state: Drawing) -> Drawing:
        """Return the state after the next stroke; after the last stroke the next sheet starts."""
        return onwards(state, self.sheet)

    @property
    def known(self) -> int | None:
        """The class given to the network, None for a network without classes."""
        classes = self.model.config.classes
        return min(self.label, classes - 1) if classes else None

    def labels(self, n: int) -> Tensor | None:
        """Return the class of each of n images, (n,); None for a network without classes."""
        return None if self.known is None else torch.full((n,), self.known, device=device_of(self.model))

    def noise(self, n: int, number: int) -> Tensor:
        """Return z for n images [T, n, latent]; every sheet number has other random numbers."""
        source = noise(10_000 * self.seed + number, "cpu")
        return torch.randn(self.model.config.steps, n, self.model.config.latent, generator=source)

    def drawn(self, z: Tensor) -> draw.Trace:
        """Return the network's pass for z [T, n, latent], in main memory."""
        with torch.no_grad():
            return kept(self.model.generate(z.shape[1], z=z.to(device_of(self.model)), labels=self.labels(z.shape[1])))


class ResampleSettings(SharedSettings):
    """Settings for one image and others that keep its z before glimpse t; every sheet resamples the rest."""

    t = param.Integer(
        default=1, bounds=(1, None), label="Resample from glimpse t",
        doc="First glimpse t whose z is resampled. The slider goes one further than the last glimpse: there no z is "
        "new, so all images are equal.",
    )  # fmt: skip
    n = param.Integer(default=16, bounds=(2, 64), label="Images, n", doc="Number n of images, with the framed one.")
    reveal = param.Boolean(
        default=True, label="Show the spread",
        doc="The curve: how much the finished images differ, for every t. Lessons hide it while they ask.",
    )  # fmt: skip

    def __init__(self, model: draw.DRAW, **params: Any):
        self.param.t.bounds = (1, model.config.steps + 1)
        self._spread = Latest[Tensor]()  # independent of t, so it is kept when t changes
        first = min(3, model.config.steps + 1)
        super().__init__(model, **{"t": first} | params)
        self.param.t.default = first  # a lesson or a link without `t` returns to it

    def sheet(self, number: int) -> Resampled:
        """Return the original and images with new noise."""
        original = self.noise(1, 0)
        others = self.noise(self.n, number + 1)
        others[:, :1] = original
        both = (z.to(device_of(self.model)) for z in (original, others))
        label = self.known
        key = self.seed, number, self.n, label

        def find() -> Tensor:
            return kept(latents.spread(self.model, *both, label=label))

        spread = self._spread.take(key, lambda: once(self.model, ("spread", *key), find))
        trace = self.drawn(latents.resample(original, self.t, others))
        return Resampled(trace, sheet=number, glimpse=self.t, spread=spread)


class TraverseSettings(SharedSettings):
    """Settings for a latent traversal: one image, and how it changes with the value of z_{t,i}."""

    t = param.Integer(default=1, bounds=(1, None), label="Glimpse t", doc="Glimpse t whose z is changed.")
    i = param.Integer(default=1, bounds=(1, None), label="Number i of z", doc="Number i of z that is changed.")

    def __init__(self, model: draw.DRAW, **params: Any):
        self.param.t.bounds, self.param.i.bounds = (1, model.config.steps), (1, model.config.latent)
        super().__init__(model, **params)
        if "i" not in params:  # choose a number with a visible effect
            self.i = 1 + int(self.sheet(0).effects.argmax())
            self.param.i.default = self.i  # a lesson or a link without `i` returns to it

    def sheet(self, number: int) -> Traversed:
        """Return one image per value in `VALUES`."""
        original = self.noise(1, 0)
        z = original.repeat(1, len(VALUES), 1)
        z[self.t - 1, :, self.i - 1] = VALUES
        nearest = int((VALUES - original[self.t - 1, 0, self.i - 1]).abs().argmin())

        def find() -> Tensor:
            return kept(latents.slopes(self.model, original.to(device_of(self.model)), self.t, label=self.known))

        slopes = once(self.model, ("slopes", self.seed, self.t, self.known), find)
        return Traversed(self.drawn(z), sheet=number, coordinate=self.i, slopes=slopes, marked=nearest)


class InterpolateSettings(SharedSettings):
    """Settings for images from A to B. Each end is a new image, or a printed digit that the network reads.

    Args:
        digits: images to read, (10, C, H, W) in [0, 1]; by default printed digits.
    """

    a: "param.Selector[int]" = param.Selector(default=NOISE, objects=ENDS, label="Image A", doc=ENDS_WORDS)
    b: "param.Selector[int]" = param.Selector(default=NOISE, objects=ENDS, label="Image B", doc=ENDS_WORDS)
    n = param.Integer(default=9, bounds=(3, 15), label="Images, n", doc="Number n of images in the row, with A and B.")

    def __init__(self, model: draw.DRAW, digits: Tensor | None = None, **params: Any):
        self.digits = printed(model.config) if digits is None else digits
        super().__init__(model, **params)

    def sheet(self, number: int) -> Interpolated:
        """Return the images at evenly spaced shares of B."""
        a, b, share = self.end(self.a, 0), self.end(self.b, 1), torch.linspace(0, 1, self.n)
        turned, straight = latents.slerp(a, b, share), torch.lerp(a, b, share[:, None])
        lengths = {"turned": turned.norm(dim=(0, 2)), "straight": straight.norm(dim=(0, 2))}
        return Interpolated(self.drawn(turned), sheet=number, share=share, **lengths)

    def end(self, which: int, number: int) -> Tensor:
        """Return z of one end [T, 1, latent]: noise, or z inferred from a digit, which has about the same length."""
        if which == NOISE:
            return self.noise(1, number)
        device = device_of(self.model)
        digit, source = self.digits[which : which + 1].to(device), noise(10_000 * self.seed + number, device)
        with torch.no_grad():
            return kept(self.model(digit, labels=self.labels(1), generator=source).z)


DONE = (
    "What is done with the random vectors z. Resample: images share the first part of z, and you choose how much. "
    "Change: one number of one z changes, and you see its effect. Interpolate: z goes from one image to another."
)
EXPERIMENTS: dict[str, type[SharedSettings]] = {
    "Resample z from a glimpse onwards": ResampleSettings,
    "Change one latent": TraverseSettings,
    "Interpolate between two images": InterpolateSettings,
}


class LatentsSettings(ExperimentSettings[Drawing]):
    """Settings of the tab: the chosen experiment. Each experiment has separate settings."""

    experiment = RegistrySelector(EXPERIMENTS, label="Experiment", doc=DONE)

    def __init__(self, model: draw.DRAW, **params: Any):
        self.model = model
        self._made: dict[str, SharedSettings] = {}
        super().__init__(**params)

    @property
    def chosen(self) -> SharedSettings:
        """The settings of the current experiment, made when it is first chosen."""
        if self.experiment not in self._made:
            self._made[self.experiment] = EXPERIMENTS[self.experiment](self.model)
        return self._made[self.experiment]

    @property
    def owners(self) -> tuple[Linkable, ...]:
        """The choice of the experiment, and the settings of the chosen one."""
        return self, self.chosen

    def start(self) -> Drawing:
        """Return the first images of the current experiment, finished."""
        return self.chosen.start()

    def step(self, state: Drawing) -> Drawing:
        """Return the state after the next stroke."""
        return self.chosen.step(state)

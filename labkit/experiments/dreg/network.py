"""The tab *Network*: the noise of a trained VAE's gradient against K, measured on a few images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import param
import torch
from torch import Tensor

from labkit import data, models
from labkit.dreg import ESTIMATORS, VAE, replicates
from labkit.dreg.replicates import SIZES
from labkit.experiments import titles
from labkit.experiments.devices import kept, moved, noise
from labkit.experiments.dreg import parameters
from labkit.experiments.dreg.variance import slope
from labkit.experiments.settings import ExperimentSettings
from labkit.training import schedules

IMAGES = 8
ROWS = 2048  # images x samples per step: about 40 ms with the original's sizes
SLOPES_FROM = 8  # smallest K for the slopes
QUANTITIES = {"variance": lambda state: state.variance, "SNR": lambda state: state.snr}
NONE = (
    "no trained VAE was found; make one in a minute with labkit train vae --data digits --preset small, then reload "
    "this page"
)


@dataclass(frozen=True, eq=False)
class Subject:
    """A network, the images for its gradients, and a description of them."""

    model: VAE
    images: Tensor
    words: str


@dataclass(frozen=True, eq=False)
class GradientNoise:
    """Measurements of each estimator at each K, with the interface of `variance.Measured`."""

    subject: Subject
    total: replicates.State

    @property
    def t(self) -> int:
        return self.total.t

    @property
    def estimators(self) -> tuple[str, ...]:
        return self.total.estimators

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.total.sizes

    def values(self, quantity: str) -> Tensor:
        return QUANTITIES[quantity](self.total)

    def interval(self, quantity: str) -> tuple[Tensor, Tensor]:
        """Return no interval: NaN."""
        none = torch.full_like(self.values(quantity), torch.nan)
        return none, none

    def doubted(self, quantity: str) -> list[list[int]]:
        """Return empty lists, because there are no bands."""
        return [[] for _ in self.estimators]

    def truths(self, quantity: str) -> Tensor:
        """Return no exact values, [0, S]: none are known for a network."""
        return torch.zeros(0, len(self.sizes), dtype=torch.float64)

    def slopes(self, quantity: str) -> list[float]:
        return [slope(self.sizes, row, SLOPES_FROM) for row in self.values(quantity)]


class NetworkSettings(ExperimentSettings[GradientNoise]):
    """The network and the estimators: the settings, `start()` and `step(state)`.

    Args:
        networks: name -> argument of `labkit.load_checkpoint`, for VAEs.
        device: the device that computes.
    """

    network: "param.Selector[str | None]" = param.Selector(
        objects=[],
        label="Network",
        doc="A trained VAE: one that comes with labkit, or one that you trained (page Runs).",
    )
    quantity: "param.Selector[str]" = param.Selector(
        objects=list(QUANTITIES), label="Quantity",
        doc="What is shown of the gradient in mu and sigma of q. Variance: averaged over coordinates. SNR "
        "(signal-to-noise ratio): |mean| divided by the noise, which is the root of the summed variance.",
    )  # fmt: skip
    estimators = parameters.estimators()
    seed = parameters.seed()

    def __init__(
        self,
        networks: Mapping[str, str | Path] | None = None,
        sizes: Sequence[int] = SIZES,
        device: str = "cpu",
        **params: Any,
    ):
        self.networks, self.sizes, self.device = dict(networks or {}), tuple(sizes), device
        self._subjects: dict[str, Subject] = {}
        super().__init__(**params)
        self.param.network.objects = titles.offered(self.networks, titles.NETWORKS)
        first = next(iter(self.networks), None)
        self.network = self.network or first
        self.param.network.default = first  # a lesson or a link without a network returns to it

    def subject(self) -> Subject:
        """Return the chosen network with its images, loaded once.

        Raises:
            ValueError, OSError: there is no network, or it cannot be loaded.
        """
        if self.network is None:
            raise ValueError(NONE)
        if self.network not in self._subjects:
            where = self.networks[self.network]
            model = models.load_checkpoint(where).requires_grad_(False).float()
            images, words = images_of(model, models.card(where).get("data", "mnist"))
            self._subjects[self.network] = Subject(model.to(self.device), images.to(self.device), words)
        return self._subjects[self.network]

    def start(self) -> GradientNoise:
        """Return the state after the first replicates."""
        subject = self.subject()
        chosen = [name for name in ESTIMATORS if name in self.estimators]
        return self.step(GradientNoise(subject, kept(replicates.start(subject.model, IMAGES, chosen, self.sizes))))

    def step(self, state: GradientNoise) -> GradientNoise:
        """Return the state after more replicates, at least two per step."""
        some = max(2, ROWS // (self.sizes[-1] * IMAGES))
        source = noise(schedules.seed("network", self.seed, state.t), self.device)
        model, x, before = state.subject.model, state.subject.images, moved(state.total, self.device)
        return replace(state, total=kept(replicates.step(before, model, x, generator=source, replicates=some)))


def images_of(model: VAE, name: str) -> tuple[Tensor, str]:
    """Return a few binarised test images of the network's data set, or images of the network if the set is missing; and
    a description.

    Raises:
        ValueError: a network for half images cannot make images alone.
    """
    c, source = model.config, noise(0, "cpu")
    own = "mnist" if name == "struct_mnist" else name
    try:
        found = data.load(own, "test")[0][:IMAGES].float() / 255
        words = f"the first {IMAGES} test images of {titles.DATA.get(own, own)}"
    except (OSError, ValueError):
        found = None
    if found is None or found.shape[1:] != (1, c.height, c.width):
        if c.halves:
            raise ValueError(
                f"the data set {own} is missing, and this network completes its images; run labkit data fetch {own}"
            )
        found = model.generate(IMAGES, generator=source)
        words = (
            f"{IMAGES} images that the network drew itself, because its data set, {titles.DATA.get(own, own)}, does "
            "not come with labkit (the terminal command “labkit data list” shows all)"
        )
    return torch.bernoulli(found, generator=source), words


def reconstructed(subject: Subject) -> Tensor:
    """Return the pixel means at the mean of q, (B, 1, H, W); a network for half images keeps the given half."""
    model, flat = subject.model, subject.images.flatten(1)
    with torch.no_grad():
        given, _ = model.split(flat)
        made = model.logits(model.infer(flat)[0], given).sigmoid()
    return model.whole(made, given).view_as(subject.images)

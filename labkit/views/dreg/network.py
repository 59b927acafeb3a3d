"""The tab *Network*: the noise of a trained VAE's gradient against K, measured on a few images."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import holoviews as hv
import panel as pn
import param
import torch
from PIL import Image
from torch import Tensor

from labkit import data, models
from labkit.dreg import ESTIMATORS, VAE, replicates
from labkit.dreg.replicates import SIZES
from labkit.experiments.devices import kept, moved, noise
from labkit.training import schedules
from labkit.views import fields, sheets
from labkit.views.dreg.law import Law
from labkit.views.dreg.measuring import slope
from labkit.views.scenes import Scene

IMAGES = 8
ROWS = 2048  # images x samples of a step: about 40 ms with the original's sizes
SLOPES_FROM = 8  # K
DEFAULTS = ["iwae", "stl", "dreg", "rws-dreg"]
QUANTITIES = {"variance": lambda state: state.variance, "SNR": lambda state: state.snr}
NONE = (
    "no trained VAE is here yet; labkit train vae --data digits --preset small makes one in a minute, offline: reload "
    "this page then"
)


@dataclass(frozen=True, eq=False)
class Stand:
    """A network and the images that it is measured on, with what they are in words."""

    model: VAE
    images: Tensor
    words: str


@dataclass(frozen=True, eq=False)
class Noise:
    """What the replicates so far have told, as `Law` asks for it."""

    stand: Stand
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
        """None is told: NaN."""
        none = torch.full_like(self.values(quantity), torch.nan)
        return none, none

    def doubted(self, quantity: str) -> list[list[int]]:
        """There is no band anywhere."""
        return [[] for _ in self.estimators]

    def truths(self, quantity: str) -> Tensor:
        """Nothing exact is known of a network: [0, S]."""
        return torch.zeros(0, len(self.sizes), dtype=torch.float64)

    def slopes(self, quantity: str) -> list[float]:
        return [slope(self.sizes, row, SLOPES_FROM) for row in self.values(quantity)]


class Bench(param.Parameterized):
    """Which network, which estimators: the settings, `start()` and `step(state)`.

    Args:
        networks: name -> what `labkit.load_checkpoint` takes, VAEs all.
        device: where the network computes.
    """

    network = param.Selector(objects=[], label="Network", doc="a trained VAE, of labkit or of a run")
    quantity = param.Selector(
        objects=list(QUANTITIES), label="Quantity",
        doc="of the gradient in mu and sigma of q: variance, a mean over them; SNR, |mean| over the root of the summed "
        "variance",
    )  # fmt: skip
    estimators = param.ListSelector(
        default=DEFAULTS, objects=list(ESTIMATORS), label="Estimators", doc="all from the same samples"
    )
    seed = param.Integer(default=0, bounds=(0, 9999), label="Seed", doc="the same seed draws the same replicates")

    def __init__(
        self,
        networks: Mapping[str, str | Path] | None = None,
        sizes: Sequence[int] = SIZES,
        device: str = "cpu",
        **params,
    ):
        self.networks, self.sizes, self.device = dict(networks or {}), tuple(sizes), device
        self._stands: dict[str, Stand] = {}
        super().__init__(**params)
        self.param.network.objects = list(self.networks)
        self.network = self.network or next(iter(self.networks), None)

    def stand(self) -> Stand:
        """The chosen network with its images, loaded once.

        Raises:
            ValueError, OSError: there is no network, or it cannot be had.
        """
        if self.network is None:
            raise ValueError(NONE)
        if self.network not in self._stands:
            where = self.networks[self.network]
            model = models.load_checkpoint(where).requires_grad_(False).float()
            images, words = images_of(model, models.card(where).get("data", "mnist"))
            self._stands[self.network] = Stand(model.to(self.device), images.to(self.device), words)
        return self._stands[self.network]

    def start(self) -> Noise:
        """The first replicates."""
        stand = self.stand()
        chosen = [name for name in ESTIMATORS if name in self.estimators]
        return self.step(Noise(stand, kept(replicates.start(stand.model, IMAGES, chosen, self.sizes))))

    def step(self, state: Noise) -> Noise:
        """Some replicates more; at least two a step."""
        some = max(2, ROWS // (self.sizes[-1] * IMAGES))
        source = noise(schedules.seed("network", self.seed, state.t), self.device)
        model, x, before = state.stand.model, state.stand.images, moved(state.total, self.device)
        return replace(state, total=kept(replicates.step(before, model, x, generator=source, replicates=some)))


def images_of(model: VAE, name: str) -> tuple[Tensor, str]:
    """A few test images of the network's own data set, else of its own making, binarised; and which they are.

    Raises:
        ValueError: a network with halves cannot make images by itself.
    """
    c, source = model.config, noise(0, "cpu")
    own = "mnist" if name == "struct_mnist" else name
    try:
        found = data.load(own, "test")[0][:IMAGES].float() / 255
        words = f"the first {IMAGES} test images of {own}"
    except (OSError, ValueError):
        found = None
    if found is None or found.shape[1:] != (1, c.height, c.width):
        if c.halves:
            raise ValueError(f"{own} is not here and this network goes on from its images; labkit data fetch {own}")
        found, words = model.generate(IMAGES, generator=source), f"{IMAGES} that it drew itself, for {own} is not here"
    return torch.bernoulli(found, generator=source), words


class Noises(Law):
    """Measured lines with names and slopes; nothing exact is known."""

    def picture(self, state: Noise) -> hv.Overlay:
        picture = super().picture(state)
        return picture.opts(xlabel="samples K", title=f"{self.quantity} of the network's gradient")


class Network(Scene):
    """Estimators on a trained VAE."""

    speed, saves, looks = 30, ("png", "curves"), ("quantity",)
    words = (
        "The same laws on a trained network: its gradient in mu and sigma of q(z | x), of a few images that stay. Each "
        "step draws replicates of 64 samples; K takes the first K of them. Beside each name stands its slope over "
        f"K &ge; {SLOPES_FROM}: nothing here is exact, and how far q is from the posterior decides what holds."
    )

    def __init__(self, settings: Bench | None = None, **params):
        super().__init__(settings or Bench(), **params)

    def views(self) -> list:
        return [Noises(self.settings)]

    def status(self, state: Noise) -> str:
        return f"{state.total.n:,} replicates"

    def remarks(self) -> str:
        try:
            stand = self.settings.stand()
        except (ValueError, OSError):  # the player says why it cannot start
            return ""
        mean = reconstructed(stand)
        strip = sheets.sheet(kept(torch.cat([stand.images, mean])), IMAGES, scale=max(1, 56 // mean.shape[-1]))
        file = io.BytesIO()
        Image.fromarray(strip).save(file, format="png")
        source = base64.b64encode(file.getvalue()).decode()
        return (
            f"Its images, {html.escape(stand.words)}, and below what it makes of the mean of q:<br>"
            f'<img alt="images and their reconstructions" style="max-width: 100%" src="data:image/png;base64,{source}">'
        )

    def controls(self) -> list:
        s = self.settings
        names = pn.widgets.CheckBoxGroup.from_param(s.param.estimators, margin=(0, 12))
        heading = pn.pane.HTML("Estimators", margin=(4, 10, 0, 10))
        return [fields.choice(s, "network"), fields.choice(s, "quantity"), fields.number(s, "seed"), heading, names]


def reconstructed(stand: Stand) -> Tensor:
    """Means of the pixels at the mean of q, (B, 1, H, W); of halves the given half as it is."""
    model, flat = stand.model, stand.images.flatten(1)
    with torch.no_grad():
        given, _ = model.split(flat)
        made = model.logits(model.infer(flat)[0], given).sigmoid()
    return model.whole(made, given).view_as(stand.images)

"""Variational autoencoders with one or two layers of Gaussian latents and Bernoulli pixels.

    z_L ~ N(0, I), ..., z_1 ~ p(z_1 | z_2),   x ~ p(x | z_1)            the generative half
    q(z_1 | x), q(z_2 | z_1), ...                                       the inference half

The one-layer network is from Tucker et al. 2019 (section 6), both sizes are from Burda et al. 2016 (section 5).
With `halves` one half of the image is given and the other is generated: p(z | given) and p(rest | z, given).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from labkit.dreg import control

DEVIATIONS = ("softplus", "exp")
HALVES = ("", "bottom", "original")
CLIPPED = 1e-3  # smallest mean pixel at which the output starts; 1 minus this is the largest
RAW_BIAS = 0.25  # softplus(RAW_BIAS) = .83, so standard deviations start near 1


@dataclass(frozen=True)
class Config:
    """The sizes and options of a network.

    Args:
        height, width: size of the images in pixels.
        latent: units of each layer of latents, the layer next to the image first.
        hidden: units of the two tanh layers on both sides of each layer of latents.
        deviation: "softplus" of the network's output + .25 (Tucker et al.) or its "exp" (Burda et al.).
        halves: "" for whole images; "bottom" generates the bottom half from the top; "original" repeats the published
            code, which generates the top from the bottom but exchanges the statistics of the halves.
        controls: whether the network also has the control variates of dreg-cv.

    Raises:
        ValueError: a number is not a whole number >= 1, a name is unknown, or halves are used with an odd height.
    """

    height: int = 28
    width: int = 28
    latent: Sequence[int] = (50,)
    hidden: Sequence[int] = (200,)
    deviation: str = "softplus"
    halves: str = ""
    controls: bool = False

    def __post_init__(self) -> None:
        for name in ("latent", "hidden"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON has lists, but tuples can be compared
        sizes = {"height": [self.height], "width": [self.width], "latent": self.latent, "hidden": self.hidden}
        for name, values in sizes.items():
            if not values or any(not isinstance(v, int) or isinstance(v, bool) or v < 1 for v in values):
                raise ValueError(f"{name} must be whole numbers >= 1, got {getattr(self, name)!r}")
        if len(self.latent) != len(self.hidden):
            raise ValueError(f"hidden must have one number per layer, {len(self.latent)} in all, got {self.hidden}")
        for name, known in {"deviation": DEVIATIONS, "halves": HALVES}.items():
            if getattr(self, name) not in known:
                names = ", ".join(map(repr, known))
                raise ValueError(f"{name} must be one of {names}, got {getattr(self, name)!r}")
        if self.halves and (len(self.latent) > 1 or self.height % 2):
            raise ValueError(
                f"halves need an even height and one layer of latents, got {self.height} and {len(self.latent)}"
            )

    @property
    def pixels(self) -> int:
        """The number of pixels in an image, height x width."""
        return self.height * self.width


PRESETS = {
    "original": Config(),
    "burda-1": Config(deviation="exp"),
    "burda-2": Config(latent=(100, 50), hidden=(200, 100), deviation="exp"),
    "small": Config(latent=(10,), hidden=(64,)),
}


def preset(name: str) -> Config:
    """Return the `Config` with a name in `PRESETS`.

    Raises:
        ValueError: the name is unknown.
    """
    if name not in PRESETS:
        raise ValueError(f"the network must be one of {', '.join(PRESETS)}, got {name!r}")
    return PRESETS[name]


class Perceptron(nn.Sequential):
    """Two tanh layers and a linear one, with Glorot uniform weights and zero biases."""

    def __init__(self, inputs: int, hidden: int, outputs: int):
        sizes = [(inputs, hidden), (hidden, hidden), (hidden, outputs)]
        layers = [nn.Linear(*size) for size in sizes]
        for layer in layers:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        super().__init__(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


class ConditionalNormal(nn.Module):
    """A map from [..., inputs] to mu and sigma [..., latent] of a Normal with independent coordinates."""

    def __init__(self, inputs: int, hidden: int, latent: int, deviation: str):
        super().__init__()
        self.net, self.deviation = Perceptron(inputs, hidden, 2 * latent), deviation

    def forward(self, given: Tensor) -> tuple[Tensor, Tensor]:
        mu, raw = self.net(given).chunk(2, -1)
        return mu, raw.exp() if self.deviation == "exp" else softplus(raw + RAW_BIAS)


class VAE(nn.Module):
    """The networks of a `Config`; `labkit.dreg.passes` runs them.

    Attributes:
        q: for each layer of latents the network of its posterior, from the image or the layer below.
        p: for each layer except the last the network of its prior, from the layer above; with `halves` also for the
            last layer, from the given half.
        pixels: the network of the pixels' logits.
        controls: the control variates of dreg-cv, or None.
    """

    mean: Tensor  # mean of the images, flat

    def __init__(self, config: Config = Config()):  # noqa: B008  frozen
        super().__init__()
        self.config = c = config
        image = c.pixels // 2 if c.halves else c.pixels
        inputs = (c.pixels, *c.latent)
        self.q = nn.ModuleList(map(ConditionalNormal, inputs, c.hidden, c.latent, [c.deviation] * len(c.latent)))
        above = list(zip(c.latent[1:], c.hidden[1:], c.latent[:-1], strict=True))
        if c.halves:
            above.append((image, c.hidden[0], c.latent[0]))
        self.p = nn.ModuleList(ConditionalNormal(*size, c.deviation) for size in above)
        self.pixels = Perceptron(c.latent[0] + (image if c.halves else 0), c.hidden[0], image)
        self.controls = control.start() if c.controls else None
        self.register_buffer("mean", torch.full((c.pixels,), 0.5))

    def begin_at(self, images: Tensor) -> None:
        """Centre the inputs at the mean of images (N, 1, H, W) in [0, 1], and start the outputs there.

        Raises:
            ValueError: the images have another size, or are not in [0, 1].
        """
        mean = images.to(self.mean.dtype).mean(0).flatten()
        if mean.shape != self.mean.shape or not bool(((mean >= 0) & (mean <= 1)).all()):
            c = self.config
            raise ValueError(
                f"images must be (N, 1, {c.height}, {c.width}) in [0, 1], got {tuple(images.shape)} "
                f"with mean {mean.mean():.4g}; resize or rescale them"
            )
        self.mean.copy_(mean)

    @property
    def inference(self) -> list[Tensor]:
        """The parameters of q."""
        return list(self.q.parameters())

    @property
    def generative(self) -> list[Tensor]:
        """The parameters of p."""
        return [*self.p.parameters(), *self.pixels.parameters()]

    def split(self, x: Tensor) -> tuple[Tensor | None, Tensor]:
        """Return the given part and the part to generate of flat images (..., pixels)."""
        if not self.config.halves:
            return None, x
        top, bottom = x.chunk(2, -1)
        return (bottom, top) if self.config.halves == "original" else (top, bottom)

    def whole(self, made: Tensor, given: Tensor | None) -> Tensor:
        """Return flat images (..., pixels) from the generated and the given part, the inverse of `split`."""
        if given is None:
            return made
        return torch.cat([made, given] if self.config.halves == "original" else [given, made], -1)

    def infer(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mu and sigma of q(z_1 | x), [..., latent]."""
        return self.q[0](x - self.mean)

    def prior(self, layer: int, z: list[Tensor], given: Tensor | None) -> tuple[Tensor, Tensor] | None:
        """Return mu and sigma of the prior of z[layer], or `None` for N(0, I)."""
        if layer + 1 < len(self.config.latent):
            return self.p[layer](z[layer + 1])
        if given is None:
            return None
        top, bottom = self.mean.chunk(2)
        return self.p[-1](given - top)  # the published code does this too, although there the bottom is given

    def logit_mean(self) -> Tensor:
        """Return the start of the logits of the generated pixels, [pixels]; no pixel starts at 0 or 1."""
        mean = self.mean.clamp(CLIPPED, 1 - CLIPPED).logit()
        return mean.chunk(2)[1] if self.config.halves else mean

    def logits(self, z: Tensor, given: Tensor | None) -> Tensor:
        """Return the logits of the generated pixels, [..., pixels]."""
        if given is not None:
            z = torch.cat([z, given.expand(*z.shape[:-1], -1)], -1)
        return self.pixels(z) + self.logit_mean()

    def log_pixels(self, z: Tensor, given: Tensor | None, x: Tensor) -> Tensor:
        """Return log p(x | z) of the generated pixels, [...], in nats: Bernoulli with these logits."""
        logits = self.logits(z, given)
        return (x * logits - softplus(logits)).sum(-1)

    @torch.no_grad()
    def generate(self, n: int, *, given: Tensor | None = None, generator: torch.Generator | None = None) -> Tensor:
        """Return the means of n images sampled from p, (n, 1, H, W) in [0, 1].

        Args:
            given: images (n, 1, H, W) in [0, 1] whose half is given, for a network with halves.
            generator: the source of the latents.

        Raises:
            ValueError: n < 1; images are missing, not needed, or have another number or size.
        """
        c, like = self.config, self.mean
        if n < 1:
            raise ValueError(f"n must be >= 1, got {n}; it is the number of images")
        if bool(c.halves) != (given is not None) or (given is not None and given.shape != (n, 1, c.height, c.width)):
            wanted = f"images (n, 1, {c.height}, {c.width})" if c.halves else "None"
            got = None if given is None else tuple(given.shape)
            raise ValueError(f"given must be {wanted} for this network, got {got}")
        half = None if given is None else self.split(given.flatten(1))[0]
        z: list[Tensor] = [torch.empty(0)] * len(c.latent)
        for layer in reversed(range(len(c.latent))):
            noise = torch.randn(n, c.latent[layer], generator=generator, device=like.device, dtype=like.dtype)
            of = self.prior(layer, z, half)
            z[layer] = noise if of is None else of[0] + of[1] * noise
        return self.whole(self.logits(z[0], half).sigmoid(), half).view(n, 1, c.height, c.width)


def log_normal(z: Tensor, mu: Tensor, sigma: Tensor) -> Tensor:
    """Return log N(z; mu, sigma^2), summed over the last axis, in nats."""
    away = (z - mu) / sigma
    return -(0.5 * away * away + sigma.log()).sum(-1) - 0.5 * math.log(2 * math.pi) * z.shape[-1]


def log_standard(z: Tensor) -> Tensor:
    """Return log N(z; 0, I), summed over the last axis, in nats."""
    return -0.5 * (z * z).sum(-1) - 0.5 * math.log(2 * math.pi) * z.shape[-1]

"""DRAW has an encoder that reads an image several times, and a decoder that paints it step by step.

For t = 1 .. T, with the canvas c_0 and the decoder's h_0 given (Gregor et al. 2015, equations 3 to 8):

    x^ = x - sigmoid(c_{t-1})                       what is not painted yet
    r_t = [read(x), read(x^)]                       through a window that the decoder chose
    h_enc = LSTM(h_enc, [r_t, h_dec])
    z_t ~ N(mu(h_enc), sigma(h_enc)^2)              new noise at every step
    h_dec = LSTM(h_dec, z_t)
    c_t = c_{t-1} + write(h_dec)                    logits of the pixels

The cost of an image x is the bound L = -log p(x | c_T) + sum_t KL(q(z_t) | N(0, I)) in nats (9 to 12).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from labkit import arrays
from labkit.draw import attention, fast
from labkit.draw.attention import Window
from labkit.draw.config import Config
from labkit.draw.lstm import LSTM, Parts
from labkit.draw.precision import Exact
from labkit.draw.trace import Drawn, Looked, Losses, Trace, divergence, negative_log_likelihood
from labkit.pixels import conversion


class DRAW(nn.Module):
    """The network of a `Config`; `model(x)` and `model.generate(n)` return a `Trace`."""

    operations = fast.OPERATIONS
    canvas: Tensor

    def __init__(self, config: Config = Config()):  # noqa: B008  frozen
        super().__init__()
        self.config = c = config
        self._read_size = 2 * (c.pixels if c.read is None else c.channels * c.read**2)
        self._write_size = c.pixels if c.write is None else c.channels * c.write**2
        self.encoder = LSTM(self._read_size + c.hidden, c.hidden)
        self.posterior = nn.Linear(c.hidden, 2 * c.latent)
        self.decoder = LSTM(c.latent, c.hidden)
        self.stroke = nn.Linear(c.hidden, self._write_size)
        self.write_head = None if c.write is None else nn.Linear(c.hidden, 5)
        self.read_head = None if c.read is None else nn.Linear(c.hidden, 5)
        # the label is part of the input of both LSTMs, as a one-hot vector
        self.encoder_label = nn.Embedding(c.classes, 4 * c.hidden) if c.classes else None
        self.decoder_label = nn.Embedding(c.classes, 4 * c.hidden) if c.classes else None
        first = torch.zeros(c.channels, c.height, c.width)
        if c.canvas == "learned":
            self.canvas = nn.Parameter(first)
        else:
            self.register_buffer("canvas", first, persistent=c.canvas == "data")

    def begin_at(self, images: Tensor) -> None:
        """Set the first canvas to the mean of these images (N, C, H, W) in [0, 1], for `canvas="data"`.

        Raises:
            ValueError: the network has another kind of canvas, or the images have another size or range.
        """
        if self.config.canvas != "data":
            raise ValueError(
                f'begin_at needs a network with canvas="data", this one has "{self.config.canvas}"; '
                'set canvas="data" in its Config'
            )
        mean = images.to(self.canvas.dtype).mean(0)
        if mean.shape != self.canvas.shape or not bool(((mean >= 0) & (mean <= 1)).all()):
            wanted = ", ".join(map(str, self.canvas.shape))
            got = f"{tuple(images.shape)} of mean {mean.mean():.4g}"
            raise ValueError(f"images must be (batch, {wanted}) in [0, 1], got {got}; resize or rescale them")
        self.canvas.copy_(mean.clamp(0.01, 0.99).logit())  # a pixel of mean 0 would start at minus infinity

    def forward(
        self, x: Float[Tensor, "b c h w"], *, labels: Tensor | None = None, generator: torch.Generator | None = None
    ) -> Trace:
        """Reconstruct images and return the `Trace` of the pass.

        Args:
            x: images [b, C, H, W] in [0, 1], of the network's size.
            labels: the class of each image [b], for a network with classes.
            generator: the source of the noise, one sample of [T, b, latent].

        Raises:
            TypeError, ValueError: x or the labels do not fit this network.
        """
        self._check(x, labels)
        check_pixels(x)
        looked, drawn = zip(*self._steps(x, labels, self._noise(x, generator)), strict=True)
        mu, log_sigma = torch.stack([each.mu for each in looked]), torch.stack([each.log_sigma for each in looked])
        canvas = torch.stack([each.canvas for each in drawn])
        nll, kl = negative_log_likelihood(canvas, x), divergence(mu, log_sigma)
        return Trace(
            canvas, torch.stack([each.z for each in looked]), self.canvas, mu, log_sigma.exp(),
            _stack([each.glimpse for each in looked]) if self.config.read else None,
            _stack([each.patch for each in drawn]), nll, kl, nll[-1] + kl.sum(0),
            self._windows([each.read for each in looked], self.config.read),
            self._windows([each.write for each in drawn], self.config.write),
        )  # fmt: skip

    def losses(self, x: Tensor, *, labels: Tensor | None = None, generator: torch.Generator | None = None) -> Losses:
        """Return the two parts of the bound of `forward`, without the fields for pictures; use it for training.

        Raises:
            TypeError, ValueError: as `forward`, but the range of the pixels is not checked.
        """
        kl, canvas = [], self.canvas
        for looked, drawn in self.steps(x, labels, generator):
            kl.append(divergence(looked.mu, looked.log_sigma))  # all steps together do not fit into the cache
            canvas = drawn.canvas
        return Losses(negative_log_likelihood(canvas, x), torch.stack(kl))

    def generate(
        self,
        n: int,
        *,
        labels: Tensor | None = None,
        temperature: float | int = 1,
        z: Tensor | None = None,
        generator: torch.Generator | None = None,
    ) -> Trace:
        """Generate n images from the prior and return their `Trace`.

        Args:
            labels: the class of each image [n], for a network with classes.
            temperature: the standard deviation of z; 1 is the prior, a smaller one gives more typical images.
            z: [T, n, latent] to use instead of a sample, for example from another trace.
            generator: the source of the noise.

        Raises:
            ValueError: n < 1, temperature is negative or infinite, z has another shape, or labels are wrong or missing.
        """
        c, like = self.config, self.posterior.weight
        shape = (c.steps, n, c.latent)
        if n < 1:
            raise ValueError(f"n must be >= 1, got {n}; it is the number of images")
        if not 0 <= temperature < float("inf"):
            raise ValueError(f"temperature must be finite and >= 0, got {temperature}; 1 is the prior")
        if z is not None and z.shape != shape:
            raise ValueError(f"z must be (steps, n, latent) = {shape}, got {tuple(z.shape)}; change n or z")
        self._check_labels(labels, n)
        if z is None:
            z = temperature * torch.randn(shape, generator=generator, device=like.device, dtype=like.dtype)
        drawn = list(self.decode(z, labels=labels))
        return Trace(
            torch.stack([each.canvas for each in drawn]), z, self.canvas,
            patch=_stack([each.patch for each in drawn]), write=self._windows([each.write for each in drawn], c.write),
        )  # fmt: skip

    # the steps

    def decode(self, z: Tensor, *, labels: Tensor | None = None, after: Drawn | None = None) -> Iterator[Drawn]:
        """Yield the decoder's half of each step for z [steps, n, latent], for passes that share their first steps.

        Args:
            labels: the class of each image [n], for a network with classes.
            after: the result of the step before; None for the first step. Only its h, c and canvas are used.
        """
        with Exact(z) as kind:
            parts, drawn = self._parts(labels, kind), self._begin(z.shape[1]) if after is None else after
            for each in z:
                drawn = self._draw(drawn, each, parts)
                yield drawn

    def steps(
        self, x: Tensor, labels: Tensor | None, generator: torch.Generator | None
    ) -> Iterator[tuple[Looked, Drawn]]:
        """Yield the encoder's and the decoder's half of every step, for sums that need only one step at a time."""
        self._check(x, labels)
        return self._steps(x, labels, self._noise(x, generator))

    def _noise(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        shape = (self.config.steps, x.shape[0], self.config.latent)
        return torch.randn(shape, generator=generator, device=x.device, dtype=x.dtype)

    def _steps(self, x: Tensor, labels: Tensor | None, noise: Tensor) -> Iterator[tuple[Looked, Drawn]]:
        with Exact(x) as kind:
            parts = self._parts(labels, kind)
            drawn, h, cell = self._begin(x.shape[0]), None, x.new_zeros(x.shape[0], self.config.hidden)
            for t in range(self.config.steps):
                asked, glimpse = drawn.look, self._look(x, drawn)
                h, cell = parts.encoder((glimpse.flatten(1), drawn.h, h), cell)
                mu, log_sigma = parts.posterior(h).chunk(2, 1)
                z = torch.addcmul(mu, log_sigma.exp(), noise[t])
                drawn = self._draw(drawn, z, parts)
                yield Looked(glimpse, asked, mu, log_sigma, z), drawn

    def _begin(self, n: int) -> Drawn:
        """Return the decoder's half before the first step: zeros, and a first glimpse at the bias of the read head."""
        zero = self.posterior.weight.new_zeros(n, self.config.hidden)
        look = None if self.read_head is None else self.read_head.bias.expand(n, 5)
        return Drawn(None, zero, self.canvas.expand(n, *self.canvas.shape), None, None, look)

    def _look(self, x: Tensor, drawn: Drawn) -> Tensor:
        n = self.config.read
        if drawn.look is None or n is None:
            return torch.cat([x, x - drawn.canvas.sigmoid()], 1)
        return self.operations.look(x, drawn.canvas, drawn.look, n)

    def _draw(self, last: Drawn, z: Tensor, parts: "_Parts") -> Drawn:
        c = self.config
        h, cell = parts.decoder((z, last.h), last.c)
        stroke, *asked = parts.heads(h).split([head.out_features for head in self._heads], 1)
        stroke = stroke.unflatten(1, (c.channels, -1))
        look = asked.pop() if c.read else None
        if c.write is None:
            return Drawn(h, cell, last.canvas + stroke.view_as(last.canvas), None, None, look)
        patch, where = stroke.unflatten(2, (c.write, c.write)), asked.pop()
        return Drawn(h, cell, self.operations.lay(last.canvas, patch, where), patch, where, look)

    def _windows(self, asked: list[Tensor | None], n: int | None) -> Window | None:
        raw = _stack(asked)
        return None if n is None or raw is None else attention.window(raw, n, self.config.height, self.config.width)

    @property
    def _heads(self) -> list[nn.Linear]:
        return [head for head in (self.stroke, self.write_head, self.read_head) if head is not None]

    def _parts(self, labels: Tensor | None, kind: torch.dtype | None) -> "_Parts":
        """Return the weights as one pass uses them: looked up, joined and rounded once, not at every step."""
        heads = self._heads
        weight, bias = torch.cat([each.weight for each in heads]), torch.cat([each.bias for each in heads])
        linear, cell = self.operations.linear, self.operations.cell
        return _Parts(
            cell(self.encoder, kind, _looked_up(self.encoder_label, labels)),
            linear(self.posterior.weight, self.posterior.bias, kind),
            cell(self.decoder, kind, _looked_up(self.decoder_label, labels)),
            linear(weight, bias, kind),
        )

    # checks of the input

    def _check(self, x: Tensor, labels: Tensor | None) -> None:
        c = self.config
        arrays.check_tensor("images ", x)
        if x.shape[1:] != (c.channels, c.height, c.width) or x.ndim != 4 or not len(x):
            wanted = f"(batch, {c.channels}, {c.height}, {c.width})"
            raise ValueError(
                f"images must be {wanted} for this network, got {tuple(x.shape)}; resize or choose another"
            )
        if x.dtype != self.posterior.weight.dtype:
            dtype = self.posterior.weight.dtype
            raise TypeError(f"images must be {dtype} like the network, got {x.dtype}; use {conversion(x, dtype)}")
        self._check_labels(labels, len(x))

    def _check_labels(self, labels: Tensor | None, n: int) -> None:
        c = self.config
        if not c.classes:
            if labels is not None:
                raise ValueError("this network has no classes, got labels; leave them out, or train one with classes")
            return
        if labels is None or labels.shape != (n,) or labels.is_floating_point():
            got = None if labels is None else f"{labels.dtype} {tuple(labels.shape)}"
            raise ValueError(f"labels must be {n} whole numbers below {c.classes}, got {got}; give one per image")
        if not labels.is_cuda and not bool(((labels >= 0) & (labels < c.classes)).all()):
            raise ValueError(f"labels must be from 0 to {c.classes - 1}, got {labels.min()} to {labels.max()}")


def check_pixels(x: Tensor) -> None:
    """Raise ValueError unless all pixels are in [0, 1]."""
    if not bool(((x >= 0) & (x <= 1)).all()):  # NaN fails both comparisons
        got = f"{x.min():.4g} to {x.max():.4g}"
        raise ValueError(f"pixels must be in [0, 1] without NaN, got {got}; divide pixels of 0 to 255 by 255")


class _Parts(NamedTuple):
    encoder: Callable[[Parts, Tensor], tuple[Tensor, Tensor]]
    posterior: Callable[..., Tensor]
    decoder: Callable[[Parts, Tensor], tuple[Tensor, Tensor]]
    heads: Callable[..., Tensor]


def _looked_up(table: nn.Embedding | None, labels: Tensor | None) -> Tensor | None:
    """Return the rows of these labels, or None for a network without classes."""
    return None if table is None or labels is None else table(labels)


def _stack(parts: list[Tensor | None]) -> Tensor | None:
    """Return the parts of all steps as one tensor, or None if the steps have none."""
    known = [part for part in parts if part is not None]
    return torch.stack(known) if known else None

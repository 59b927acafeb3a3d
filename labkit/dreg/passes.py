"""A pass of a VAE over a batch has K samples per image, everything that gradients need, the bound, and log p(x).

    found = passes.run(model, x, 64, generator=generator)
    (-dreg.surrogate(found.samples(), "dreg").mean()).backward()

`labkit.dreg.fast.gradients` finds the same gradients faster, also those of many estimators.
"""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from labkit import importance
from labkit.dreg.bounds import iwae
from labkit.dreg.fast.decoder import log_pixels
from labkit.dreg.gradients import Samples
from labkit.dreg.networks import VAE, log_normal, log_standard
from labkit.pixels import conversion

ROWS = 10_000  # images x samples in memory at a time without gradients
ACTIVE = 0.01  # a unit is active if its posterior mean has this variance over the images (Burda et al. 2016)


@dataclass(frozen=True, eq=False)
class Pass:
    """K samples of each image and what gradients need of them.

    z: by layer [K, B, latent], moving with the parameters of q; leaves: the same, detached. log_joint and held are
        functions of the leaves.
    q: mu and sigma of q(z_1 | x), [B, latent], moving too; noise: the noise of z_1, shaped like z_1.
    log_joint: log p(x, z_k), [K, B].
    held: log q(z_k | x) with q's parameters held constant.
    log_q: log q(z_k | x) with z held constant, moving with q's parameters.
    log_w: [K, B], held constant.
    nll: -log p(x | z_k), [K, B].
    kl: log q - log p of each layer, [layers, K, B], held constant; its mean over K estimates the KL.
    """

    z: list[Tensor]
    leaves: list[Tensor]
    q: tuple[Tensor, Tensor]
    noise: Tensor
    log_joint: Tensor
    held: Tensor
    log_q: Tensor
    log_w: Tensor
    nll: Tensor
    kl: Tensor

    @property
    def bound(self) -> Tensor:
        """L of each image, [B], in nats, held constant."""
        return iwae(self.log_w)

    def samples(self) -> Samples:
        """Return the result of `dreg.evaluate`, layers side by side, for `dreg.surrogate` and `dreg.control`."""
        path = torch.autograd.grad((self.log_joint - self.held).sum(), self.leaves, retain_graph=True)
        return Samples(torch.cat(self.z, -1), self.log_w, self.log_joint, self.log_q, torch.cat(path, -1))


def run(
    model: VAE,
    x: Float[Tensor, "b 1 h w"],
    k: int,
    *,
    generator: torch.Generator | None = None,
    log_pixels: Callable[[VAE, Tensor, Tensor | None, Tensor], Tensor] = log_pixels,
) -> Pass:
    """Sample k latents per image and evaluate both halves of the model there.

    Args:
        x: images in [0, 1], of the network's size.
        k: the number of samples per image.
        generator: the source of the samples.
        log_pixels: (model, z, given, x) -> log p(x | z); `VAE.log_pixels` is the same in plain torch.

    Raises:
        TypeError, ValueError: k < 1, or the images have another size or dtype.
    """
    check(model, x, k)
    flat = x.flatten(1)
    given, wanted = model.split(flat)
    mu, sigma = first = model.infer(flat)
    z: list[Tensor] = []
    leaves: list[Tensor] = []
    log_q, held, noises = [], [], []
    for layer, units in enumerate(model.config.latent):
        if layer:
            mu, sigma = model.q[layer](z[-1])
        noise = torch.randn(k, len(x), units, generator=generator, device=x.device, dtype=x.dtype)
        noises.append(noise)
        z.append(mu + sigma * noise)
        leaves.append(z[-1].detach().requires_grad_())
        if layer:  # at the detached sample below, once with q's parameters moving and once without
            mu, sigma = model.q[layer](leaves[-2].detach())
            fixed = _held_call(model.q[layer], leaves[-2])
        else:
            fixed = mu.detach(), sigma.detach()
        log_q.append(log_normal(leaves[-1].detach(), mu, sigma))
        held.append(log_normal(leaves[-1], *fixed))
    log_p = [_log_prior(model, layer, leaves, given) for layer in range(len(leaves))]
    seen = log_pixels(model, leaves[0], given, wanted)
    log_joint, every = seen + sum(log_p), torch.stack(held)
    kl = every.detach() - torch.stack(log_p).detach()
    log_w = log_joint.detach() - every.detach().sum(0)
    return Pass(
        z, leaves, first, noises[0], log_joint, every.sum(0), reduce(torch.add, log_q), log_w, -seen.detach(), kl
    )


def _held_call(network: nn.Module, given: Tensor) -> tuple[Tensor, Tensor]:
    """Return mu and sigma as functions of the input only, with the network's parameters held constant."""
    return functional_call(network, {name: each.detach() for name, each in network.named_parameters()}, (given,))


def _log_prior(model: VAE, layer: int, z: list[Tensor], given: Tensor | None) -> Tensor:
    of = model.prior(layer, z, given)
    return log_standard(z[layer]) if of is None else log_normal(z[layer], *of)


def log_weights(
    model: VAE, x: Tensor, k: int, *, generator: torch.Generator | None = None, rows: int = ROWS
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield log_w, nll [k', B] and kl [layers, k', B] of k samples per image, k' at a time, without gradients.

    Raises:
        TypeError, ValueError: as `run`; or log_w is not finite.
    """
    check(model, x, k)
    size = max(1, rows // len(x))
    for begin in range(0, k, size):
        with torch.no_grad():
            found = run(model, x, min(size, k - begin), generator=generator)
        _check_finite(found.log_w)
        yield found.log_w, found.nll, found.kl


def log_likelihood(
    model: VAE, x: Tensor, samples: int, *, generator: torch.Generator | None = None, rows: int = ROWS
) -> Tensor:
    """Return log p(x) of each image [B], in nats, from `samples` importance samples; see `estimates`."""
    return estimates(model, x, samples, generator=generator, rows=rows)[0]


def estimates(
    model: VAE, x: Tensor, samples: int, *, generator: torch.Generator | None = None, rows: int = ROWS
) -> tuple[Tensor, Tensor]:
    """Return log p(x) of each image [B] from `samples` importance samples (Burda et al. 2016, equation 8), and the mean
    of their log-weights [B], which estimates the ELBO. Both are in nats.

    More samples do not need more memory.

    Raises:
        TypeError, ValueError: as `log_weights`.
    """
    parts = (log_w for log_w, _, _ in log_weights(model, x, samples, generator=generator, rows=rows))
    return importance.estimates(parts, samples)


@torch.no_grad()
def active_units(model: VAE, x: Tensor) -> Tensor:
    """Return which units of z_1 are active, [latent]: their posterior mean varies by `ACTIVE` or more over images x.

    Raises:
        TypeError, ValueError: as `run`; or there are fewer than two images.
    """
    check(model, x, 1)
    if len(x) < 2:
        raise ValueError("a variance over images needs at least 2 images, got 1; give more")
    return active(torch.cat([model.infer(part.flatten(1))[0] for part in x.split(ROWS)]))


def active(means: Float[Tensor, "n latent"]) -> Tensor:
    """Return which units' posterior means vary by `ACTIVE` or more, [latent]."""
    return means.var(0) >= ACTIVE


def check(model: VAE, x: Tensor, k: int) -> None:
    """Raise TypeError or ValueError unless the model can use k samples of each of these images."""
    c, like = model.config, model.mean
    if k < 1:
        raise ValueError(f"the number of samples must be at least 1, got K = {k}; draw more")
    if x.ndim != 4 or x.shape[1:] != (1, c.height, c.width) or not len(x):
        raise ValueError(
            f"images must be (batch, 1, {c.height}, {c.width}) for this network, got {tuple(x.shape)}; resize them"
        )
    if x.dtype != like.dtype:
        raise TypeError(f"images must be {like.dtype} like the network, got {x.dtype}; use {conversion(x, like.dtype)}")


def _check_finite(log_w: Tensor) -> None:
    bad = int((~log_w.isfinite()).any(0).sum())
    if bad:
        raise ValueError(
            f"log p(x, z) must be finite, got {bad} of {log_w.shape[1]} images where it is not; "
            "look for NaN in the images and in the network's weights"
        )


def __getattr__(name: str) -> Any:
    """Return a function that has moved to `labkit.dreg.fast.gradients`, with a warning that gives the new path."""
    if name not in ("generative_gradients", "inference_gradients"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from labkit.dreg.fast import gradients

    warnings.warn(f"{__name__}.{name} is now labkit.dreg.fast.gradients.{name}", DeprecationWarning, stacklevel=2)
    return getattr(gradients, name)

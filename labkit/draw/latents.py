"""These functions explore the latents z_1 .. z_T: resample some, change one number, or interpolate between two images.

z is [T, n, latent], as in a `Trace` and in `DRAW.generate(n, z=z)`; glimpses t count from 1. `label` is the class of
all images, None for a network without classes.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.draw.network import DRAW
from labkit.draw.trace import Drawn

CHUNK = 256  # images per pass, because all their canvases stay in memory
STEP = 0.01  # step in z for differences in float32; with the shipped networks their mean over pixels is right to 0.3 %


def resample(
    z: Float[Tensor, " t #n latent"], t: int, noise: Float[Tensor, " t n latent"]
) -> Float[Tensor, "t n latent"]:
    """Return z with z_1 .. z_{t-1} kept and z_t .. z_T replaced by the noise; t = T + 1 keeps all.

    Raises:
        ValueError: t is not 1 .. T + 1.
    """
    _check(t, len(z) + 1)
    return torch.cat([z.expand_as(noise)[: t - 1], noise[t - 1 :]])


def spread(
    model: DRAW, z: Float[Tensor, " t #n latent"], noise: Float[Tensor, " t n latent"], *, label: int | None = None
) -> Float[Tensor, " times"]:
    """Return how much n >= 2 images differ that share all latents before glimpse t, for t = 1 .. T + 1.

    This is the standard deviation of a pixel (n - 1 in the denominator), averaged over the pixels. Pixels are
    in 0 to 1.
    """
    n, groups, before = noise.shape[1], _no_images(model, 0), _no_images(model, z.shape[1])
    with torch.no_grad():
        # group t has the images that share the latents before glimpse t, so it begins with what these have painted
        for t, (own, new) in enumerate(zip(z, noise, strict=True), 1):
            groups = _joined(groups, _repeated(before, n))
            (groups,) = model.decode(new.repeat(t, 1)[None], labels=_labels(label, n * t, z), after=groups)
            (before,) = model.decode(own[None], labels=_labels(label, len(own), z), after=before)
        images = torch.cat([groups.canvas, _repeated(before, n).canvas]).sigmoid()
    return images.unflatten(0, (-1, n)).std(1).flatten(1).mean(1)


def slopes(
    model: DRAW, z: Float[Tensor, "t 1 latent"], t: int, *, label: int | None = None
) -> Float[Tensor, "latent c h w"]:
    """Return d image / d z_{t,i} of the finished image for every i, by central differences.

    Raises:
        ValueError: t is not 1 .. T.
    """
    _check(t, len(z))
    latent = z.shape[-1]
    each = z.repeat(1, 2 * latent, 1)
    shift = STEP * torch.eye(latent, dtype=z.dtype, device=z.device)
    each[t - 1] += torch.cat([shift, -shift])
    up, down = torch.cat(list(_images(model, each, label))).chunk(2)
    return (up - down) / (2 * STEP)


def slerp(a: Float[Tensor, "*n latent"], b: Float[Tensor, "*n latent"], share: Tensor) -> Tensor:
    """Return the point at `share` of the arc from a (share 0) to b (share 1); direction and length change evenly.

    Vectors of N(0, I) have a length of about sqrt(latent). Halfway on the straight line they would be shorter by a
    factor sqrt(2). Parallel vectors, opposite vectors and zeros have no unique arc and use the straight line.

    Args:
        a, b: one vector or several, [..., latent].
        share: in 0 to 1, of any shape that broadcasts with a without its last axis.
    """
    share = share[..., None]
    length_a, length_b = (x.norm(dim=-1, keepdim=True) for x in (a, b))
    u, v = a / length_a, b / length_b
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    length = (1 - share) * length_a + share * length_b
    part_a, part_b = (s * length for s in (torch.sin((1 - share) * angle), torch.sin(share * angle)))
    arc = part_a / (torch.sin(angle) * length_a) * a + part_b / (torch.sin(angle) * length_b) * b
    return torch.where(torch.sin(angle) > 1e-3, arc, (1 - share) * a + share * b)  # NaN takes the line


def _images(model: DRAW, z: Tensor, label: int | None) -> Iterator[Tensor]:
    """Yield the finished images of z, a chunk at a time."""
    with torch.no_grad():
        for part in z.split(CHUNK, 1):
            n = part.shape[1]
            yield model.generate(n, z=part, labels=_labels(label, n, z)).images[-1]


def _labels(label: int | None, n: int, like: Tensor) -> Tensor | None:
    """Return the class of each of n images."""
    return None if label is None else torch.full((n,), label, device=like.device)


def _no_images(model: DRAW, n: int) -> Drawn:
    """Return the decoder's half before the first step of n images."""
    zero = model.posterior.weight.new_zeros(n, model.config.hidden)
    return Drawn(zero, zero, model.canvas.detach().expand(n, *model.canvas.shape), None, None, None)


def _repeated(drawn: Drawn, n: int) -> Drawn:
    """Return the decoder's half for n images, from that for n or for a single image."""
    h, c, canvas = (part.expand(n, *part.shape[1:]) for part in _painted(drawn))
    return Drawn(h, c, canvas, None, None, None)


def _joined(one: Drawn, other: Drawn) -> Drawn:
    """Return the decoder's half for the images of both."""
    h, c, canvas = (torch.cat(pair) for pair in zip(_painted(one), _painted(other), strict=True))
    return Drawn(h, c, canvas, None, None, None)


def _painted(drawn: Drawn) -> tuple[Tensor, Tensor, Tensor]:
    """Return the parts that painting needs: h, c and canvas."""
    return torch.zeros_like(drawn.c) if drawn.h is None else drawn.h, drawn.c, drawn.canvas


def _check(t: int, last: int) -> None:
    if not 1 <= t <= last:
        raise ValueError(f"t must be from 1 to {last}, got {t}; glimpses count from 1")

"""What the chain z_1 .. z_T holds: kept and drawn anew, changed number by number, turned from one image's to another's.

z is [T, n, latent], as `DRAW.generate(n, z=z)` takes it and every `Trace` has it; glimpses t are counted from 1.
`label` is the class that all images are told, None for a network without classes.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.draw.network import DRAW

CHUNK = 256  # images of one pass: all their canvases are held
STEP = 0.01  # of z, for differences in float32: with the shipped networks their mean over the pixels is right to 0.3 %


def resample(
    z: Float[Tensor, " t #n latent"], t: int, noise: Float[Tensor, " t n latent"]
) -> Float[Tensor, "t n latent"]:
    """z_1 .. z_{t-1} as they are, z_t .. z_T from the noise; t = T + 1 keeps all.

    Raises:
        ValueError: t is not 1 .. T + 1.
    """
    _check(t, len(z) + 1)
    return torch.cat([z.expand_as(noise)[: t - 1], noise[t - 1 :]])


def spread(
    model: DRAW, z: Float[Tensor, " t #n latent"], noise: Float[Tensor, " t n latent"], *, label: int | None = None
) -> Float[Tensor, " times"]:
    """How far the n >= 2 images end up apart that share all before glimpse t, for t = 1 .. T + 1.

    The standard deviation of a pixel (n - 1 in the denominator), mean over the pixels, in units of ink 0 to 1.
    """
    each = torch.cat([resample(z, t, noise) for t in range(1, len(z) + 2)], 1)
    images = torch.cat(list(_images(model, each, label)))
    return images.unflatten(0, (-1, noise.shape[1])).std(1).flatten(1).mean(1)


def slopes(
    model: DRAW, z: Float[Tensor, "t 1 latent"], t: int, *, label: int | None = None
) -> Float[Tensor, "latent c h w"]:
    """d image / d z_{t,i} of the finished image, for every i, by central differences.

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
    """From a (share 0) to b (share 1) along the sphere: the direction turns evenly, the length changes evenly.

    Vectors of N(0, I) are all about sqrt(latent) long; halfway on the straight line they would be shorter by sqrt(2).
    Parallel vectors, opposite ones and zeros have no arc between them and take the straight line.

    Args:
        a, b: one vector or several.
        share: in 0 to 1, of any shape that broadcasts with a's without the last axis.
    """
    share = share[..., None]
    length_a, length_b = (x.norm(dim=-1, keepdim=True) for x in (a, b))
    u, v = a / length_a, b / length_b
    angle = 2 * torch.atan2((u - v).norm(dim=-1, keepdim=True), (u + v).norm(dim=-1, keepdim=True))
    length = (1 - share) * length_a + share * length_b
    part_a, part_b = (s * length for s in (torch.sin((1 - share) * angle), torch.sin(share * angle)))
    arc = part_a / (torch.sin(angle) * length_a) * a + part_b / (torch.sin(angle) * length_b) * b
    return torch.where(torch.sin(angle) > 1e-3, arc, (1 - share) * a + share * b)  # NaN is not greater


def _images(model: DRAW, z: Tensor, label: int | None) -> Iterator[Tensor]:
    """The finished images of z, some at a time."""
    with torch.no_grad():
        for part in z.split(CHUNK, 1):
            n = part.shape[1]
            labels = None if label is None else torch.full((n,), label, device=z.device)
            yield model.generate(n, z=part, labels=labels).images[-1]


def _check(t: int, last: int) -> None:
    if not 1 <= t <= last:
        raise ValueError(f"t must be 1 to {last}, got {t}; glimpses are counted from 1")

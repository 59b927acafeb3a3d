"""A density that a person draws: ink in the cells of a square, smoothed by normals and normalised.

    p(x) = (1 - ε) Σ_ij w_ij N(x; m_ij, s² I) + ε N(x; 0, S² I),    w_ij = ink of cell (i, j) / all ink.

The cells are a lattice, so the sum is a(x₁)' W b(x₂) with 32 numbers each. Its gradient is exact. The wide normal gives
every particle a slope, also far from all ink.
"""

import math
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from labkit.letters import packed, unpacked
from labkit.targets.base import KnownTarget

SIDE = 32  # cells along an edge
LEVELS = 3  # largest ink in a cell
HALF = 4.0  # the square is [-HALF, HALF] in both coordinates
SMOOTH = 2 * HALF / SIDE  # s
WIDE, SHARE = 3.0, 0.01  # S and ε
LONGEST = 600  # characters of a code
EXAMPLE = "eNpjYCAW2H_g_wOkmA8AGQcYGHhAYh8YGAxAtAH5tA2U5gfRQHOZGaAYygbZAbbLBqqHH6wMKPmBH-IwGwMIzX-AgXQAANVHD3M"


def encoded(ink: UInt8[Tensor, "h w"]) -> str:
    """Return the code of a drawing, 0 to 3 in each of 32 x 32 cells, the upper row first: letters for an address."""
    four = ink.reshape(-1, 4)
    return packed(bytes((four @ torch.tensor([64, 16, 4, 1], dtype=torch.uint8)).tolist()))


def decoded(code: str) -> UInt8[Tensor, "h w"]:
    """Return the drawing of a code.

    Raises:
        ValueError: it is not the code of a drawing.
    """
    try:
        content = unpacked(code, SIDE * SIDE // 4, LONGEST)
    except ValueError as error:
        raise ValueError(f"a drawing {error}; draw again") from None
    four = torch.tensor(list(content), dtype=torch.uint8)[:, None]
    return (four >> torch.tensor([6, 4, 2, 0], dtype=torch.uint8) & 3).reshape(SIDE, SIDE)


class Drawn(KnownTarget):
    """The density of a drawing.

    Args:
        ink: 0 to 3 in each cell, the upper row first.

    Raises:
        ValueError: there is no ink.
    """

    def __init__(self, ink: UInt8[Tensor, "h w"]):
        if not ink.any():
            raise ValueError("the drawing has no ink; draw a line in the square")
        super().__init__("drawn", 2, ((-HALF, HALF), (-HALF, HALF)))
        w = ink.flip(0).T.double() / ink.sum()  # [x, y], both rising
        middle = (torch.arange(SIDE, dtype=torch.float64) + 0.5) * 2 * HALF / SIDE - HALF
        self._constants = (w, middle)
        across, up = w.sum(1), w.sum(0)
        centre = torch.stack([across @ middle, up @ middle])
        second = torch.stack(
            [
                torch.stack([across @ middle**2, middle @ w @ middle]),
                torch.stack([middle @ w @ middle, up @ middle**2]),
            ]
        )
        eye = torch.eye(2, dtype=torch.float64)
        self.mean = (1 - SHARE) * centre
        moments = (1 - SHARE) * (second + SMOOTH**2 * eye) + SHARE * WIDE**2 * eye
        self.covariance = moments - torch.outer(self.mean, self.mean)

    def _parts(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return log of the ink's part and of the wide part, [...], and the gradients of both, [..., 2]."""
        w, middle = self._cast(x)
        gap = middle - x[..., None]  # [..., 2, cells]
        square = gap.square() / (2 * SMOOTH**2)
        least = square.amin(-1, keepdim=True)
        a, b = torch.exp(least - square).unbind(-2)
        wb = b @ w.T
        total = (a * wb).sum(-1).clamp_min(torch.finfo(x.dtype).tiny)
        log_ink = total.log() - least.squeeze(-1).sum(-1) + math.log((1 - SHARE) / (2 * math.pi * SMOOTH**2))
        along = torch.stack([(a * gap[..., 0, :] * wb).sum(-1), (a @ w * b * gap[..., 1, :]).sum(-1)], -1)
        slope = along / total[..., None] / SMOOTH**2
        log_wide = -(x / WIDE).square().sum(-1) / 2 + math.log(SHARE / (2 * math.pi * WIDE**2))
        return log_ink, log_wide, slope, -x / WIDE**2

    def log_prob(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch"]:
        log_ink, log_wide, _, _ = self._parts(x)
        return torch.logaddexp(log_ink, log_wide)

    def score(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch d"]:
        log_ink, log_wide, of_ink, of_wide = self._parts(x)
        share = torch.sigmoid(log_ink - log_wide)[..., None]
        return share * of_ink + (1 - share) * of_wide

    def sample(self, n: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
        """Return n independent samples, float64, on the generator's device."""
        w, middle = (part.to(generator.device) for part in self._constants)
        cell = torch.multinomial(w.flatten(), n, replacement=True, generator=generator)
        options: dict[str, Any] = {"generator": generator, "dtype": torch.float64, "device": generator.device}
        z, wide = torch.randn(n, 2, **options), torch.rand(n, 1, **options) < SHARE
        centre = torch.stack([middle[cell // SIDE], middle[cell % SIDE]], -1)
        return torch.where(wide, WIDE * z, centre + SMOOTH * z)


def from_drawing(code: str = EXAMPLE) -> Drawn:
    """Return the density of a drawing in the square from -4 to 4: normalised, with moments, score and sampler.

    Args:
        code: from `encoded`, as the address of /svgd has it.

    Raises:
        ValueError: the code is not that of a drawing, or the drawing is empty.
    """
    return Drawn(decoded(code))

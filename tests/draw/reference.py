"""A second version of DRAW, from the paper only: loops of Python floats for a window, plain autograd for a network.

It follows Gregor et al. 2015. Pixels count from 1, and each Gaussian is divided by its own sum. It uses no code of
labkit.
"""

import math

import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import linear, one_hot, softplus

Grid = list[list[float]]


def grid(raw: list[float], n: int, height: int, width: int) -> tuple[list[float], list[float], float, float]:
    """Return mu_Y and mu_X of the filters in pixels from 1, sigma and gamma (19 to 24, A = width, B = height)."""
    y, x, log_variance, log_stride, log_gamma = raw
    g_x, g_y = (width + 1) / 2 * (x + 1), (height + 1) / 2 * (y + 1)
    delta = (max(width, height) - 1) / (n - 1) * math.exp(log_stride) if n > 1 else 0.0
    place = [(i - n / 2 - 0.5) * delta for i in range(1, n + 1)]
    return [g_y + p for p in place], [g_x + p for p in place], math.exp(log_variance / 2), math.exp(log_gamma)


def bank(centres: list[float], sigma: float, size: int) -> Grid:
    """Return equations 25 and 26 along one axis."""
    rows = [[math.exp(-((a - mu) ** 2) / (2 * sigma**2)) for a in range(1, size + 1)] for mu in centres]
    return [[value / math.fsum(row) for value in row] for row in rows]


def read(x: list[Grid], raw: list[float], n: int) -> list[Grid]:
    """Return gamma F_Y x F_X^T (27) of every channel, one pixel at a time."""
    height, width = len(x[0]), len(x[0][0])
    mu_y, mu_x, sigma, gamma = grid(raw, n, height, width)
    f_y, f_x = bank(mu_y, sigma, height), bank(mu_x, sigma, width)
    return [
        [
            [
                gamma * math.fsum(f_y[i][b] * c[b][a] * f_x[j][a] for b in range(height) for a in range(width))
                for j in range(n)
            ]
            for i in range(n)
        ]
        for c in x
    ]


def write(patch: list[Grid], raw: list[float], height: int, width: int) -> list[Grid]:
    """Return F_Y^T w F_X / gamma (29) of every channel, one pixel at a time."""
    n = len(patch[0])
    mu_y, mu_x, sigma, gamma = grid(raw, n, height, width)
    f_y, f_x = bank(mu_y, sigma, height), bank(mu_x, sigma, width)
    return [
        [
            [
                math.fsum(f_y[i][b] * w[i][j] * f_x[j][a] for i in range(n) for j in range(n)) / gamma
                for a in range(width)
            ]
            for b in range(height)
        ]
        for w in patch
    ]


def filters(raw: Tensor, n: int, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return F_Y [b, n, height], F_X [b, n, width] and gamma [b, 1, 1, 1] with the clamps of draw.md, point 6."""
    log_variance, log_stride, log_gamma = raw[:, 2].clamp(-6, 6), raw[:, 3].clamp(-6, 3), raw[:, 4].clamp(-6, 6)
    delta = (max(height, width) - 1) / (n - 1) * torch.exp(log_stride) if n > 1 else torch.zeros_like(log_stride)
    i = torch.arange(1, n + 1, dtype=raw.dtype)
    both = []
    for column, size in ((0, height), (1, width)):
        g = (size + 1) / 2 * (raw[:, column] + 1)
        mu = g[:, None] + (i - n / 2 - 0.5) * delta[:, None]
        pixel = torch.arange(1, size + 1, dtype=raw.dtype)
        value = torch.exp(-((pixel - mu[..., None]) ** 2) / (2 * torch.exp(log_variance)[:, None, None]))
        both.append(value / value.sum(-1, keepdim=True))
    return both[0], both[1], torch.exp(log_gamma)[:, None, None, None]


def cell(inputs: Tensor, h: Tensor, c: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """torch's own cell: labkit's gates are input, forget, output, candidate; torch's end with candidate, output."""
    bias = bias.expand(len(h), -1)
    i, f, o, g = (linear(torch.cat([inputs, h], 1), weight) + bias).chunk(4, 1)
    zero = torch.zeros(4 * h.shape[1], h.shape[1], dtype=h.dtype)
    gates = torch.cat([i, f, g, o], 1)
    one = torch.eye(4 * h.shape[1], dtype=h.dtype)
    return torch.lstm_cell(gates, (h, c), one, zero, zero[:, 0], zero[:, 0])


def run(config, p: dict[str, Tensor], x: Tensor, noise: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
    """Return equations 3 to 12 with the weights p of a network; every entry is [T, B, ...]."""
    (b, ch, height, width), hidden = x.shape, config.hidden
    enc = enc_c = dec = dec_c = torch.zeros(b, hidden, dtype=x.dtype)
    canvas = p["canvas"].expand(b, ch, height, width)
    found = {name: [] for name in ("canvas", "z", "mu", "sigma", "nll", "kl")}

    def label(which: str) -> Tensor:
        if labels is None:
            return torch.zeros(b, 4 * hidden, dtype=x.dtype)
        return one_hot(labels, config.classes).to(x.dtype) @ p[f"{which}_label.weight"]

    for t in range(config.steps):
        seen = torch.cat([x, x - torch.sigmoid(canvas)], 1)
        if config.read is not None:
            raw = linear(dec, p["read_head.weight"], p["read_head.bias"])
            f_y, f_x, gamma = filters(raw, config.read, height, width)
            seen = gamma * torch.einsum("bia,bcaw,bjw->bcij", f_y, seen, f_x)
        seen, bias = torch.cat([seen.reshape(b, -1), dec], 1), p["encoder.bias"] + label("encoder")
        enc, enc_c = cell(seen, enc, enc_c, p["encoder.weight"], bias)
        mu, log_sigma = linear(enc, p["posterior.weight"], p["posterior.bias"]).split(config.latent, 1)
        q = Normal(mu, torch.exp(log_sigma))
        z = mu + torch.exp(log_sigma) * noise[t]
        dec, dec_c = cell(z, dec, dec_c, p["decoder.weight"], p["decoder.bias"] + label("decoder"))
        stroke = linear(dec, p["stroke.weight"], p["stroke.bias"])
        if config.write is None:
            canvas = canvas + stroke.reshape(x.shape)
        else:
            raw = linear(dec, p["write_head.weight"], p["write_head.bias"])
            f_y, f_x, gamma = filters(raw, config.write, height, width)
            patch = stroke.reshape(b, ch, config.write, config.write)
            canvas = canvas + torch.einsum("bia,bcij,bjw->bcaw", f_y, patch, f_x) / gamma
        nll = (x * softplus(-canvas) + (1 - x) * softplus(canvas)).sum((1, 2, 3))
        kl = kl_divergence(q, Normal(0.0, 1.0)).sum(1)
        for name, value in zip(found, (canvas, z, mu, q.scale, nll, kl), strict=True):
            found[name].append(value)
    return {name: torch.stack(values) for name, values in found.items()}


def classify(p: dict[str, Tensor], x: Tensor, steps: int, n: int) -> Tensor:
    """Return the logits of the reading half after each step [T, B, classes]."""
    h = c = torch.zeros(len(x), p["look.weight"].shape[1], dtype=x.dtype)
    logits = []
    for _ in range(steps):
        f_y, f_x, gamma = filters(linear(h, p["look.weight"], p["look.bias"]), n, *x.shape[-2:])
        seen = gamma * torch.einsum("bia,bcaw,bjw->bcij", f_y, x, f_x)
        h, c = cell(seen.flatten(1), h, c, p["lstm.weight"], p["lstm.bias"])
        logits.append(linear(h, p["answer.weight"], p["answer.bias"]))
    return torch.stack(logits)

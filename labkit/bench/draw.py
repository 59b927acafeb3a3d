"""Compares one training step of DRAW with a plain port, and with the time of the matrix products alone.

Both programs take whole steps (forward, backward, clip, Adam) alternately in one process, on one thread. CPU time is
measured. Each round gives a ratio, and the table shows the median of the rounds.

A second table replaces the fast operations by the plain ones of `labkit.draw.operations`, one pair after another.
"""

import contextlib
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from labkit.bench.svgd import one_thread
from labkit.draw import DRAW, Config, fast
from labkit.draw.operations import PAPER

BATCH = 100
BOUNDS = {torch.float32: 1.25, torch.bfloat16: 1.6}
PLAIN = {
    "windows": fast.OPERATIONS._replace(look=PAPER.look, lay=PAPER.lay),
    "maps and cells": fast.OPERATIONS._replace(linear=PAPER.linear, cell=PAPER.cell),
    "all": PAPER,
}


class Port(nn.Module):
    """The network as most public ports to PyTorch write it: two LSTMCells and a linear map for every step.

    As in those ports, grids and first states compute gradients that are not used.
    """

    def __init__(self, config: Config):
        super().__init__()
        self.config, h, z = config, config.hidden, config.latent
        self.encoder = nn.LSTMCell(2 * config.read**2 + h, h)
        self.decoder = nn.LSTMCell(z, h)
        self.mu, self.log_sigma = nn.Linear(h, z), nn.Linear(h, z)
        self.look, self.pen, self.stroke = nn.Linear(h, 5), nn.Linear(h, 5), nn.Linear(h, config.write**2)

    def filters(self, raw: Tensor, n: int) -> tuple[Tensor, Tensor, Tensor]:
        c = self.config
        y, x, log_variance, log_stride, log_intensity = raw.split(1, 1)
        y, x = (c.height + 1) / 2 * (y + 1), (c.width + 1) / 2 * (x + 1)
        stride = (max(c.height, c.width) - 1) / (n - 1) * torch.exp(log_stride)
        place = torch.arange(0.0, n, requires_grad=True).view(1, -1)
        variance = torch.exp(log_variance).view(-1, 1, 1)

        def rows(centre: Tensor, size: int) -> Tensor:
            mean = (centre + (place - n / 2 + 0.5) * stride).view(-1, n, 1)
            pixel = torch.arange(1.0, size + 1, requires_grad=True).view(1, 1, -1)
            f = torch.exp(-torch.pow(pixel - mean, 2) / (2 * variance))
            return f / (f.sum(2, keepdim=True).expand_as(f) + 1e-8)

        return rows(y, c.height), rows(x, c.width), torch.exp(log_intensity)

    def bound(self, image: Tensor) -> Tensor:
        c, b = self.config, len(image)
        image = image.view(b, c.height, c.width)
        canvas = torch.zeros_like(image, requires_grad=True)
        h_enc, c_enc, h_dec, c_dec = (torch.zeros(b, c.hidden, requires_grad=True) for _ in range(4))
        kl = 0
        for _ in range(c.steps):
            error = image - torch.sigmoid(canvas)
            f_y, f_x, gamma = self.filters(self.look(h_dec), c.read)
            seen = [gamma * (f_y @ each @ f_x.transpose(1, 2)).view(b, -1) for each in (image, error)]
            h_enc, c_enc = self.encoder(torch.cat([*seen, h_dec], 1), (h_enc, c_enc))
            mu, log_sigma = self.mu(h_enc), self.log_sigma(h_enc)
            sigma = torch.exp(log_sigma)
            kl = kl + 0.5 * (mu**2 + sigma**2 - 2 * log_sigma - 1).sum(1)
            h_dec, c_dec = self.decoder(mu + sigma * torch.randn_like(mu), (h_dec, c_dec))
            f_y, f_x, gamma = self.filters(self.pen(h_dec), c.write)
            patch = self.stroke(h_dec).view(b, c.write, c.write)
            canvas = canvas + f_y.transpose(1, 2) @ patch @ f_x / gamma.unsqueeze(2)
        nll = binary_cross_entropy(torch.sigmoid(canvas), image, reduction="none").sum((1, 2))
        return (nll + kl).mean()


@dataclass(frozen=True)
class Case:
    """A network, and the number of timed rounds."""

    config: Config
    rounds: int

    @property
    def name(self) -> str:
        c = self.config
        return f"T{c.steps} B{BATCH} h{c.hidden} z{c.latent} r{c.read} w{c.write}"


CASES = (Case(Config(), 12), Case(Config(steps=64, latent=100, read=2), 11))


@dataclass(frozen=True)
class Row:
    """Medians in ms per step. The ratio says how many times as fast as the port labkit is."""

    case: Case
    dtype: torch.dtype
    port: float
    labkit: float
    ratio: float
    floor: float


def run(quick: bool, console: Console) -> list[Row]:
    """Measure all cases and print the table."""
    rows = []
    with one_thread():
        for case in CASES:
            rows += measure(replace(case, rounds=3) if quick else case)
        paths = [row for case in CASES for row in measure_paths(replace(case, rounds=3) if quick else case)]
    console.print(table(rows))
    console.print(paths_table(paths))
    return rows


@dataclass(frozen=True)
class Path:
    """The operations that were plain, the ms per step, and the time relative to all fast operations."""

    case: Case
    dtype: torch.dtype
    plain: str
    ms: float
    ratio: float


def measure_paths(case: Case) -> list[Path]:
    """Time a step with the fast operations and with each set of plain operations, in both precisions."""
    x = (torch.rand(BATCH, 1, case.config.height, case.config.width) > 0.5).float()
    found = []
    for dtype in BOUNDS:
        context = torch.autocast("cpu", dtype) if dtype == torch.bfloat16 else None
        steps = {}
        for name, operations in {"": fast.OPERATIONS, **PLAIN}.items():
            model = DRAW(case.config)
            model.operations = operations
            steps[name] = _step(model, lambda model=model: model.losses(x).bound.mean(), context, fused=True)
        times = in_turns(steps, case.rounds)
        for name in PLAIN:
            ratio = statistics.median(p / q for p, q in zip(times[name], times[""], strict=True))
            found.append(Path(case, dtype, name, statistics.median(times[name]), ratio))
    return found


def in_turns(steps: dict[Any, Callable[[], None]], rounds: int) -> dict[Any, list[float]]:
    """Return the ms of CPU time of each step in each round, after a warm-up round."""
    times: dict[Any, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            began = time.process_time()
            step()
            if turn:
                times[name].append(1000 * (time.process_time() - began))
    return times


def measure(case: Case) -> list[Row]:
    """Time a step of the port, a step of labkit in float32 and in bfloat16, and the matrix products alone."""
    x = (torch.rand(BATCH, 1, 28, 28) > 0.5).float()
    port, model = Port(case.config), DRAW(case.config)
    steps = {
        "port": _step(port, lambda: port.bound(x)),
        torch.float32: _step(model, lambda: model.losses(x).bound.mean(), fused=True),
        torch.bfloat16: _step(
            model, lambda: model.losses(x).bound.mean(), torch.autocast("cpu", torch.bfloat16), fused=True
        ),
        "floor": products(case.config),
    }
    times = in_turns(steps, case.rounds)
    median = {name: statistics.median(each) for name, each in times.items()}
    return [
        Row(
            case, dtype, median["port"], median[dtype],
            statistics.median(p / q for p, q in zip(times["port"], times[dtype], strict=True)), median["floor"],
        )
        for dtype in BOUNDS
    ]  # fmt: skip


def _step(module: nn.Module, bound: Callable[[], Tensor], context=None, fused: bool = False) -> Callable[[], None]:
    """Return a step: forward, backward, clip and Adam. fused: as in `training.fit`; otherwise as in the ports."""
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=fused)

    def step() -> None:
        optimizer.zero_grad()
        with context or contextlib.nullcontext():
            loss = bound()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 5.0)
        optimizer.step()

    return step


def products(config: Config) -> Callable[[], None]:
    """Return a function that computes only the large products of one step, forward and backward, in float32."""
    c = config
    sizes = [
        (2 * c.read**2 + 2 * c.hidden, 4 * c.hidden), (c.hidden, 2 * c.latent),
        (c.latent + c.hidden, 4 * c.hidden), (c.hidden, c.write**2 + 10),
    ]  # fmt: skip
    made = [(torch.randn(BATCH, i), torch.randn(o, i), torch.randn(BATCH, o)) for i, o in sizes]

    def step() -> None:
        for _ in range(c.steps):
            for x, w, out in made:
                _ = x @ w.mT, out @ w, out.mT @ x

    return step


def table(rows: list[Row]) -> Table:
    made = Table(
        box=SIMPLE_HEAD,
        title="DRAW: a training step, compared with a plain port",
        caption=f"ms of CPU time per step, {BATCH} images of 28x28, one thread. Medians over rounds; the programs "
        "alternate. bfloat16: products in bfloat16, everything else in float32. The floor is the time of the matrix "
        "products alone, in float32.",
    )
    for heading in ("network", "products in", "port", "labkit", "times/bound", "floor"):
        made.add_column(heading, justify="left" if heading in ("network", "products in") else "right")
    for row in rows:
        bound = BOUNDS[row.dtype]
        made.add_row(
            row.case.name, str(row.dtype).removeprefix("torch."), f"{row.port:.3g}", f"{row.labkit:.3g}",
            f"{row.ratio:.3g}/{bound:g} {'ok' if row.ratio >= bound else 'short'}", f"{row.floor:.3g}",
        )  # fmt: skip
    return made


def paths_table(paths: list[Path]) -> Table:
    made = Table(
        box=SIMPLE_HEAD,
        title="DRAW: the same step with plain operations",
        caption="ms of CPU time per step, one thread. Medians over rounds; the variants alternate. The last column is "
        "the time relative to all of labkit.draw.fast.",
    )
    for heading in ("network", "products in", "plain operations", "ms", "times longer"):
        made.add_column(heading, justify="right" if heading in ("ms", "times longer") else "left")
    for path in paths:
        dtype = str(path.dtype).removeprefix("torch.")
        made.add_row(path.case.name, dtype, path.plain, f"{path.ms:.3g}", f"{path.ratio:.3g}")
    return made

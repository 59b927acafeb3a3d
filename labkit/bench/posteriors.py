"""Times SVGD on the posteriors of the paper, and compares it with simpler programs.

The network has the setting of the UCI tables, with the size of Boston. It is compared with a loop over particles that
uses autograd for each.

The logistic regression has the setting of Covertype. It is compared with the original program, rewritten operation by
operation in numpy: it copies arrays that numpy could broadcast, and computes the repulsion column by column. It is also
compared with the shortest numpy version. That version is not published, so no bound is required there.

CPU time is measured on one thread; the programs alternate. Each round gives a ratio, and the table shows the median.
The data are random and have the same sizes, because the values do not change the time.
"""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor

from labkit.bench.svgd import one_thread, original, repulsion
from labkit.reproduce import descent
from labkit.targets.logistic import LogisticRegression, Together
from labkit.targets.network import NeuralRegression

BATCH, SPLITS = 100, 5
NETWORK, LOGISTIC = 5.0, 1.5  # required ratios


@dataclass(frozen=True)
class Case:
    """A posterior, the two programs (steps -> particles), and the required ratio; 0 if there is none."""

    name: str
    other: str
    ours: Callable[[int], Tensor]
    theirs: Callable[[int], Tensor]
    bound: float
    steps: int
    runs: int = 1  # runs of labkit that are stepped together


@dataclass(frozen=True)
class Row:
    """Medians over the rounds, in ms per step and run. The ratio says how many times as fast labkit is."""

    case: Case
    ours: float
    theirs: float
    ratio: float


def network(rows: int = 506, features: int = 13, hidden: int = 50, particles: int = 20) -> Case:
    """Return the setting of the UCI tables, with the size of Boston."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, features, generator=generator, dtype=torch.float64)
    y = x[:, 0].sin() + 0.3 * torch.randn(rows, generator=generator, dtype=torch.float64)
    target = NeuralRegression(x, y, torch.arange(rows // 10), hidden=hidden)
    first = target.initial(particles, generator)
    return Case(
        "network, f64",
        "one by one",
        lambda steps: descend(target, first, 1e-3, steps),
        lambda steps: one_by_one(target, first, 1e-3, steps),
        NETWORK, 20,
    )  # fmt: skip


def logistic(
    rows: int = 20_000,
    features: int = 54,
    particles: int = 100,
    dtype: torch.dtype = torch.float32,
    splits: int = SPLITS,
    lean: bool = False,
) -> Case:
    """Return the setting of Covertype. labkit steps several splits together, as `labkit reproduce` does."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(rows, features, generator=generator, dtype=torch.float64)
    y = x[:, 0] + torch.randn(rows, generator=generator, dtype=torch.float64) > 0
    each = [LogisticRegression(x, y, seed=k) for k in range(splits)]
    first = torch.stack([target.initial(particles, generator) for target in each])
    score, repel = (Lean, repulsion) if lean else (Cyclic, by_columns)
    return Case(
        f"logistic, {'one split' if splits == 1 else f'{splits} splits'}, f{torch.finfo(dtype).bits}",
        "shortest numpy" if lean else "the original",
        lambda steps: _ours(each, first.to(dtype), steps),
        lambda steps: torch.from_numpy(original(first[0].numpy(), score(each[0]), steps, 0.05, repel)),
        0.0 if lean else LOGISTIC, 60, splits,
    )  # fmt: skip


def _ours(each: list[LogisticRegression], first: Tensor, steps: int) -> Tensor:
    """Return the particles of the first split. A single split is not stacked, as a user would write it."""
    if len(each) == 1:
        return descend(each[0], first[0], 0.05, steps)
    return descend(Together(each), first, 0.05, steps)[0]


def descend(target: NeuralRegression | LogisticRegression | Together, first: Tensor, size: float, steps: int) -> Tensor:
    """Return the particles after SVGD by labkit, as `labkit reproduce` computes them in original mode."""
    generator, batches = torch.Generator().manual_seed(0), target.minibatch(BATCH, "cyclic")
    return descent.end(first, batches, descent.constant(size, steps), generator)


def one_by_one(target: NeuralRegression, first: Tensor, size: float, steps: int) -> Tensor:
    """Return the particles by the simplest program: autograd of the log-density, particle by particle."""
    x, y, _, _ = target._constants
    shapes = (target.features, target.hidden), (target.hidden,), (target.hidden,), ()

    def log_density(theta: Tensor, rows: Tensor) -> Tensor:
        parts = theta[: target.weights].split(target.sizes)
        w1, b1, w2, b2 = (part.view(shape) for part, shape in zip(parts, shapes, strict=True))
        error = torch.relu(x[rows] @ w1 + b1) @ w2 + b2 - y[rows]
        u, v = theta[-2], theta[-1]
        likelihood = 0.5 * len(rows) * (u - math.log(2 * math.pi)) - 0.5 * u.exp() * (error * error).sum()
        w = theta[: target.weights]
        prior = 0.5 * len(w) * (v - math.log(2 * math.pi)) - 0.5 * v.exp() * (w * w).sum()
        return likelihood * target.rows / len(rows) + prior + u + v - target.rate * (u.exp() + v.exp())

    def gradient(theta: Tensor, rows: Tensor) -> Tensor:
        theta = theta.clone().requires_grad_()
        return torch.autograd.grad(log_density(theta, rows), theta)[0]

    turn = iter(range(steps))

    def score(particles: np.ndarray) -> np.ndarray:
        rows = (next(turn) * BATCH + torch.arange(BATCH)) % target.rows
        return torch.stack([gradient(theta, rows) for theta in torch.from_numpy(particles)]).numpy()

    return torch.from_numpy(original(first.numpy(), score, steps, size))


def by_columns(x: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Return `repulsion` as the original computes it."""
    found, sums = -(K @ x), K.sum(1)
    for j in range(x.shape[1]):
        found[:, j] = found[:, j] + x[:, j] * sums
    return found


class Lean:
    """The score of a logistic regression on successive minibatches, in numpy: (n, d) -> (n, d)."""

    def __init__(self, target: LogisticRegression):
        (x, y), _ = target.tables
        self.x, self.y, self.rate, self.turn = x.numpy(), y.numpy(), target.rate, 0

    def rows(self) -> np.ndarray | list[int]:
        """Return the rows of this minibatch."""
        return (self.turn * BATCH + np.arange(BATCH)) % len(self.y)

    def column(self, values: np.ndarray) -> np.ndarray:
        """Return values (n,) as a column (n, 1)."""
        return values[:, None]

    def spread(self, values: np.ndarray, count: int) -> np.ndarray:
        """Return values (n,) in a shape that can be combined with (n, count)."""
        return self.column(values)

    def __call__(self, theta: np.ndarray) -> np.ndarray:
        rows = self.rows()
        self.turn += 1
        x, y = self.x[rows], self.y[rows]
        w, alpha = theta[:, :-1], np.exp(theta[:, -1])
        surplus = (self.spread(y, len(w)) + 1) / 2 - 1 / (1 + np.exp(-(x @ w.T)))
        of_w = surplus.T @ x * len(self.y) / BATCH - self.spread(alpha, w.shape[1]) * w
        of_alpha = w.shape[1] / 2 + 1 - alpha * ((w**2).sum(1) / 2 + self.rate)
        return np.hstack([of_w, self.column(of_alpha)])


class Cyclic(Lean):
    """The same as in the original: a list of row numbers, columns stacked from scalars, and no broadcasting."""

    def rows(self) -> list[int]:
        return [i % len(self.y) for i in range(self.turn * BATCH, (self.turn + 1) * BATCH)]

    def column(self, values: np.ndarray) -> np.ndarray:
        return np.vstack(values)

    def spread(self, values: np.ndarray, count: int) -> np.ndarray:
        return np.tile(self.column(values), (1, count))


def measure(case: Case, rounds: int) -> Row:
    """Time both programs alternately, after a warm-up."""
    ways = {"ours": case.ours, "theirs": case.theirs}
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            began = time.process_time()
            way(case.steps if turn else 2)
            if turn:
                runs = case.runs if name == "ours" else 1
                times[name].append((time.process_time() - began) * 1e3 / case.steps / runs)
    ratio = statistics.median(a / b for a, b in zip(times["theirs"], times["ours"], strict=True))
    return Row(case, statistics.median(times["ours"]), statistics.median(times["theirs"]), ratio)


def covertype() -> list[Case]:
    """Return one split and all splits in both dtypes, compared with the original and with the shortest numpy."""
    return [
        logistic(dtype=dtype, splits=splits, lean=lean)
        for lean in (False, True)
        for splits in (1, SPLITS)
        for dtype in (torch.float32, torch.float64)
    ]


def run(quick: bool, console: Console) -> list[Row]:
    """Measure and print the table."""
    with one_thread():
        rows = [measure(case, 3 if quick else 11) for case in (network(), *covertype())]
    console.print(table(rows))
    return rows


def table(rows: list[Row]) -> Table:
    """Return the table of both posteriors with the required ratios."""
    made = Table(
        box=SIMPLE_HEAD,
        title="SVGD on posteriors",
        caption="ms of CPU time per step and run, minibatches of 100 rows, one thread. Medians over rounds.\n"
        "Network: as for Boston, 506 rows of 13, 20 particles; compared with a loop over particles with autograd.\n"
        "Logistic: as for Covertype, 54 features, 100 particles; compared with numpy in float64. Several splits are "
        "stepped together, as in `labkit reproduce covertype`.",
    )
    for heading in ("posterior", "labkit", "compared with", "ms", "ratio/bound"):
        made.add_column(heading, justify="left" if heading in ("posterior", "compared with") else "right")
    for row in rows:
        made.add_row(row.case.name, f"{row.ours:.3g}", row.case.other, f"{row.theirs:.3g}", _mark(row))
    return made


def _mark(row: Row) -> str:
    if not row.case.bound:
        return f"{row.ratio:.3g}"
    return f"{row.ratio:.3g}/{row.case.bound:g} {'ok' if row.ratio >= row.case.bound else 'short'}"

"""Compares SVGD with the arithmetic of the original program, and with the limit of the machine.

Both programs run alternately in one process, on one thread. CPU time is measured. Each round gives a ratio, and the
table shows the median of the rounds. Half of the rounds start at the first particles of a run, half at the last. The
bandwidth rule always uses the exact median.
"""

import math
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from scipy.spatial.distance import pdist, squareform
from threadpoolctl import threadpool_limits
from torch import Tensor

from labkit import svgd

STEP_SIZE = 0.1
FLOW = 0.8  # the required ratio of `flow`, as a share of that of `update`
COMPILERS = ("g++", "c++", "clang++", "cl")


def repulsion(x: np.ndarray, K: np.ndarray) -> np.ndarray:
    """Return h^2 times the sums of the kernel's gradients, (n, d), in one expression."""
    return x * K.sum(1)[:, None] - K @ x


def original(
    x: np.ndarray, score: Callable, steps: int, step_size: float = STEP_SIZE, repel: Callable = repulsion
) -> np.ndarray:
    """Return the particles after the original's loop, with scipy's pdist as in the original."""
    history = 0.0
    for t in range(steps):
        d2 = squareform(pdist(x)) ** 2
        h = np.sqrt(0.5 * np.median(d2) / np.log(x.shape[0] + 1))
        K = np.exp(-d2 / h**2 / 2)
        phi = (K @ score(x) + repel(x, K) / h**2) / x.shape[0]
        history = phi**2 if t == 0 else 0.9 * history + 0.1 * phi**2
        x = x + step_size * phi / (1e-6 + np.sqrt(history))
    return x


def mixture_score(x, sigmoid: Callable = torch.sigmoid):
    """Return the score of 1/3 N(-2, 1) + 2/3 N(2, 1)."""
    return 2 - x - 4 * sigmoid(-4 * x - math.log(2))


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@dataclass(frozen=True)
class Way:
    """A way to run labkit, and how many times as fast as the original its `update` should be."""

    dtype: torch.dtype
    bound: float
    kernel: svgd.Kernel = svgd.RBF()

    @property
    def fused(self) -> bool:
        return isinstance(self.kernel, svgd.FusedRBF)


@dataclass(frozen=True)
class Case:
    """n particles in d dimensions, `runs` at once, with `steps` timed steps per round."""

    n: int
    d: int
    runs: int
    steps: int
    rounds: int
    ways: tuple[Way, ...]

    @property
    def name(self) -> str:
        return f"N = {self.n}, D = {self.d}"


@dataclass(frozen=True)
class Row:
    """Medians over the rounds, in ms per step and run. A ratio says how many times as fast as the original it is."""

    case: Case
    way: Way
    original: float
    update: float
    update_ratio: float
    flow: float
    flow_ratio: float
    limit: float
    compiled: float


def _ways(f64: float, f32: float, fused: float | None = None) -> tuple[Way, ...]:
    plain = (Way(torch.float64, f64), Way(torch.float32, f32))
    return plain if fused is None else (*plain, Way(torch.float32, fused, svgd.FusedRBF()))


CASES = (
    Case(1000, 1, 1, 10, 16, _ways(9.0, 10.5, 18.0)),
    Case(5000, 1, 1, 2, 16, _ways(12.0, 13.5, 25.0)),
    Case(1000, 50, 1, 5, 16, _ways(2.3, 3.8)),
    Case(100, 1, 1, 200, 16, _ways(0.45, 0.45)),
    Case(100, 1, 50, 20, 16, _ways(1.2, 1.2)),
)


def run(quick: bool, fused: bool, console: Console) -> list[Row]:
    """Measure all cases and print the tables."""
    if fused and not any(map(shutil.which, COMPILERS)):
        console.print("The compiled rows are left out: there is no C++ compiler on PATH. Install g++ to see them.")
        fused = False
    rows = []
    with one_thread():
        rates = {dtype: _rates(dtype) for dtype in (torch.float64, torch.float32)}
        for case in CASES:
            rounds = 4 if quick else case.rounds
            rows += measure(case, [way for way in case.ways if fused or not way.fused], rounds, rates)
    for table in (ratios(rows), limits(rows, rates)):
        console.print(table)
    for row in rows:
        if row.way.fused:
            console.print(
                f"{row.case.name}: compiled (or found in torch's cache) in {row.compiled:.1f} s before the first step."
            )
    return rows


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch and numpy's BLAS on one thread, and flush subnormal numbers as the engine of the pages does."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_flush_denormal(False)
        torch.set_num_threads(threads)


def measure(case: Case, ways: list[Way], rounds: int, rates: dict) -> list[Row]:
    """Time every way and the original alternately, after a warm-up of each."""
    places, score, arrays_score = _setting(case)
    compiled = [_warm(case, way, places[0], score) for way in ways]
    original(places[0][0].numpy(), arrays_score, 1)
    theirs, ours = [], [([], []) for _ in ways]
    for i in range(rounds):
        x = places[i % 2]
        theirs.append(_ms(partial(original, x[0].numpy(), arrays_score, case.steps), case.steps))
        for way, (updates, flows) in zip(ways, ours, strict=True):
            updates.append(_ms(_update(case, way, x, score), case.steps * case.runs))
            flows.append(_ms(_flow(case, way, x, score), case.steps * case.runs))
    rows = []
    for way, (updates, flows), seconds in zip(ways, ours, compiled, strict=True):
        update, flow = ((statistics.median(ms), _ratio(theirs, ms)) for ms in (updates, flows))
        limit = _limit(case, *rates[way.dtype])
        rows.append(Row(case, way, statistics.median(theirs), *update, *flow, limit, seconds))
    return rows


def _setting(case: Case):
    """Return the first and last particles of a run, (runs, n, d) in float64, and the score for tensors and arrays."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(2, case.runs, case.n, case.d, generator=generator, dtype=torch.float64)
    if case.d == 1:
        side = torch.rand(noise[1].shape, generator=generator, dtype=torch.float64) < 1 / 3
        places = (noise[0] - 10, noise[1] + torch.where(side, -2.0, 2.0))
        return places, mixture_score, partial(mixture_score, sigmoid=_sigmoid)
    return tuple(noise), torch.neg, np.negative


def _update(case: Case, way: Way, x: Tensor, score: Callable) -> Callable:
    """Return a call of `SVGD().update`; a batch of runs is one tensor with a leading axis."""
    x = (x if case.runs > 1 else x[0]).to(way.dtype)
    return partial(svgd.SVGD(way.kernel).update, x, score, case.steps, STEP_SIZE)


def _flow(case: Case, way: Way, x: Tensor, score: Callable) -> Callable:
    """Return a call of the same number of steps of `flow`, each a full state, from an existing state."""
    state = svgd.start((x if case.runs > 1 else x[0]).to(way.dtype), score, kernel=way.kernel)
    optimizer = svgd.Adagrad(STEP_SIZE)

    def run() -> None:
        now = state
        for _ in range(case.steps):
            now = svgd.step(now, score, kernel=way.kernel, optimizer=optimizer)

    return run


def _warm(case: Case, way: Way, x: Tensor, score: Callable) -> float:
    """Run both once, as a warm-up; return the seconds, most of which a compiler takes if there is one."""
    began = time.perf_counter()
    _update(case, way, x, score)()
    _flow(case, way, x, score)()
    return time.perf_counter() - began


def _ms(call: Callable, steps: int) -> float:
    began = time.process_time()
    call()
    return (time.process_time() - began) * 1e3 / steps


def _ratio(theirs: list[float], ours: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))


def _rates(dtype: torch.dtype) -> tuple[float, float]:
    """Return the ms of one exponential and of one operation of a matrix product, the best of five measurements."""
    u, out = torch.linspace(-8, 0, 1 << 16, dtype=dtype), torch.empty(1 << 16, dtype=dtype)
    a = torch.randn(1024, 1024, generator=torch.Generator().manual_seed(0), dtype=dtype)
    exp = min(_ms(partial(_repeat, 50, torch.exp, u, out), 50 * u.numel()) for _ in range(5))
    flop = min(_ms(partial(_repeat, 1, torch.mm, a, a), 2 * 1024**3) for _ in range(5))
    return exp, flop


def _repeat(times: int, f: Callable, a: Tensor, b: Tensor) -> None:
    for _ in range(times):
        f(a, out=b) if f is torch.exp else f(a, b)


def _limit(case: Case, exp: float, flop: float) -> float:
    """Return the ms of n^2/2 exponentials and the products K [score - x/h^2, 1].

    Above 3 dimensions half of the distances are included.
    """
    products = 2 * case.n**2 * (case.d + 1)
    distances = case.n**2 * (case.d + 2) if case.d > 3 else 0
    return case.n**2 / 2 * exp + (products + distances) * flop


def _names(row: Row) -> tuple[str, ...]:
    """Return the left columns of both tables: particles, dimensions, runs at once, arithmetic."""
    arithmetic = str(row.way.dtype).replace("torch.float", "f") + (" fused" if row.way.fused else "")
    return str(row.case.n), str(row.case.d), str(row.case.runs), arithmetic


def _mark(ratio: float, bound: float) -> str:
    return f"{ratio:.3g}/{bound:.3g} " + ("[green]ok[/]" if ratio >= bound else "[red]short[/]")


def _table(headings: tuple[str, ...], rows: list[tuple[str, ...]], **words: str) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False, title_justify="left", caption_justify="left", **words)
    for i, heading in enumerate(("N", "D", "runs", "labkit in", *headings)):
        table.add_column(heading, justify="left" if i == 3 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def ratios(rows: list[Row]) -> Table:
    """Return the table of ratios, with the required ones."""
    return _table(
        ("orig.", "update", "times/bound", "flow", "times/bound"),
        [
            (
                *_names(row),
                f"{row.original:.3g}",
                f"{row.update:.3g}",
                _mark(row.update_ratio, row.way.bound),
                f"{row.flow:.3g}",
                _mark(row.flow_ratio, FLOW * row.way.bound),
            )
            for row in rows
        ],
        title="SVGD: how many times as fast as the original",
        caption="ms of CPU time per step and run, one thread. Medians over rounds; the programs alternate. The median "
        "of the bandwidth rule is exact. The original is numpy and scipy in float64 in every row, one run at a time. "
        f"`update` is `SVGD().update` (only phi), `flow` gives full states: its bound is {FLOW} of the other.",
    )


def limits(rows: list[Row], rates: dict) -> Table:
    """Return the table of the time for exponentials and matrix products alone, as a fraction of `update`."""
    measured = "; ".join(
        f"{str(dtype).removeprefix('torch.')} {exp * 1e6:.2f} ns per exponential, {1e-6 / flop:.1f} GFLOP/s"
        for dtype, (exp, flop) in rates.items()
    )
    return _table(
        ("limit", "update", "fraction reached"),
        [(*_names(row), f"{row.limit:.3g}", f"{row.update:.3g}", f"{row.limit / row.update:.2f}") for row in rows],
        title="The machine's limit: the time of N^2/2 exponentials and the matrix products",
        caption=f"ms of one thread, measured: {measured}. With many particles in one dimension labkit needs fewer than "
        "N^2/2 exponentials (svgd/fast/cells.py), so the fraction there may exceed 1.",
    )

"""Compares DReG with the simplest programs: the Gaussian laboratory, and a training step of the original's network.

The first table times four ways to compute replicates of the gradients of IWAE, STL and DReG at K = 1, 2, ..., 1024:

    labkit             draws the samples once for all estimators and sizes, and needs no graph
    noise in float64   the same with noise of that dtype
    loop               one replicate after another, by autograd
    vmap               many replicates together, by torch.func

The second table times a step of `labkit train vae` without its optimiser: the gradients of both halves of a
784-200-200-50 VAE at K = 64. `labkit` runs the backward pass of the decoder once. `port` runs it once for each half, as
the published code does. Two rows leave out the fast ways of `labkit.dreg.fast`, one after the other.

CPU time is measured on one thread; the ways alternate. Each round gives a ratio, and the tables show the median.
"""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.distributions import Bernoulli, Normal
from torch.func import grad, vmap

from labkit import dreg
from labkit.bench.svgd import one_thread
from labkit.dreg import VAE, gaussian, laboratory, passes
from labkit.dreg.fast import gradients as fast
from labkit.dreg.fast import laboratory as fast_laboratory

ESTIMATORS = ("iwae", "stl", "dreg")
BOUNDS = {"loop": 25.0, "vmap": 6.0}
SIX = ("dreg", "iwae", "stl", "rws", "rws-dreg", "dreg-norm")
PORT, MORE = 1.5, 1.1  # least ratio of port to labkit; largest ratio of six estimators to one
STEP_ROUNDS = 15
TOGETHER = 1 << 20  # numbers of noise that vmap processes at once


@dataclass(frozen=True)
class Case:
    """D, the sizes K, and the replicates per round; the loop takes fewer because it is slow."""

    dim: int = 20
    sizes: tuple[int, ...] = laboratory.SIZES
    replicates: int = 1000
    of_the_loop: int = 50
    rounds: int = 5


CASE = Case()


@dataclass(frozen=True)
class Row:
    """Medians over the rounds: ms per thousand replicates, and how many times as fast labkit is."""

    way: str
    ms: float
    ratio: float


def surrogate(name: str, mean: Tensor, e: Tensor, toy: gaussian.Gaussian) -> Tensor:
    """Return the surrogate of an estimator as published, from noise [K, D]; autograd differentiates it in the mean."""
    z = mean + toy.sigma * e

    def log_q(centre: Tensor) -> Tensor:
        return -((z - centre) ** 2).sum(-1) / (2 * toy.variance)

    log_joint = -((z - toy.prior) ** 2).sum(-1) / 2 - ((toy.x - z) ** 2).sum(-1) / 2
    log_w = log_joint - log_q(mean)
    if name == "iwae":
        return log_w.logsumexp(0)
    w = log_w.detach().softmax(0)
    return ((w if name == "stl" else w * w) * (log_joint - log_q(mean.detach()))).sum(0)


def loop(case: Case, toy: gaussian.Gaussian, generator: torch.Generator, replicates: int) -> Tensor:
    """Return gradients [S, R, E, D] by autograd, replicate by replicate; the estimators share the samples."""
    made = []
    for k in case.sizes:
        for _ in range(replicates):
            e = fast_laboratory.noise(1, k, toy, generator)[0]
            for name in ESTIMATORS:
                mean = toy.mean.clone().requires_grad_()
                made.append(torch.autograd.grad(surrogate(name, mean, e, toy), mean)[0])
    return torch.stack(made).view(len(case.sizes), replicates, len(ESTIMATORS), toy.dim)


def mapped(case: Case, toy: gaussian.Gaussian, generator: torch.Generator, replicates: int) -> Tensor:
    """Return gradients [S, R, E, D] by vmap over replicates of one K; the estimators share the samples."""
    maps = [vmap(grad(partial(_of_mean, name, toy)), (None, 0)) for name in ESTIMATORS]
    made = []
    for k in case.sizes:
        some = max(1, TOGETHER // (k * toy.dim))
        for i in range(0, replicates, some):
            e = fast_laboratory.noise(min(some, replicates - i), k, toy, generator)
            made.append(torch.stack([each(toy.mean, e) for each in maps], 1))
    return torch.cat(made).view(len(case.sizes), replicates, len(ESTIMATORS), toy.dim)


def _of_mean(name: str, toy: gaussian.Gaussian, mean: Tensor, e: Tensor) -> Tensor:
    return surrogate(name, mean, e, toy)


def port(model: VAE, x: Tensor, k: int, generator: torch.Generator) -> list[Tensor]:
    """Return DReG's gradients in the usual PyTorch way: a surrogate and a backward pass for each half.

    The mean over the batch is to be MAXIMISED. First come the gradients for the parameters of q, then for those of p.
    """
    flat = x.flatten(1)
    mu, sigma = model.infer(flat)
    z = mu + sigma * torch.randn(k, *mu.shape, generator=generator, dtype=x.dtype)
    log_q = Normal(mu.detach(), sigma.detach()).log_prob(z).sum(-1)
    log_p = Bernoulli(logits=model.logits(z, None)).log_prob(flat).sum(-1) + Normal(0.0, 1.0).log_prob(z).sum(-1)
    log_w = log_p - log_q
    w = log_w.detach().softmax(0)
    inference = torch.autograd.grad((w * w * log_w).sum(0).mean(), model.inference, retain_graph=True)
    return [*inference, *torch.autograd.grad((w * log_w).sum(0).mean(), model.generative)]


def network_step(model: VAE, x: Tensor, k: int, generator: torch.Generator, names: tuple[str, ...]) -> list[Tensor]:
    """Return the same by labkit for the first estimator; the gradients of the others are computed as well."""
    found = passes.run(model, x, k, generator=generator)
    generative, leaves = fast.generative_gradients(model, found, names[0])
    inference = fast.inference_gradients(model, found, names, leaves={names[0]: leaves})
    return [*inference[names[0]], *generative]


def layered_step(model: VAE, x: Tensor, k: int, generator: torch.Generator) -> list[Tensor]:
    """Return `network_step` of DReG with a decoder in plain torch."""
    found = passes.run(model, x, k, generator=generator, log_pixels=VAE.log_pixels)
    generative, leaves = fast.generative_gradients(model, found, "dreg")
    inference = fast.inference_gradients(model, found, ["dreg"], leaves={"dreg": leaves})
    return [*inference["dreg"], *generative]


def surrogate_step(model: VAE, x: Tensor, k: int, generator: torch.Generator) -> list[Tensor]:
    """Return the same by one surrogate from the samples of a pass."""
    samples = passes.run(model, x, k, generator=generator).samples()
    return list(torch.autograd.grad(dreg.surrogate(samples, "dreg").mean(), [*model.inference, *model.generative]))


def measure_step(rounds: int, model: VAE, x: Tensor, k: int) -> dict[str, list[float]]:
    """Return the ms of CPU time per step of each way, round by round, after a warm-up."""
    generator = torch.Generator().manual_seed(0)
    ways = {
        "labkit": lambda: network_step(model, x, k, generator, SIX[:1]),
        "port": lambda: port(model, x, k, generator),
        "six": lambda: network_step(model, x, k, generator, SIX),
        "layers": lambda: layered_step(model, x, k, generator),
        "surrogates": lambda: surrogate_step(model, x, k, generator),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 2):
        for name, way in ways.items():
            began = time.process_time()
            way()
            if turn > 1:
                times[name].append((time.process_time() - began) * 1e3)
    return times


def step_table(times: dict[str, list[float]]) -> Table:
    """Return the table of a training step with the required ratios."""
    made = Table(
        box=SIMPLE_HEAD,
        title="DReG: a step of the original's network",
        caption="ms of CPU time for the gradients of both halves. 64 images, K = 64, 784-200-200-50, float32, one "
        f"thread. Medians over rounds; the ways alternate. The five more are {', '.join(SIX[1:])}.",
    )
    for heading in ("way", "ms", "ratio/bound"):
        made.add_column(heading, justify="left" if heading == "way" else "right")
    port, more = (median_ratio(times[name], times["labkit"]) for name in ("port", "six"))
    made.add_row("labkit, only dreg", f"{statistics.median(times['labkit']):.4g}", "")
    made.add_row(
        "port, two backwards",
        f"{statistics.median(times['port']):.4g}",
        f"labkit is quicker by {port:.3g}/{PORT:g} {'ok' if port >= PORT else 'short'}",
    )
    made.add_row(
        "labkit, five estimators more",
        f"{statistics.median(times['six']):.4g}",
        f"takes {more:.3g}/{MORE:.2f} {'ok' if more <= MORE else 'over'}",
    )
    for name, words in (("layers", "decoder layer by layer"), ("surrogates", "surrogates of the same samples")):
        longer = median_ratio(times[name], times["labkit"])
        made.add_row(words, f"{statistics.median(times[name]):.4g}", f"takes {longer:.3g}")
    return made


def median_ratio(one: list[float], other: list[float]) -> float:
    """Return the median ratio of times that were taken in the same rounds."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


def run(quick: bool, console: Console) -> list[Row]:
    """Measure and print the tables."""
    torch.manual_seed(0)
    x = torch.bernoulli(torch.full((64, 1, 28, 28), 0.2))
    with one_thread():
        rows = measure(CASE, 2 if quick else CASE.rounds)
        times = measure_step(5 if quick else STEP_ROUNDS, VAE(), x, 64)
    console.print(table(rows, CASE))
    console.print(step_table(times))
    return rows


def measure(case: Case, rounds: int) -> list[Row]:
    """Time all ways alternately, after a warm-up."""
    toy, generator = gaussian.instance(case.dim), torch.Generator().manual_seed(0)
    first = laboratory.start(toy, ESTIMATORS, case.sizes)
    ways: dict[str, tuple[Callable[[int], object], int]] = {
        "labkit": (lambda n: laboratory.step(first, toy, generator=generator, replicates=n), case.replicates),
        "noise in float64": (lambda n: drawn_in_float64(case, toy, generator, n), case.replicates),
        "loop": (lambda n: loop(case, toy, generator, n), case.of_the_loop),
        "vmap": (lambda n: mapped(case, toy, generator, n), case.replicates),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, (way, replicates) in ways.items():
            n = replicates if turn else 2  # the first round is the warm-up
            began = time.process_time()
            way(n)
            if turn:
                times[name].append((time.process_time() - began) * 1e6 / n)
    return [Row(name, statistics.median(ms), median_ratio(ms, times["labkit"])) for name, ms in times.items()]


def drawn_in_float64(case: Case, toy: gaussian.Gaussian, generator: torch.Generator, replicates: int) -> Tensor:
    """Return gradients [R, E, S, D] in labkit's way, from noise of float64."""
    made = []
    some = max(1, fast_laboratory.ENTRIES["cpu"] // (case.sizes[-1] * toy.dim))
    for i in range(0, replicates, some):
        e = torch.randn(min(some, replicates - i), case.sizes[-1], toy.dim, generator=generator, dtype=torch.float64)
        made.append(fast_laboratory.of_noise(e, toy, ESTIMATORS, case.sizes, {}).gradients)
    return torch.cat(made)


def table(rows: list[Row], case: Case) -> Table:
    made = Table(
        box=SIMPLE_HEAD,
        title="DReG: the Gaussian laboratory, compared with autograd",
        caption=f"ms of CPU time for 1000 replicates of {', '.join(ESTIMATORS)} at K = {case.sizes[0]} to "
        f"{case.sizes[-1]}, D = {case.dim}, float64, one thread. Medians over rounds; the ways alternate. labkit's "
        "time includes bounds, effective sample sizes, Pareto's k and the tests of bias.",
    )
    for heading in ("way", "ms", "labkit is quicker by/bound"):
        made.add_column(heading, justify="left" if heading == "way" else "right")
    for row in rows:
        bound = BOUNDS.get(row.way)
        mark = "" if row.way == "labkit" else f"{row.ratio:.3g}"
        if bound is not None:
            mark += f"/{bound:g} {'ok' if row.ratio >= bound else 'short'}"
        made.add_row(row.way, f"{row.ms:.4g}", mark)
    return made

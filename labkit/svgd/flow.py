"""Stein variational gradient descent as states and steps (Liu & Wang 2016, algorithm 1).

    x_i <- x_i + move(phi(x_i)),   phi(x_i) = 1/n sum_j [ k(x_j, x_i) s(x_j) + grad_{x_j} k(x_j, x_i) ]     (eq. 8)

All fields of a state are evaluated at its x, with the kernel at its bandwidth.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor

from labkit.stream import iterate
from labkit.svgd import bandwidths
from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.checks import Particles, as_particles, check_particles, check_whole, evaluate_score
from labkit.svgd.fast.together import phi_and_median
from labkit.svgd.kernels import RBF, Kernel
from labkit.svgd.optimizers import Adagrad, Optimizer
from labkit.svgd.registry import kernel_of, optimizer_of
from labkit.svgd.state import State, memory_for
from labkit.targets.scores import Score, Scored, as_score

KERNEL = RBF()
OPTIMIZER = Adagrad()
ROUNDING = 64  # allowed rounding error of a sum over pairs, in units of the last digit of its terms


def _bandwidth(kernel: Kernel, bandwidth: Bandwidth, x: Tensor, last: Tensor | None, t: int) -> Tensor:
    if not kernel.uses_bandwidth:
        return x.new_full(x.shape[:-2], math.inf)
    frame = kernel.frame(x)
    if last is not None and last.shape != frame.shape[:-2]:  # the kernel has changed
        last = None
    return bandwidths.rule(bandwidth)(frame, last, t).to(x.dtype)


def _at(
    x: Tensor,
    score: Score,
    kernel: Kernel,
    bandwidth: Bandwidth,
    generator: torch.Generator | None,
    t: int,
    last: Tensor | None,
    memory: Any,
) -> State:
    """Return the state at x."""
    s = evaluate_score(score, x, t, generator)
    h = _bandwidth(kernel, bandwidth, x, last, t)
    drive, repulsion, trace = kernel.products(x, s, h)
    pulled = (s * torch.add(drive, repulsion, alpha=2)).sum(-1)
    ksd = root(pulled.mean(-1) + trace, lambda: pulled.abs().mean(-1) + trace.abs())
    return State(x, s, drive + repulsion, drive, repulsion, h, ksd, t, memory)


def root(square: Tensor, size: Callable[[], Tensor]) -> Tensor:
    """Return the root of `square`, a sum of terms whose total size is `size()`.

    `size` is called only if a square is negative. A negative square becomes 0 if rounding explains it. Otherwise it
    becomes NaN, because then none of its digits is right.
    """
    # true nearly always; on a GPU reading it would wait for the device
    if not square.is_cuda and float(square.min()) >= 0:
        return square.sqrt()
    rounding = size() * (-ROUNDING * torch.finfo(square.dtype).eps)
    return torch.where(square < rounding, math.nan, square.clamp(min=0)).sqrt_()


def start(
    x0: Particles,
    score: Scored,
    *,
    kernel: Kernel | str = KERNEL,
    bandwidth: Bandwidth = "median",
    generator: torch.Generator | None = None,
) -> State:
    """Return the state of a run before its first step.

    Args:
        x0: particles (..., n, d), float32 or float64, on any device; copied. An array or a data frame becomes a tensor.
        score: x -> grad log p(x) of the same shape, or a target, its name in `targets.TARGETS`, or a
            `torch.distributions` object. Wrap a function that returns log p with `targets.from_log_prob(f)`. In one
            dimension labkit cannot detect the mistake, because log p has the shape of a score there.
        kernel: a name in `svgd.KERNELS`, such as "imq", or a `Kernel`; default the RBF.
        bandwidth: a rule's name in `svgd.RULES`, a length h in units of x, a tensor with one h per run, or x -> h.
        generator: the source of randomness for scores that sample a minibatch.

    Raises:
        TypeError, ValueError: the particles, the score or the bandwidth are wrong; the message says what to do.
    """
    x = as_particles(x0).detach().clone()
    return _at(x, as_score(score), kernel_of(kernel), bandwidth, generator, 0, None, None)


def evaluate(
    state: State,
    score: Scored,
    *,
    kernel: Kernel | str = KERNEL,
    bandwidth: Bandwidth = "median",
    generator: torch.Generator | None = None,
) -> State:
    """Return a state with the same particles, t and memory, and with everything else recomputed.

    Use it after an edit of x, or after a change of target or kernel. With
    `evaluate(dataclasses.replace(state, x=edited), score)` a run continues from edited particles. If the number of
    particles changes, `memory_for` gives the new particles the mean memory of the others.

    Args:
        state: the state; its x may have been replaced.
        score, kernel, bandwidth, generator: as in `start`.

    Raises:
        TypeError, ValueError: as `start`.
    """
    check_particles(state.x)
    memory = memory_for(state.memory, state.x)
    return _at(state.x, as_score(score), kernel_of(kernel), bandwidth, generator, state.t, None, memory)


def step(
    state: State,
    score: Scored,
    *,
    kernel: Kernel | str = KERNEL,
    bandwidth: Bandwidth = "median",
    optimizer: Optimizer | str = OPTIMIZER,
    generator: torch.Generator | None = None,
) -> State:
    """Move every particle once along phi and evaluate everything at the new positions.

    Args:
        state: the state before the step.
        optimizer: a name in `svgd.OPTIMIZERS`, at the step size 0.1, an object such as `svgd.Adam(0.05)`, or your own
            function (direction, memory) -> (move, memory); default the original's Adagrad with step size 0.1.
        score, kernel, bandwidth, generator: as in `start`.

    Raises:
        ValueError: the score is not finite, or has the wrong shape or dtype; or a name is unknown.
    """
    move, memory = optimizer_of(optimizer)(state.phi, state.memory)
    x, kernel = state.x + move, kernel_of(kernel)
    return _at(x, as_score(score), kernel, bandwidth, generator, state.t + 1, state.bandwidth, memory)


def flow(
    score_or_target: Scored,
    x0: Particles | State,
    *,
    kernel: Kernel | str = KERNEL,
    bandwidth: Bandwidth = "median",
    optimizer: Optimizer | str = OPTIMIZER,
    generator: torch.Generator | None = None,
) -> Iterator[State]:
    """Return the endless stream of states from x0: `iterate(step, start(x0))`.

        for state in itertools.islice(flow(target, x0), 500): ...

    Args:
        score_or_target: a target, its name in `targets.TARGETS`, a `torch.distributions` object, or a score x -> grad
            log p(x) of the shape of x. Wrap a function that returns log p with `targets.from_log_prob(f)`.
        x0: particles (..., n, d), float32 or float64, on any device: a tensor, an array or a data frame. Or a `State`:
            it comes first, and the run continues from it with the same numbers as if it had not stopped. After a change
            of its particles, of the target or of the kernel, call `evaluate` first.
        kernel: a name in `svgd.KERNELS`, such as "imq", or a `Kernel`; default the RBF.
        bandwidth: a rule's name in `svgd.RULES`, a length h in units of x, a tensor with one h per run, or x -> h;
            default the median rule of the original program.
        optimizer: a name in `svgd.OPTIMIZERS`, at the step size 0.1, an object such as `svgd.Adam(0.05)`, or your own
            function (direction, memory) -> (move, memory); default the original's Adagrad with step size 0.1.
        generator: the source of randomness for scores that sample a minibatch.

    Raises:
        TypeError, ValueError: as `start` and `step`.
    """
    how: dict[str, Any] = {"score": as_score(score_or_target), "kernel": kernel_of(kernel), "bandwidth": bandwidth}
    if isinstance(x0, State):
        check_whole(x0)
        first = x0
    else:
        first = start(x0, **how, generator=generator)
    return iterate(partial(step, **how, optimizer=optimizer_of(optimizer), generator=generator), first)


def phi(x: Particles, score: Scored, kernel: Kernel | str = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """Return only the direction phi (..., n, d) at x (..., n, d), which is cheaper than a state.

    Use it with your own optimiser.

    Args:
        x: particles, as x0 in `start`.
        score, kernel, bandwidth: as in `start`.

    Raises:
        TypeError, ValueError: as `start`.
    """
    x = as_particles(x).detach()
    s = evaluate_score(as_score(score), x)
    return direction(x, s, kernel_of(kernel), bandwidth)[0]


def direction(
    x: Tensor, s: Tensor, kernel: Kernel, bandwidth: Bandwidth, last: Tensor | None = None, t: int = 0
) -> tuple[Tensor, Tensor]:
    """Return phi (..., n, d) of x with scores s, and its bandwidth."""
    if (found := phi_and_median(kernel, bandwidth, x, s)) is not None:
        return found
    h = _bandwidth(kernel, bandwidth, x, last, t)
    return kernel.phi(x, s, h), h


def pulls(state: State, i: int, *, kernel: Kernel | str = KERNEL) -> tuple[Tensor, Tensor]:
    """Return how much every neighbour j contributes to drive_i and to repulsion_i of particle i, each (n, d).

    The contributions sum to `state.drive[i]` and `state.repulsion[i]`. They come from pairs of particles, so any kernel
    works.

    Args:
        state: the state of one run.
        i: the number of the particle, from 0.
        kernel: the kernel of the run, as in `start`.

    Raises:
        ValueError: the state holds several runs.
        IndexError: there is no particle i.
    """
    if state.x.ndim != 2:
        raise ValueError(f"pulls needs one run (n, d), got {tuple(state.x.shape)}; give the fields of one run")
    n = state.x.shape[0]
    if not -n <= i < n:
        raise IndexError(f"particle i must be from 0 to {n - 1}, got {i}; choose one of these")
    i, kernel = i % n, kernel_of(kernel)
    # use the pairs (i, j) as n runs of two particles; in each run particle 0 interacts with particle j
    two = torch.stack([state.x[i].expand_as(state.x), state.x], -2)
    scores = torch.stack([torch.zeros_like(state.score), state.score], -2)
    h = state.bandwidth.expand(n, *state.bandwidth.shape)
    drive, repulsion, _ = kernel.products(two, scores, h)
    self_push = kernel.products(state.x[i : i + 1], state.score[i : i + 1], state.bandwidth).repulsion
    return drive[:, 0] * 2 / n, (repulsion[:, 0] * 2 - self_push) / n

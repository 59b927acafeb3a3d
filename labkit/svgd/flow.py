"""Stein variational gradient descent as states and steps (Liu & Wang 2016, algorithm 1).

    x_i <- x_i + move(phi(x_i)),   phi(x_i) = 1/n sum_j [ k(x_j, x_i) s(x_j) + grad_{x_j} k(x_j, x_i) ]     (eq. 8)

All fields of a state are evaluated at its x, with the kernel at its bandwidth.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.stream import iterate
from labkit.svgd import bandwidths
from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.checks import check_particles, evaluate_score
from labkit.svgd.fast.together import phi_and_median
from labkit.svgd.kernels import RBF, Kernel
from labkit.svgd.optimizers import Adagrad, Optimizer
from labkit.targets.scores import Score, Scored, as_score

KERNEL = RBF()
OPTIMIZER = Adagrad()
ROUNDING = 64  # allowed rounding error of a sum over pairs, in units of the last digit of its terms


@dataclass(frozen=True, eq=False)
class State:
    """A state holds the particles after t steps and all values computed at them; leading axes are separate runs.

    x: particles (..., n, d) in R^d; for a target with a bounded support, `target.constrain(x)` are the points in it.
    score: (..., n, d), the score of this step, with its minibatch and temperature.
    phi, drive, repulsion: (..., n, d), with phi = drive + repulsion.
    bandwidth: (...), a length; (..., d) for `PerDimension`; infinite for `Linear`.
    ksd: (...), the root of the V-statistic of KSD^2 under the run's kernel. NaN where only rounding error is left.
    memory: the memory of the optimiser, None at first.
    """

    # x has its own axes: `replace(state, x=more)` is legal, `evaluate` then updates the rest
    x: Float[Tensor, "*_ _ _"]
    score: Float[Tensor, "*runs n d"]
    phi: Float[Tensor, "*runs n d"]
    drive: Float[Tensor, "*runs n d"]
    repulsion: Float[Tensor, "*runs n d"]
    bandwidth: Tensor
    ksd: Float[Tensor, "*runs"]
    t: int = 0
    memory: Any = None


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
    x0: Tensor,
    score: Scored,
    *,
    kernel: Kernel = KERNEL,
    bandwidth: Bandwidth = "median",
    generator: torch.Generator | None = None,
) -> State:
    """Return the state of a run before its first step.

    Args:
        x0: particles (..., n, d), float32 or float64, on any device; copied.
        score: x -> grad log p(x) of the same shape, or a target, or a `torch.distributions` object. Wrap a function
            that returns log p with `targets.from_log_prob(f)`. In one dimension labkit cannot detect the mistake,
            because log p has the shape of a score there.
        kernel: one of `labkit.svgd`'s, or your own `Kernel`.
        bandwidth: a rule's name (`bandwidths.RULES`), a length h in units of x, a tensor with one h per run, or x -> h.
        generator: the source of randomness for scores that sample a minibatch.

    Raises:
        TypeError, ValueError: the particles, the score or the bandwidth are wrong; the message says what to do.
    """
    check_particles(x0)
    return _at(x0.detach().clone(), as_score(score), kernel, bandwidth, generator, 0, None, None)


def evaluate(
    state: State,
    score: Scored,
    *,
    kernel: Kernel = KERNEL,
    bandwidth: Bandwidth = "median",
    generator: torch.Generator | None = None,
) -> State:
    """Return a state with the same particles, t and memory, and with everything else recomputed.

    Use it after an edit of x, or after a change of target or kernel. With
    `evaluate(dataclasses.replace(state, x=edited), score)` a run continues from edited particles. If the number of
    particles changes, `memory_for` gives the new particles the mean memory of the others.

    Raises:
        TypeError, ValueError: as `start`.
    """
    check_particles(state.x)
    memory = memory_for(state.memory, state.x)
    return _at(state.x, as_score(score), kernel, bandwidth, generator, state.t, None, memory)


def memory_for(memory: Any, x: Tensor) -> Any:
    """Return an optimiser's memory that fits the particles x (..., n, d).

    If n has grown, the new rows are the mean of the old ones; if n has shrunk, the last rows are dropped.
    It returns None if the memory has another dimension or other runs.
    """
    if isinstance(memory, tuple):
        parts = [memory_for(m, x) for m in memory]
        if any(m is not None and part is None for m, part in zip(memory, parts, strict=True)):
            return None  # the memory has another dimension and cannot be used
        return type(memory)(*parts) if hasattr(memory, "_fields") else tuple(parts)
    if not isinstance(memory, Tensor) or memory.shape == x.shape:
        return memory
    if memory.shape[-1] != x.shape[-1] or memory.shape[:-2] != x.shape[:-2]:
        return None
    more = x.shape[-2] - memory.shape[-2]
    return (
        memory[..., : x.shape[-2], :]
        if more < 0
        else torch.cat([memory, memory.mean(-2, keepdim=True).expand(*memory.shape[:-2], more, -1)], -2)
    )


def step(
    state: State,
    score: Scored,
    *,
    kernel: Kernel = KERNEL,
    bandwidth: Bandwidth = "median",
    optimizer: Optimizer = OPTIMIZER,
    generator: torch.Generator | None = None,
) -> State:
    """Move every particle once along phi and evaluate everything at the new positions.

    Args:
        optimizer: (direction, memory) -> (move, memory); default the original's Adagrad with step size 0.1.
        score, kernel, bandwidth, generator: as in `start`.

    Raises:
        ValueError: the score is not finite, or has the wrong shape or dtype.
    """
    move, memory = optimizer(state.phi, state.memory)
    return _at(state.x + move, as_score(score), kernel, bandwidth, generator, state.t + 1, state.bandwidth, memory)


def flow(
    score_or_target: Scored,
    x0: Tensor,
    *,
    kernel: Kernel = KERNEL,
    bandwidth: Bandwidth = "median",
    optimizer: Optimizer = OPTIMIZER,
    generator: torch.Generator | None = None,
) -> Iterator[State]:
    """Return the endless stream of states from x0: `iterate(step, start(x0))`.

        for state in itertools.islice(flow(target, x0), 500): ...

    Raises:
        TypeError, ValueError: as `start` and `step`.
    """
    score = as_score(score_or_target)
    first = start(x0, score, kernel=kernel, bandwidth=bandwidth, generator=generator)
    move = partial(step, score=score, kernel=kernel, bandwidth=bandwidth, optimizer=optimizer, generator=generator)
    return iterate(move, first)


def phi(x: Tensor, score: Scored, kernel: Kernel = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """Return only the direction phi (..., n, d) at x (..., n, d), which is cheaper than a state.

    Use it with your own optimiser.

    Raises:
        TypeError, ValueError: as `start`.
    """
    check_particles(x)
    x = x.detach()
    s = evaluate_score(as_score(score), x)
    return direction(x, s, kernel, bandwidth)[0]


def direction(
    x: Tensor, s: Tensor, kernel: Kernel, bandwidth: Bandwidth, last: Tensor | None = None, t: int = 0
) -> tuple[Tensor, Tensor]:
    """Return phi (..., n, d) of x with scores s, and its bandwidth."""
    if (found := phi_and_median(kernel, bandwidth, x, s)) is not None:
        return found
    h = _bandwidth(kernel, bandwidth, x, last, t)
    return kernel.phi(x, s, h), h


def pulls(state: State, i: int, *, kernel: Kernel = KERNEL) -> tuple[Tensor, Tensor]:
    """Return how much every neighbour j contributes to drive_i and to repulsion_i of particle i, each (n, d).

    The contributions sum to `state.drive[i]` and `state.repulsion[i]`. They come from pairs of particles, so any kernel
    works.

    Raises:
        ValueError: the state holds several runs.
        IndexError: there is no particle i.
    """
    if state.x.ndim != 2:
        raise ValueError(f"pulls needs one run (n, d), got {tuple(state.x.shape)}; give the fields of one run")
    n = state.x.shape[0]
    if not -n <= i < n:
        raise IndexError(f"particle i must be from 0 to {n - 1}, got {i}; choose one of these")
    i %= n
    # use the pairs (i, j) as n runs of two particles; in each run particle 0 interacts with particle j
    two = torch.stack([state.x[i].expand_as(state.x), state.x], -2)
    scores = torch.stack([torch.zeros_like(state.score), state.score], -2)
    h = state.bandwidth.expand(n, *state.bandwidth.shape)
    drive, repulsion, _ = kernel.products(two, scores, h)
    self_push = kernel.products(state.x[i : i + 1], state.score[i : i + 1], state.bandwidth).repulsion
    return drive[:, 0] * 2 / n, (repulsion[:, 0] * 2 - self_push) / n

"""Stein variational gradient descent (Liu & Wang 2016, algorithm 1) as states and steps.

    x_i <- x_i + move(phi(x_i)),   phi(x_i) = 1/n sum_j [ k(x_j, x_i) s(x_j) + grad_{x_j} k(x_j, x_i) ]     (eq. 8)

Everything in a state is evaluated at its x, with the kernel at its bandwidth.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from labkit.stream import iterate
from labkit.svgd import bandwidths
from labkit.svgd.bandwidths import Bandwidth
from labkit.svgd.fast.together import phi_and_median
from labkit.svgd.kernels import RBF, Kernel
from labkit.svgd.optimizers import Adagrad, Optimizer
from labkit.targets.scores import Score, Scored, as_score

KERNEL = RBF()
OPTIMIZER = Adagrad()
LOG_DENSITY = "this looks like a log-density; wrap it: targets.from_log_prob(f)"
ROUNDING = 64  # units of the last digit by which a sum over pairs may be off, as a part of its terms


@dataclass(frozen=True, eq=False)
class State:
    """The particles after t steps and all that is known of them; any number of runs in the leading axes.

    x, score, phi, drive, repulsion: (..., n, d), phi = drive + repulsion; the score is that of this step (of its
    minibatch, its temperature). x are coordinates of R^d: of a target with a bounded support, `target.constrain(x)`
    are the places of the particles in it.
    bandwidth: (...), a length; (..., d) for `PerDimension`; infinite for `Linear`.
    ksd: (...), the root of the V-statistic of KSD^2 under the run's kernel; NaN where rounding is all that is left of
    it. memory: the optimiser's, None at first.
    """

    x: Float[Tensor, "*_ _ _"]  # axes of its own: `replace(state, x=more)` is legal, `evaluate` brings the rest after
    score: Float[Tensor, "*runs n d"]
    phi: Float[Tensor, "*runs n d"]
    drive: Float[Tensor, "*runs n d"]
    repulsion: Float[Tensor, "*runs n d"]
    bandwidth: Tensor
    ksd: Float[Tensor, "*runs"]
    t: int = 0
    memory: Any = None


def check_particles(x: object) -> None:
    """Refuse what cannot be particles.

    Raises:
        TypeError: not a tensor of float32 or float64.
        ValueError: not (..., n, d) with n, d >= 1, or not finite.
    """
    if not isinstance(x, Tensor) or x.dtype not in (torch.float32, torch.float64):
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(
            f"particles must be a float32 or float64 tensor, got {got}; use torch.as_tensor(x, dtype=torch.float64)"
        )
    if x.ndim < 2 or 0 in x.shape:
        raise ValueError(
            f"particles must be (..., n, d) with n and d at least 1, got {tuple(x.shape)}; "
            "for one dimension use x[:, None]"
        )
    check_finite(x.detach(), "particles", "check where they come from")


def check_finite(values: Tensor, what: str, do: str) -> None:
    """Raise ValueError where a value is NaN or infinite."""
    # one sum finds nearly every good case in a single pass; finite values whose sum overflows get the second look
    if not math.isfinite(values.sum()) and not bool(values.isfinite().all()):
        bad = values.isfinite().logical_not_()
        first = tuple(bad.nonzero()[0].tolist())
        raise ValueError(
            f"{what} must be finite, got {int(bad.sum())} of {values.numel()} that are not, the first at {first}; {do}"
        )


def evaluate_score(score: Score, x: Tensor, t: int = 0, generator: torch.Generator | None = None) -> Tensor:
    """The score of step t at x, checked and detached. It gets a copy of x, so that it cannot move the particles."""
    if hasattr(score, "at"):
        score = score.at(t, generator)
    # a copy, not a look at the tensor's version: a write through `x.numpy()` does not change the version
    s = score(x.clone())
    if not isinstance(s, Tensor) or s.shape != x.shape:
        got = tuple(s.shape) if isinstance(s, Tensor) else type(s).__name__
        one_each = isinstance(s, Tensor) and s.shape in (x.shape[:-1], (*x.shape[:-1], 1))
        raise ValueError(
            f"the score must return a tensor {tuple(x.shape)} like the particles, got {got}; "
            + (LOG_DENSITY if one_each else "differentiate log_p(x).sum()")
        )
    if s.dtype != x.dtype:
        raise ValueError(
            f"the score must return {x.dtype} like the particles, got {s.dtype}; make its constants follow x.dtype"
        )
    s = s.detach()
    check_finite(s, f"the score at step {t}", "take a smaller step size, or a target whose score is finite there")
    return s


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
    """The state at x."""
    s = evaluate_score(score, x, t, generator)
    h = _bandwidth(kernel, bandwidth, x, last, t)
    drive, repulsion, trace = kernel.products(x, s, h)
    pulled = (s * torch.add(drive, repulsion, alpha=2)).sum(-1)
    ksd = root(pulled.mean(-1) + trace, lambda: pulled.abs().mean(-1) + trace.abs())
    return State(x, s, drive + repulsion, drive, repulsion, h, ksd, t, memory)


def root(square: Tensor, size: Callable[[], Tensor]) -> Tensor:
    """Return the root of a square that is a sum of terms of this size, which is asked for where a square is negative.

    A negative square is 0 where rounding explains it, and NaN where it does not: then no digit of it is right.
    """
    if not square.is_cuda and float(square.min()) >= 0:  # nearly always; on a GPU to look would be to wait
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
    """The state of a run before its first step.

    Args:
        x0: particles (..., n, d), float32 or float64, on any device; copied.
        score: x -> grad log p(x) of the same shape; or a target; or a `torch.distributions` object. A function that
            gives log p itself needs `targets.from_log_prob(f)`: in one dimension -x**2 / 2 has the shape of a score,
            and is taken for one.
        kernel: one of `labkit.svgd`'s, or your own `Kernel`.
        bandwidth: a rule's name (`bandwidths.RULES`), a length h, a tensor with one h for every run, or x -> h.
        generator: for scores that draw a minibatch.

    Raises:
        TypeError, ValueError: bad particles, score, or bandwidth; the message says which and what to do.
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
    """The same particles, step and memory, all else anew: after an edit of x, or a change of target or kernel.

    `evaluate(dataclasses.replace(state, x=edited), score)` lets a run go on from edited particles. Where particles
    came or went, the memory of the newcomers is the mean of the others'; `memory_for` does it.
    """
    check_particles(state.x)
    memory = memory_for(state.memory, state.x)
    return _at(state.x, as_score(score), kernel, bandwidth, generator, state.t, None, memory)


def memory_for(memory: Any, x: Tensor) -> Any:
    """An optimiser's memory for the particles x (..., n, d): grown by its mean, or cut, where n has changed."""
    if isinstance(memory, tuple):
        parts = [memory_for(m, x) for m in memory]
        if any(m is not None and part is None for m, part in zip(memory, parts, strict=True)):
            return None  # of another dimension: nothing to go on from
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
    """Move every particle once along phi and evaluate everything at the new place.

    Args:
        optimizer: (direction, memory) -> (move, memory); default the original's Adagrad with step size .1.
        (the others as in `start`)

    Raises:
        ValueError: the score is not finite, or of the wrong shape or dtype.
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
    """The endless stream of states from x0: `iterate(step, start(x0))`.

    for state in itertools.islice(flow(target, x0), 500): ...
    """
    score = as_score(score_or_target)
    first = start(x0, score, kernel=kernel, bandwidth=bandwidth, generator=generator)
    move = partial(step, score=score, kernel=kernel, bandwidth=bandwidth, optimizer=optimizer, generator=generator)
    return iterate(move, first)


def phi(x: Tensor, score: Scored, kernel: Kernel = KERNEL, bandwidth: Bandwidth = "median") -> Tensor:
    """The direction phi at x (..., n, d) alone: what an optimiser of one's own needs, cheaper than a state."""
    check_particles(x)
    x = x.detach()
    s = evaluate_score(as_score(score), x)
    return direction(x, s, kernel, bandwidth)[0]


def direction(
    x: Tensor, s: Tensor, kernel: Kernel, bandwidth: Bandwidth, last: Tensor | None = None, t: int = 0
) -> tuple[Tensor, Tensor]:
    """phi of x with scores s, and its bandwidth."""
    if (found := phi_and_median(kernel, bandwidth, x, s)) is not None:
        return found
    h = _bandwidth(kernel, bandwidth, x, last, t)
    return kernel.phi(x, s, h), h


def pulls(state: State, i: int, *, kernel: Kernel = KERNEL) -> tuple[Tensor, Tensor]:
    """What every neighbour j does to particle i of one run: its share of drive_i and of repulsion_i, each (n, d).

    The shares sum to `state.drive[i]` and `state.repulsion[i]`; they are found by taking the others away, so that any
    kernel will do.

    Raises:
        ValueError: the state holds several runs.
        IndexError: there is no particle i.
    """
    if state.x.ndim != 2:
        raise ValueError(f"pulls wants one run (n, d), got {tuple(state.x.shape)}; take the fields of one run")
    n = state.x.shape[0]
    if not -n <= i < n:
        raise IndexError(f"particle must be 0 to {n - 1}, got {i}")
    i %= n
    # pairs (i, j) as n runs of two particles: in a run of two, particle 0 feels itself and j
    two = torch.stack([state.x[i].expand_as(state.x), state.x], -2)
    scores = torch.stack([torch.zeros_like(state.score), state.score], -2)
    h = state.bandwidth.expand(n, *state.bandwidth.shape)
    drive, repulsion, _ = kernel.products(two, scores, h)
    self_push = kernel.products(state.x[i : i + 1], state.score[i : i + 1], state.bandwidth).repulsion
    return drive[:, 0] * 2 / n, (repulsion[:, 0] * 2 - self_push) / n


def with_particles(state: State, x: Tensor) -> State:
    """The state with other particles, not yet evaluated: hand it to `evaluate`."""
    return replace(state, x=x.detach().clone())

"""The median of all n^2 squared distances, diagonal included, is found without sorting n^2 numbers.

The median distance of the pairs is found in the same ways.

The n^2 sorted squared distances are n zeros, followed by every pair twice. Let p_m be the m-th smallest pair, with
p_0 = 0. For odd n the median is p_m at m = (n-1)^2/4. For even n it is (p_m + p_{m+1}) / 2 at m = n (n-2) / 4.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from labkit.svgd.fast import pairs
from labkit.svgd.fast.ranks import Ranks, at_ranks

GATHERED = 1_000  # largest number of particles for which all pairs are in memory at once: 8 MB
SAMPLE = 700  # for more particles, the pairs of this many of them bracket the median: 4 MB
FEW = 4  # candidates per particle up to which gathering them is cheaper than counting again
NEAR = 8  # largest ratio of mean squared distance to median at which at most three bits are lost
LITTLE = 1_000_000  # coordinates of all pairs up to which their differences are computed one by one
ANCHORS = 48  # quantiles that bracket the median in one dimension
_LOWER = np.tril_indices(ANCHORS, -1)


def squared_distance(x: Tensor, apart: pairs.Apart | None = None) -> Tensor:
    """Return the median (...) over all n^2 entries of |x_i - x_j|^2 for x (..., n, d).

    For an even count this is the mean of the two middle values, as in numpy.

    Args:
        apart: `pairs.apart(x)`, if the caller has it already.
    """
    return _of_pairs(x, _ranks(x.shape[-2]), apart).sum(-1).div_(2)  # faster than a mean


def distance_of_pairs(x: Tensor) -> Tensor:
    """Return the median (...) of the n (n - 1) / 2 distances |x_i - x_j|, i < j, for x (..., n, d)."""
    n = x.shape[-2]
    count = n * (n - 1) // 2
    return _of_pairs(x, Ranks((count + 1) // 2, count // 2 + 1)).sqrt_().mean(-1)


def _of_pairs(x: Tensor, ranks: Ranks, apart: pairs.Apart | None = None) -> Tensor:
    """Return the squared distances at two ranks, (..., 2).

    In many dimensions this uses expanded squares around the mean, if all particles are about equally far from it.
    Otherwise it uses differences.
    """
    n, d = x.shape[-2:]
    if d <= pairs.DIRECT:
        return _found(x, ranks, pairs.exact_strips)
    if x.ndim == 2 and n * n * d <= LITTLE and apart is None:
        return at_ranks(torch.nn.functional.pdist(x).square_(), ranks)
    if apart is None and pairs.is_whole(x):
        apart = pairs.apart(x)
    if apart is None:
        centred = x - x.mean(-2, keepdim=True)
        found, spread = _found(centred, ranks, pairs.strips), torch.linalg.vecdot(centred, centred).mean(-1)
    else:
        found, spread = at_ranks(_each_once(apart.halves), ranks).mul_(2), apart.squares.mean(-1)
    few_digits_lost = float(torch.sub(spread, found.select(-1, 0), alpha=NEAR).max()) < 0
    return found if few_digits_lost else _found(x, ranks, pairs.exact_strips)


def _found(x: Tensor, ranks: Ranks, strips: Callable[[Tensor], pairs.Strips]) -> Tensor:
    """Return `_of_pairs` by the fastest of five ways."""
    n, d = x.shape[-2:]
    if pairs.is_whole(x):
        return at_ranks(_each_once(pairs.passing(x.mT)), ranks)
    runs = x.reshape(-1, n, d)
    if d == 1:
        found = [_sorted(run, ranks) for run in runs]
    elif n > GATHERED:
        found = [_counted(run, ranks, strips) for run in runs]
    elif strips is pairs.strips and x.dtype == torch.float64 and not x.is_cuda:
        found = [_screened(run, ranks) for run in runs]
    else:
        found = [at_ranks(_every_pair(run, strips), ranks) for run in runs]
    return torch.stack(found).reshape(*x.shape[:-2], 2)


def _each_once(values: Tensor) -> Tensor:
    """Return the part above the diagonal of (..., n, n) as (..., n (n - 1) / 2).

    On a CPU numpy's take needs half the time. For a batch it writes into memory that the next call overwrites.
    """
    above, flat = _above(values.shape[-1], values.device), values.flatten(-2)
    if values.is_cuda:
        return flat.index_select(-1, above)
    if values.ndim == 2:
        return torch.from_numpy(flat.numpy().take(above.numpy()))
    found = pairs.room("once", (*flat.shape[:-1], len(above)), values)
    flat.numpy().take(above.numpy(), -1, out=found.numpy(), mode="clip")  # "raise" would write a copy first
    return found


@functools.lru_cache(8)
def _above(n: int, device: torch.device) -> Tensor:
    """Return the positions of that part in a flat (n, n)."""
    i, j = torch.triu_indices(n, n, 1, device=device)
    return i.mul_(n).add_(j)


def _screened(x: Tensor, ranks: Ranks) -> Tensor:
    """Return the values at two ranks for x (n, d) float64 in many dimensions.

    It finds candidates in float32 and compares them in float64. The float32 values are used up to their possible
    rounding error. An inner product of d + 2 terms has an error of at most (d + 2) u sum |terms| (Higham 2002, eq.
    3.5). With the rounding of x this is 4 (d + 8) u max |x|^2.
    """
    n, d = x.shape
    greatest = (x * x).sum(-1).max()
    if 1e-30 < float(greatest) < 1e30:  # the range that float32 can square
        rough = _every_pair(x.float(), pairs.strips)
        low, high = at_ranks(rough, ranks).tolist()
        off = 4 * (d + 8) * 2.0**-24 * float(greatest)
        squares = rough.numpy()
        where = np.flatnonzero((squares >= low - 2 * off) & (squares <= high + 2 * off))
        if len(where) <= FEW * n:
            i, j = _place(where, n)
            return at_ranks((x[i] - x[j]).square().sum(-1), ranks, int(np.count_nonzero(squares < low - 2 * off)))
    return at_ranks(_every_pair(x, pairs.strips), ranks)


def _place(where: np.ndarray, n: int) -> tuple[Tensor, Tensor]:
    """Return the rows and columns of flat positions in `_every_pair`."""
    i, j = np.empty_like(where), np.empty_like(where)
    start = 0
    for rows in pairs.blocks(torch.empty(1, n)):
        size, width = rows.stop - rows.start, n - rows.start
        mine = (where >= start) & (where < start + size * width)
        row, column = np.divmod(where[mine] - start, width)
        i[mine], j[mine] = rows.start + row, rows.start + column
        start += size * width
    return torch.from_numpy(i), torch.from_numpy(j)


def _every_pair(x: Tensor, strips: Callable[[Tensor], pairs.Strips]) -> Tensor:
    """Return the squared distances of x (n, d), strip after strip; entries not above the diagonal are infinite."""
    found = []
    for _, d2 in strips(x.mT.contiguous()):
        size = d2.shape[0]
        d2[:, :size].masked_fill_(torch.ones(size, size, dtype=torch.bool, device=x.device).tril_(), torch.inf)
        found.append(d2.flatten())
    return torch.cat(found)


def _ranks(n: int) -> Ranks:
    """Return the two ranks with the median over all n^2 entries as their mean."""
    first = (n - 1) ** 2 // 4 if n % 2 else n * (n - 2) // 4
    return Ranks(first, first + 1 - n % 2)


def _sorted(x: Tensor, ranks: Ranks) -> Tensor:
    """Return the values at two ranks for x (n, 1), in O(n log n).

    A search on the sorted particles counts the pairs nearer than t. It uses numpy, because a call costs a third of
    torch's here. It runs on the CPU for any device, because moving n numbers is cheap.
    """
    xs = np.sort(x[:, 0].cpu().numpy()).astype(np.float64)  # differences of float32 are exact in float64
    n = len(xs)
    (_, begin, below), (_, end, _) = _bracket(xs, max(ranks.first, 1), ranks.last)
    width = end - begin
    row = np.repeat(np.arange(n), width)
    column = np.arange(len(row)) + np.repeat(begin - width.cumsum() + width, width)
    gaps = torch.from_numpy(xs[column] - xs[row])
    return at_ranks(gaps.square_(), ranks, below).to(x)


class Count(NamedTuple):
    """The number of pairs j > i with x_j < x_i + t in sorted x; `ends` are the ends of these pairs for every i."""

    t: float
    ends: np.ndarray
    number: int


def _counts(xs: np.ndarray, *lengths: float) -> list[Count]:
    n = len(xs)
    after = np.arange(1, n + 1)
    ends = [np.maximum(np.searchsorted(xs, xs + t), after) for t in lengths]
    return [Count(t, end, int(end.sum()) - n * (n + 1) // 2) for t, end in zip(lengths, ends, strict=True)]


def _bracket(xs: np.ndarray, first: int, last: int) -> tuple[Count, Count]:
    """Return two counts of sorted xs (n,) with few pairs between them.

    One is below rank `first`, the other at `last` or above.
    """
    n = len(xs)
    q = xs[((np.arange(ANCHORS) + 0.5) * (n / ANCHORS)).astype(int)]
    guess = np.sort(np.subtract.outer(q, q)[_LOWER])
    low, high = _counts(xs, *guess[[int(f * len(guess)) for f in (0.47, 0.52)]])
    if low.number >= first:
        (low,) = _counts(xs, 0.0)
    if high.number < last:
        (high,) = _counts(xs, 2 * float(xs[-1] - xs[0]) + 1)
    for _ in range(12):
        inside = high.number - low.number
        if inside <= FEW * n:
            break
        # a straight line through the two counts shows where the ranks should be; extend it a little to both sides
        slope = (high.t - low.t) / inside
        aim, reach = low.t + slope * (first - low.number), slope * (n / 4 + inside / 32)
        for new in _counts(xs, aim - reach, aim + reach):
            if low.t < new.t < high.t:
                low, high = (new if new.number < first else low), (new if new.number >= last else high)
    return low, high


def _counted(x: Tensor, ranks: Ranks, strips: Callable[[Tensor], pairs.Strips]) -> Tensor:
    """Return the values at two ranks for x (n, d) in any dimension.

    A sample brackets the ranks; a pass over all pairs counts them and keeps those inside.
    """
    xt, spread = x.mT.contiguous(), 0.02
    low, high = _sample_bracket(xt, strips, spread)
    while True:
        below, kept = _count(strips(xt), low, high)
        if below < ranks.first and below + kept.shape[0] >= ranks.last:
            return at_ranks(kept, ranks, below)
        spread *= 3
        low, high = _sample_bracket(xt, strips, spread) if spread < 0.5 else (-1.0, torch.inf)


def _sample_bracket(xt: Tensor, strips: Callable[[Tensor], pairs.Strips], spread: float) -> tuple[float, float]:
    """Return the squared distances at the fractions 1/2 - spread and 1/2 + spread of the pairs of a regular sample."""
    n = xt.shape[1]
    some = xt[:, torch.linspace(0, n - 1, min(SAMPLE, n), device=xt.device).round().long()]
    count, values = some.shape[1] * (some.shape[1] - 1) // 2, _every_pair(some.mT, strips)
    low, high = (max(1, int(part * count)) for part in (0.5 - spread, 0.5 + spread))
    ends = [float(at_ranks(values, Ranks(rank, rank))[0]) for rank in (low, high)]
    return ends[0], ends[1]


def _count(strips: pairs.Strips, low: float, high: float) -> tuple[int, Tensor]:
    """Return how many pairs i < j have d2 < low, and the d2 in [low, high]."""
    below, kept = 0, []
    for _, d2 in strips:
        upper = torch.ones_like(d2, dtype=torch.bool).triu_(1)
        below += int(((d2 < low) & upper).count_nonzero())
        kept.append(d2[(d2 >= low) & (d2 <= high) & upper])
    return below, torch.cat(kept)

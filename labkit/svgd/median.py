"""The exact median of all n^2 squared distances, the n zeros of the diagonal included, without sorting n^2 numbers.

Counting by rank: the n^2 sorted squared distances are n zeros and then every pair twice. With p_m the m-th smallest
pair (p_0 = 0), the median is p_m at m = (n-1)^2/4 for odd n, and (p_m + p_{m+1}) / 2 at m = n (n-2) / 4 for even n.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from labkit.svgd import pairs

GATHERED = 2_000  # up to so many particles all pairs are held at once
SAMPLE = 1_500  # particles whose distances bracket the median of more
FEW = 4  # candidates a particle that are gathered and searched rather than counted again
CENTRE = 25  # particles whose middle is taken for that of all
NEAR = 8  # times the median, up to which the mean squared distance from the mean costs no more than three bits of it
LITTLE = 1_000_000  # coordinates of all pairs, up to which their differences are taken one by one
NARROWED = 3_000  # from so many values on it pays to look for the one wanted among those near it
ANCHORS = 48  # quantiles that bracket it in one dimension
_LOWER = np.tril_indices(ANCHORS, -1)


def squared_distance(x: Tensor) -> Tensor:
    """Median over all n^2 entries of |x_i - x_j|^2 for x (..., n, d): (...).

    An even count takes the mean of the two middle values, as numpy does.
    """
    n, d = x.shape[-2:]
    if d <= pairs.DIRECT:
        return _median(x)
    if x.ndim == 2 and n * n * d <= LITTLE:  # every pair on its own: no product, and no digits lost
        return _of_pairs(torch.nn.functional.pdist(x).square(), n)
    if pairs.is_whole(x):
        return of_apart(x, pairs.apart(x))
    centred = x - x.mean(-2, keepdim=True)
    return _checked(x, _median(centred), torch.linalg.vecdot(centred, centred).mean(-1))


def of_apart(x: Tensor, apart: pairs.Apart) -> Tensor:
    """`squared_distance` of x from its `pairs.apart`, which somebody else needs too."""
    half = _of_pairs(_each_once(apart.halves), x.shape[-2])
    return _checked(x, half + half, apart.squares.mean(-1))


def _checked(x: Tensor, found: Tensor, spread: Tensor) -> Tensor:
    """What was found by expanded squares around the mean, where all are about as far from it; else the careful way.

    `spread` is the mean squared distance from the mean.
    """
    return found if float(torch.sub(spread, found, alpha=NEAR).max()) < 0 else _careful(x)


def _careful(x: Tensor) -> Tensor:
    """Many dimensions, where some particles are far from the others, or many coincide: x (..., n, d)."""
    # not around the mean: outliers move it; and the expanded square may leave a rounding error where points coincide
    centre = x[..., :: max(1, x.shape[-2] // CENTRE), :].median(-2, keepdim=True)[0]
    x, eps = x - centre, torch.finfo(x.dtype).eps
    noise = 8 * eps * (x * x).sum(-1).median(-1)[0] + 4 * (eps * centre).square().sum((-2, -1))
    found = _median(x)
    return torch.where(found > noise, found, 0.0)


def _median(x: Tensor) -> Tensor:
    """`squared_distance` by the quickest of the five ways."""
    n, d = x.shape[-2:]
    if pairs.is_whole(x):
        return _of_pairs(_each_once(pairs.squared_distances(x.mT, x.mT)), n)
    one = _sorted_median if d == 1 else _counted_median if n > GATHERED else _gathered_median
    if one is _gathered_median and d > pairs.DIRECT and x.dtype == torch.float64 and not x.is_cuda:
        one = _screened_median
    runs = [one(run) for run in x.reshape(-1, n, d)]
    return torch.stack(runs).reshape(x.shape[:-2])


def _each_once(values: Tensor) -> Tensor:
    """What stands above the diagonal of (..., n, n): (..., n (n - 1) / 2). On a CPU numpy takes it in half the time."""
    above, flat = _above(values.shape[-1], values.device), values.flatten(-2)
    return flat.index_select(-1, above) if values.is_cuda else torch.from_numpy(flat.numpy().take(above.numpy(), -1))


@functools.lru_cache(8)
def _above(n: int, device: torch.device) -> Tensor:
    """Where that stands in a flat (n, n)."""
    i, j = torch.triu_indices(n, n, 1, device=device)
    return i.mul_(n).add_(j)


def middle(values: Tensor) -> Tensor:
    """The median over the last axis, the mean of the two middle values where the count is even."""
    n = values.shape[-1]
    low, high = _order_statistic(values, (n + 1) // 2)
    return low if n % 2 else (low + high) / 2


def _of_pairs(values: Tensor, n: int, below: int = 0) -> Tensor:
    """The median of n particles from the squared distances of their pairs, the `below` smallest left out."""
    first, last = _ranks(n)
    if last == 0:
        return values.new_zeros(())
    low, high = _order_statistic(values, max(first, 1) - below)
    if first == last:
        return low
    return (low + high) / 2 if first else low / 2


def _screened_median(x: Tensor) -> Tensor:
    """Many dimensions, x (n, d) float64: float32 finds the few pairs that may be in the middle, float64 decides.

    All digits of float32 but those that its rounding may have spoilt are trusted: an inner product of d + 2 terms is
    off by (d + 2) u sum |terms| at most (Higham 2002, eq. 3.5), here 4 (d + 8) u max |x|^2 with the rounding of x.
    """
    n, d = x.shape
    first, last = _ranks(n)
    greatest = (x * x).sum(-1).max()
    if not 1e-30 < float(greatest) < 1e30:  # beyond what float32 can square
        return _gathered_median(x)
    rough = _every_pair(x.float()).numpy()
    low, high = _order_statistic(torch.from_numpy(rough), first)
    off = 4 * (d + 8) * 2.0**-24 * float(greatest)
    where = np.flatnonzero((rough >= float(low) - 2 * off) & (rough <= float(high) + 2 * off))
    if len(where) > FEW * n:
        return _gathered_median(x)
    below = int(np.count_nonzero(rough < float(low) - 2 * off))
    i, j = _place(where, n)
    return _of_pairs((x[i] - x[j]).square().sum(-1), n, below)


def _place(where: np.ndarray, n: int) -> tuple[Tensor, Tensor]:
    """Rows and columns of flat positions in `_every_pair`."""
    i, j = np.empty_like(where), np.empty_like(where)
    start = 0
    for rows in pairs.blocks(torch.empty(1, n)):
        size, width = rows.stop - rows.start, n - rows.start
        mine = (where >= start) & (where < start + size * width)
        row, column = np.divmod(where[mine] - start, width)
        i[mine], j[mine] = rows.start + row, rows.start + column
        start += size * width
    return torch.from_numpy(i), torch.from_numpy(j)


def _gathered_median(x: Tensor) -> Tensor:
    """Any dimension, x (n, d): from every pair."""
    return _of_pairs(_every_pair(x), x.shape[0])


def _every_pair(x: Tensor) -> Tensor:
    """Squared distances of x (n, d) in strips laid end to end; what is not above the diagonal is infinite."""
    xt, found = x.mT.contiguous(), []
    for rows in pairs.blocks(xt):
        d2 = pairs.squared_distances(xt[:, rows], xt[:, rows.start :])
        size = d2.shape[0]
        d2[:, :size].masked_fill_(torch.ones(size, size, dtype=torch.bool, device=x.device).tril_(), torch.inf)
        found.append(d2.flatten())
    return torch.cat(found)


def _order_statistic(values: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k-th smallest (from 1) and the one after it, over the last axis.

    numpy's partition of the few values near it beats torch.kthvalue on a CPU; on a GPU nothing beats a sort (both
    measured).
    """
    after = min(k + 1, values.shape[-1])
    if values.is_cuda:
        ordered = values.sort(-1)[0]
        return ordered[..., k - 1], ordered[..., after - 1]
    rows = values.numpy().reshape(-1, values.shape[-1])
    found = np.array([_two(row, k, after) for row in rows], rows.dtype).reshape(*values.shape[:-1], 2)
    return torch.from_numpy(found[..., 0]), torch.from_numpy(found[..., 1])


def _two(values: np.ndarray, k: int, after: int) -> tuple[np.floating, np.floating]:
    """The values (n,) of two ranks that are neighbours, or the same."""
    below = 0
    if len(values) >= NARROWED:
        values, below = _near(values, k, after)
    parted = np.partition(values, k - 1 - below)
    return parted[k - 1 - below], parted[after - 1 - below :].min()


def _near(values: np.ndarray, first: int, last: int) -> tuple[np.ndarray, int]:
    """Some of the values (n,), those of ranks first to last (from 1) among them, and how many are below these.

    Ranks of a sample of m say where to look, to within 1.5 sqrt(m) ranks of it: three deviations if it is even.
    """
    sample = np.sort(values[:: round(len(values) ** (1 / 3))])
    per, reach = len(sample) / len(values), 1.5 * math.sqrt(len(sample)) + 1
    low, high = int(first * per - reach), int(last * per + reach)
    least = sample[low] if low > 0 else -math.inf
    most = sample[high] if high < len(sample) else math.inf
    below = int(np.count_nonzero(values < least))
    near = values[np.flatnonzero((values >= least) & (values <= most))]
    return (near, below) if below < first and below + len(near) >= last else (values, 0)


def _ranks(n: int) -> tuple[int, int]:
    """The two ranks m among the sorted pairs (from 1; 0 is a zero) whose values make the median."""
    if n % 2:
        return (n - 1) ** 2 // 4, (n - 1) ** 2 // 4
    return n * (n - 2) // 4, n * (n - 2) // 4 + 1


def _sorted_median(x: Tensor) -> Tensor:
    """One dimension, x (n, 1): on sorted particles the pairs nearer than t are counted by a search, O(n log n).

    In numpy, whose calls cost a third of torch's here, and on the CPU for any device: n numbers are soon moved.
    """
    xs = np.sort(x[:, 0].cpu().numpy()).astype(np.float64)  # differences of float32 are exact in float64
    n = len(xs)
    first, last = _ranks(n)
    (_, begin, below), (_, end, _) = _bracket(xs, max(first, 1), last)
    width = end - begin
    row = np.repeat(np.arange(n), width)
    column = np.arange(len(row)) + np.repeat(begin - width.cumsum() + width, width)
    gaps = torch.from_numpy(xs[column] - xs[row])
    return _of_pairs(gaps.square_(), n, below).to(x)


class Count(NamedTuple):
    """Of sorted x and a length t: for every i the end of the pairs (i, j > i) with x_j < x_i + t, and their number."""

    t: float
    ends: np.ndarray
    number: int


def _counts(xs: np.ndarray, *lengths: float) -> list[Count]:
    n = len(xs)
    after = np.arange(1, n + 1)
    ends = [np.maximum(np.searchsorted(xs, xs + t), after) for t in lengths]
    return [Count(t, end, int(end.sum()) - n * (n + 1) // 2) for t, end in zip(lengths, ends, strict=True)]


def _bracket(xs: np.ndarray, first: int, last: int) -> tuple[Count, Count]:
    """Two counts of sorted xs (n,), one below rank `first` and one at `last` or above, with few pairs between them."""
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
        # a straight line through the two counts says where the ranks should be; reach a little to both sides
        slope = (high.t - low.t) / inside
        aim, reach = low.t + slope * (first - low.number), slope * (n / 4 + inside / 32)
        for new in _counts(xs, aim - reach, aim + reach):
            if low.t < new.t < high.t:
                low, high = (new if new.number < first else low), (new if new.number >= last else high)
    return low, high


def _counted_median(x: Tensor) -> Tensor:
    """Any dimension, x (n, d): a sample brackets the median, a pass over all pairs counts and keeps what is inside."""
    n = x.shape[0]
    first, last = _ranks(n)
    spread = 0.02
    low, high = _sample_bracket(x, spread)
    while True:
        below, kept = _count(x, low, high)
        if below < first and below + kept.shape[0] >= last:
            return _of_pairs(kept, n, below)
        spread *= 3
        low, high = _sample_bracket(x, spread) if spread < 0.5 else (-1.0, torch.inf)


def _sample_bracket(x: Tensor, spread: float) -> tuple[float, float]:
    """Squared distances of an evenly spread sample at the fractions 1/2 - spread and 1/2 + spread."""
    some = x[torch.linspace(0, x.shape[0] - 1, min(SAMPLE, x.shape[0]), device=x.device).round().long()].mT
    d2 = pairs.squared_distances(some, some).flatten()
    low, high = (_order_statistic(d2, max(1, int(f * d2.numel())))[0] for f in (0.5 - spread, 0.5 + spread))
    return float(low), float(high)


def _count(x: Tensor, low: float, high: float) -> tuple[int, Tensor]:
    """How many pairs i < j have d2 < low, and the d2 in [low, high]."""
    xt, below, kept = x.mT, 0, []
    for rows in pairs.blocks(xt):
        d2 = pairs.squared_distances(xt[:, rows], xt[:, rows.start :])
        upper = torch.ones_like(d2, dtype=torch.bool).triu_(1)
        below += int(((d2 < low) & upper).count_nonzero())
        kept.append(d2[(d2 >= low) & (d2 <= high) & upper])
    return below, torch.cat(kept)

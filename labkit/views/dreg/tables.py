"""What was measured, as a table for other programs."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from labkit import course
from labkit.dreg.racing import Lane, State
from labkit.paint.files import Target, save_table
from labkit.views.dreg.measuring import QUANTITIES, Measured
from labkit.views.dreg.trial import Trial, Trials

BATCHES = "bound", "bound_smoothed"  # numbers of a lane by step, and by look
LOOKED = "held_out_bound", "monte_carlo_variance", "minibatch_variance", "snr"


def save_csv(state: Measured, target: Target) -> None:
    """Write a row for each estimator at each K: every quantity, both ends of its interval, and the exact one.

    A cell is empty where there is no such number: an interval before `Measured.enough` replicates, for one.
    """

    kinds = [name.replace(" ", "_") for name in QUANTITIES]
    columns = [f"{kind}{part}" for kind in kinds for part in ("", "_low", "_high", "_exact")]
    save_table(["estimator", "K", "replicates", *columns], _rows(state), target)


def save_bias_csv(state: Trials, target: Target) -> None:
    """Write a row for each estimator on trial: the verdict, the evidence with its p, |bias| with both ends and exact.

    The t and p of the sum over coordinates are those of one look at the end. A cell is empty where there is no number.
    """
    measured = ["bias", "bias_low", "bias_high", "bias_exact", "scatter", "sum_t", "sum_p"]
    columns = ["estimator", "K", "replicates", "verdict", "level", "T2", "log_e", "p", *measured]
    save_table(columns, (_trial(each) for each in state.trials), target)


def save_race_csv(state: State, target: Target) -> None:
    """Write a row for each lane at each step that its tables keep: bounds, both variances and the SNR, in nats.

    After them the mean, least and greatest of each over the steps since the row before, or the looks since the look
    before. A cell is empty where there was no look at that step.
    """
    every = [f"{name}_{what}" for name in (*BATCHES, *LOOKED) for what in ("mean", "least", "greatest")]
    rows = (row for lane in state.lanes for row in _lane(lane))
    save_table(["lane", "estimator", "step", "seconds", *BATCHES, *LOOKED, *every], rows, target)


def _lane(lane: Lane) -> Iterator[list]:
    batches, looks = _by_step(lane.batches, len(BATCHES)), _by_step(lane.looks, len(LOOKED))
    for step in sorted(batches.keys() | looks.keys()):
        tables = [each.get(step) for each in (batches, looks)]
        seconds = next(each[0] for each in tables if each)
        none = [math.nan] * len(BATCHES), [math.nan] * len(LOOKED)
        own = [v for each, empty in zip(tables, none, strict=True) for v in (each[1] if each else empty)]
        rest = [v for each, empty in zip(tables, none, strict=True) for v in (each[2] if each else 3 * empty)]
        yield [lane.entry.label, lane.entry.estimator, step, seconds, *map(_cell, (*own, *rest))]


def _by_step(table: Tensor, k: int) -> dict[int, tuple[float, list, list]]:
    """Step -> the seconds before it, its k numbers, and mean, least and greatest of each in its interval."""
    spans = np.stack([np.stack(course.span(course.rows_of(table), i)) for i in range(1, 1 + k)])  # [k, 3, rows]
    every = spans.transpose(2, 0, 1).reshape(len(table), 3 * k).tolist()
    return {int(row[0]): (row[1], row[2 : 2 + k], of_all) for row, of_all in zip(table.tolist(), every, strict=True)}


def _trial(trial: Trial) -> list:
    s = trial.state
    numbers = [
        s.level,
        s.t2,
        s.peak,
        s.p,
        s.norm,
        s.low,
        s.high,
        math.nan if trial.exact is None else trial.exact,
        s.scatter,
    ]
    numbers += [float(each) for each in s.scalar_t()]
    verdict = trial.verdict.word if trial.verdict else ""
    return [trial.name, s.k, s.n, verdict, *(_cell(v) for v in numbers)]


def _cell(value: float) -> float | str:
    return value if math.isfinite(value) else ""


def _rows(state: Measured) -> Iterator[list]:
    numbers = torch.cat([_quantity(state, name) for name in QUANTITIES], -1)
    for name, of_name in zip(state.estimators, numbers.tolist(), strict=True):
        for k, row in zip(state.sizes, of_name, strict=True):
            yield [name, k, state.total.n, *map(_cell, row)]


def _quantity(state: Measured, name: str) -> torch.Tensor:
    """Value, low, high and exact, [E, S, 4]."""
    values, truths = state.values(name), state.truths(name)
    exact = torch.full_like(values, torch.nan)
    exact[[state.estimators.index(each) for each in state.known]] = truths
    return torch.stack([values, *state.interval(name), exact], -1)

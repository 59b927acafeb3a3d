"""Measurements as tables for other programs: the names of the columns, and the rows."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from labkit import course
from labkit.dreg.racing import Lane, State
from labkit.experiments.dreg.bias import BiasTest, BiasTests
from labkit.experiments.dreg.variance import QUANTITIES, Measured

BATCHES = "bound", "bound_smoothed"  # numbers of a lane per step, and per evaluation
LOOKED = "held_out_bound", "monte_carlo_variance", "minibatch_variance", "snr"


class Table(NamedTuple):
    """Names of the columns, and the rows; a cell without a number is empty."""

    columns: list[str]
    rows: Iterator[list[Any]]


def variance(state: Measured) -> Table:
    """Return one row per estimator and K: every quantity, both ends of its interval, and the exact value.

    A cell is empty if there is no number, for example for an interval before `Measured.enough` replicates.
    """
    kinds = [name.replace(" ", "_") for name in QUANTITIES]
    columns = [f"{kind}{part}" for kind in kinds for part in ("", "_low", "_high", "_exact")]
    return Table(["estimator", "K", "replicates", *columns], _rows(state))


def bias(state: BiasTests) -> Table:
    """Return one row per tested estimator: verdict, evidence with its p, and |bias| with both ends and the exact value.

    t and p of the sum over coordinates are valid for a single test at the end. A cell is empty if there is no number.
    """
    measured = ["bias", "bias_low", "bias_high", "bias_exact", "scatter", "sum_t", "sum_p"]
    columns = ["estimator", "K", "replicates", "verdict", "level", "T2", "log_e", "p", *measured]
    return Table(columns, map(_test, state.tests))


def race(state: State) -> Table:
    """Return one row per lane and kept step: bounds, both variances and the SNR, in nats.

    After them come mean, minimum and maximum of each since the previous row or evaluation. A cell is empty if there was
    no evaluation at that step.
    """
    every = [f"{name}_{what}" for name in (*BATCHES, *LOOKED) for what in ("mean", "least", "greatest")]
    rows = (row for lane in state.lanes for row in _lane(lane))
    return Table(["lane", "estimator", "step", "seconds", *BATCHES, *LOOKED, *every], rows)


def _lane(lane: Lane) -> Iterator[list[Any]]:
    batches, looks = _by_step(lane.batches, len(BATCHES)), _by_step(lane.looks, len(LOOKED))
    for step in sorted(batches.keys() | looks.keys()):
        tables = [each.get(step) for each in (batches, looks)]
        seconds = next(each[0] for each in tables if each)
        none = [math.nan] * len(BATCHES), [math.nan] * len(LOOKED)
        own = [v for each, empty in zip(tables, none, strict=True) for v in (each[1] if each else empty)]
        rest = [v for each, empty in zip(tables, none, strict=True) for v in (each[2] if each else 3 * empty)]
        yield [lane.entry.label, lane.entry.estimator, step, seconds, *map(_cell, (*own, *rest))]


def _by_step(table: Tensor, k: int) -> dict[int, tuple[float, list[float], list[float]]]:
    """Return step -> seconds before the step, k numbers, and mean, minimum and maximum of each in its interval."""
    spans = np.stack([np.stack(course.span(course.rows_of(table), i)) for i in range(1, 1 + k)])  # [k, 3, rows]
    every = spans.transpose(2, 0, 1).reshape(len(table), 3 * k).tolist()
    return {int(row[0]): (row[1], row[2 : 2 + k], of_all) for row, of_all in zip(table.tolist(), every, strict=True)}


def _test(test: BiasTest) -> list[Any]:
    s, exact = test.state, math.nan if test.exact is None else test.exact
    numbers = s.level, s.t2, s.peak, s.p, s.norm, s.low, s.high, exact, s.scatter, *map(float, s.scalar_t())
    verdict = test.verdict.word if test.verdict else ""
    return [test.name, s.k, s.n, verdict, *map(_cell, numbers)]


def _cell(value: float) -> float | str:
    return value if math.isfinite(value) else ""


def _rows(state: Measured) -> Iterator[list[Any]]:
    numbers = torch.cat([_quantity(state, name) for name in QUANTITIES], -1)
    for name, of_name in zip(state.estimators, numbers.tolist(), strict=True):
        for k, row in zip(state.sizes, of_name, strict=True):
            yield [name, k, state.total.n, *map(_cell, row)]


def _quantity(state: Measured, name: str) -> Tensor:
    """Return value, low, high and exact value, [E, S, 4]."""
    values, truths = state.values(name), state.truths(name)
    exact = torch.full_like(values, torch.nan)
    exact[[state.estimators.index(each) for each in state.known]] = truths
    return torch.stack([values, *state.interval(name), exact], -1)

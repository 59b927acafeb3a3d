"""What was measured, as a table for other programs."""

import math
from collections.abc import Iterator

import torch

from labkit.dreg.racing import Lane, State
from labkit.views.dreg.measuring import QUANTITIES, Measured
from labkit.views.dreg.trial import Trial, Trials
from labkit.views.paint.files import Target, save_table


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

    A cell is empty where there was no look at that step.
    """
    columns = ["bound", "bound_smoothed", "held_out_bound", "monte_carlo_variance", "minibatch_variance", "snr"]
    rows = (row for lane in state.lanes for row in _lane(lane))
    save_table(["lane", "estimator", "step", "seconds", *columns], rows, target)


def _lane(lane: Lane) -> Iterator[list]:
    batches, looks = ({int(row[0]): row[1:] for row in table.tolist()} for table in (lane.batches, lane.looks))
    for step in sorted(batches.keys() | looks.keys()):
        seconds, *bounds = batches.get(step, [looks.get(step, [0.0])[0], math.nan, math.nan])
        found = looks.get(step, [seconds, *[math.nan] * 4])[1:]
        yield [lane.entry.label, lane.entry.estimator, step, seconds, *map(_cell, (*bounds, *found))]


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

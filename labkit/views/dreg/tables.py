"""What was measured, as a table for other programs."""

import csv
import io
from collections.abc import Iterator

import torch

from labkit.views.dreg.measuring import QUANTITIES, Measured
from labkit.views.paint.files import Target, write_whole


def save_csv(state: Measured, target: Target) -> None:
    """Write a row for each estimator at each K: every quantity, both ends of its interval, and the exact one.

    A cell is empty where there is no such number.
    """

    def fill(file) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        table = csv.writer(text, lineterminator="\n")
        kinds = [name.replace(" ", "_") for name in QUANTITIES]
        columns = [f"{kind}{part}" for kind in kinds for part in ("", "_low", "_high", "_exact")]
        table.writerow(["estimator", "K", "replicates", *columns])
        table.writerows(_rows(state))
        text.detach()

    write_whole(target, ".csv", fill)


def _rows(state: Measured) -> Iterator[list]:
    numbers = torch.cat([_quantity(state, name) for name in QUANTITIES], -1)
    for name, of_name in zip(state.estimators, numbers.tolist(), strict=True):
        for k, row in zip(state.sizes, of_name, strict=True):
            yield [name, k, state.total.n, *("" if v != v else v for v in row)]


def _quantity(state: Measured, name: str) -> torch.Tensor:
    """Value, low, high and exact, [E, S, 4]."""
    values, truths = state.values(name), state.truths(name)
    exact = torch.full_like(values, torch.nan)
    exact[[state.estimators.index(each) for each in state.known]] = truths
    return torch.stack([values, *state.interval(name), exact], -1)

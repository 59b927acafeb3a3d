"""Tables of measurements, as CSV files."""

from labkit.dreg.racing import State
from labkit.experiments.dreg import tables
from labkit.experiments.dreg.bias import BiasTests
from labkit.experiments.dreg.variance import Measured
from labkit.paint.files import Target, save_table


def save_csv(state: Measured, target: Target) -> None:
    """Write `tables.variance` to a path or an open binary file."""
    save_table(*tables.variance(state), target)


def save_bias_csv(state: BiasTests, target: Target) -> None:
    """Write `tables.bias` to a path or an open binary file."""
    save_table(*tables.bias(state), target)


def save_race_csv(state: State, target: Target) -> None:
    """Write `tables.race` to a path or an open binary file."""
    save_table(*tables.race(state), target)

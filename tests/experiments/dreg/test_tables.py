"""Tables of measured values, as they are written to files."""

import csv
import io

import pytest

from labkit.dreg import racing
from labkit.experiments.dreg import tables
from labkit.experiments.dreg.bias import BiasSettings, BiasTests
from labkit.experiments.dreg.race import RaceSettings
from labkit.experiments.dreg.variance import VarianceSettings
from labkit.paint.files import save_table


def run(settings, steps):
    state = settings.start()
    for _ in range(steps - 1):
        state = settings.step(state)
    return state


def read(table):
    """The rows of a table that was written to a file."""
    file = io.BytesIO()
    save_table(*table, file)
    return list(csv.DictReader(io.StringIO(file.getvalue().decode())))


def test_the_table_of_variances_has_a_row_for_each_estimator_and_k():
    state = run(VarianceSettings((1, 4), 8, dim=3, estimators=["iwae", "stl", "dreg", "jk"]), 2)
    rows = read(tables.variance(state))
    assert [(row["estimator"], row["K"]) for row in rows] == [(n, k) for n in state.estimators for k in ("1", "4")]
    assert float(rows[4]["variance"]) == float(state.values("variance")[2, 0]) and rows[4]["replicates"] == "16"
    assert float(rows[4]["variance_exact"]) == pytest.approx(1 / 6) and rows[7]["variance_exact"] == ""
    assert rows[6]["SNR"] == "" and float(rows[5]["variance_low"]) < float(rows[5]["variance_high"])


@pytest.mark.slow
def test_the_table_of_biases_has_a_row_for_each_test():
    states = [run(BiasSettings(dim=2, **given), 10) for given in ({"distance": 0.5}, {"estimator": "jk"})]
    stl, jk = read(tables.bias(BiasTests(states[0].toy, tuple(state.tests[0] for state in states))))
    test = states[0].tests[0]
    assert (stl["estimator"], stl["verdict"], stl["replicates"]) == ("stl", "biased", "640")
    assert float(stl["bias_exact"]) == test.exact and float(stl["p"]) == test.state.p
    assert float(stl["T2"]) == test.state.t2 and (jk["verdict"], jk["bias_exact"]) == ("", "")


@pytest.mark.slow
def test_the_table_of_a_race_has_one_row_per_lane_and_step_with_evaluations_at_some():
    settings = RaceSettings(k=4, batch=8, lr=1e-3)
    settings.start()
    raced = racing.start(settings.track, [racing.entry(word) for word in ("iwae", "dreg", "dreg@2")], k=4)
    for _ in range(17):
        raced = settings.step(raced)  # evaluations at steps 0 and 16
    rows = read(tables.race(raced))
    assert len(rows) == 3 * 17 and [row["lane"] for row in rows[::17]] == ["iwae", "dreg", "dreg, K = 2"]
    lane, row = raced.lanes[1], rows[17 + 16]
    found = [float(row[name]) for name in ("step", "seconds", "held_out_bound", "monte_carlo_variance")]
    assert found == lane.looks[1, :4].tolist() and float(row["bound"]) == lane.batches[16, 2]
    assert rows[18]["held_out_bound"] == "" and float(rows[18]["bound_smoothed"]) == lane.batches[1, 3]
    early = racing.replace(lane, batches=lane.batches[:16])  # an evaluation at a step that does not exist yet
    last = read(tables.race(racing.State((early,))))[-1]
    assert last["step"] == "16" and last["bound"] == "" and float(last["snr"]) == lane.looks[1, 5]
    assert float(last["seconds"]) == lane.looks[1, 1]

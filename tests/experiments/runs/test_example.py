"""The shipped example is a complete run."""

from labkit.experiments.runs import directory


def test_the_example_is_a_run_that_has_ended_with_samples():
    (state,) = directory.states(directory.EXAMPLES).values()
    assert state.status(state.touched) == "done" and state.step == state.steps == 2000
    assert state.metrics["bound"][-5:].mean() < state.metrics["bound"][:5].mean() and state.kl().shape == (15, 6)
    assert list(state.sheets) == [10, 70, 143]


def test_the_example_is_small():
    assert sum(path.stat().st_size for path in directory.EXAMPLES.rglob("*") if path.is_file()) < 50_000

"""dreg-alpha: frontiers of all batches, measured and exact."""

from labkit.dreg import frontier
from labkit.experiments.dreg.alpha import AlphaSettings


def test_the_frontiers_match_all_batches_and_quadrature():
    settings = AlphaSettings(k=4, dim=3)
    first = settings.start()
    state = settings.step(settings.step(first))
    assert state.t == 3 and state.total.n == 3 * first.total.n
    assert state.measured == frontier.measured(state.total) != first.measured
    assert state.exact == frontier.true(state.toy, 4) == first.exact

"""A newly registered estimator works in every experiment; unknown properties of it are left out."""

from dataclasses import replace

import pytest
import torch

from labkit.dreg import ESTIMATORS, Estimator
from labkit.dreg.estimators import DREG
from labkit.experiments.dreg import BiasSettings, MicroscopeSettings, RaceSettings, VarianceSettings, tables


@pytest.fixture
def mine(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", Estimator(lambda s: (s.w**1.5, 0), unbiased=False))
    return "mine"


def test_variances_of_a_new_estimator_have_bands_and_no_exact_curve(mine):
    settings = VarianceSettings((1, 4), 64, dim=2, estimators=["dreg", mine])
    state = settings.step(settings.start())
    assert state.estimators == ("dreg", "mine") and state.known == ("dreg",)
    low, high = state.interval("variance")
    assert (low < state.values("variance")).all() and (state.values("variance") < high).all()
    rows = [row for row in tables.variance(state).rows if row[0] == "mine"]
    assert all(row[3] != "" and row[6] == "" for row in rows)  # the variance is known, the exact one is not


def test_the_exact_curve_follows_the_current_row_of_a_name(monkeypatch):
    """The name first means dreg, then stl."""
    found = []
    for name in ("dreg", "stl"):
        monkeypatch.setitem(ESTIMATORS, "mine", replace(ESTIMATORS[name]))
        state = VarianceSettings((1, 4), 8, dim=2, estimators=[name, "mine"]).start()
        assert state.known == (name, "mine") and torch.equal(*state.truths("variance"))
        assert torch.equal(state.enough.variance[0], state.enough.variance[1])
        found.append(state.truths("variance")[1])
    assert not torch.equal(*found) and ESTIMATORS["dreg"].polynomial == DREG


def test_a_test_of_bias_has_no_exact_value_for_a_new_estimator(mine):
    settings = BiasSettings(estimator=mine, dim=2)
    (test,) = settings.step(settings.start()).tests
    assert test.name == "mine" and test.exact is None and test.state.n == 128


def test_the_microscope_compares_a_new_estimator_with_iwae_on_the_same_samples(mine):
    state, usual = MicroscopeSettings(estimator=mine).start(), MicroscopeSettings().start()
    assert state.compared == ("iwae", "mine") and usual.compared == ("iwae", "dreg")
    assert torch.equal(state.z, usual.z) and torch.equal(state.terms[0], usual.terms[0])
    assert torch.allclose(state.terms[1], state.w[:, None] ** 1.5 * state.path)
    after = MicroscopeSettings(estimator=mine).step(state)
    assert torch.allclose(after.gradients[-1, 1], (after.w[:, None] ** 1.5 * after.path).sum(0))


def test_the_microscope_names_the_property_that_an_estimator_needs():
    with pytest.raises(ValueError, match="jk needs K >= 2 samples, got K = 1"):
        MicroscopeSettings(estimator="jk", k=1).start()


@pytest.mark.slow
def test_a_new_estimator_races(mine):
    settings = RaceSettings(estimators=["dreg", mine], k=3, batch=4)
    state = settings.step(settings.start())
    assert [lane.entry.label for lane in state.lanes] == ["dreg", "mine"]
    assert not torch.equal(*(lane.trained.weights for lane in state.lanes))


def test_the_race_has_an_alpha_dial_for_every_estimator_with_alpha(monkeypatch):
    assert RaceSettings().param.alpha.label == "Alpha of DReG-alpha"
    monkeypatch.setitem(ESTIMATORS, "mine", replace(ESTIMATORS["dreg-alpha"]))
    assert RaceSettings().param.alpha.label == "Alpha of DReG-alpha and mine"

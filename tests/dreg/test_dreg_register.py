"""`dreg.register` names an estimator for the surrogate, the laboratory and the settings of the pages."""

import numpy as np
import pandas as pd
import pytest
import torch

from labkit import dreg
from labkit.dreg import ESTIMATORS, gaussian, laboratory
from labkit.experiments.dreg import VarianceSettings


@pytest.fixture
def kept():
    yield
    ESTIMATORS.pop("mine", None)


def test_a_registered_estimator_is_measured_like_the_built_in_one(kept):
    dreg.register("mine", lambda s: (s.w2, 0), unbiased=True)
    toy = gaussian.instance(3)
    first = laboratory.start(toy, ("mine", "dreg"), (2, 8))
    state = laboratory.step(first, toy, generator=torch.Generator().manual_seed(0), replicates=16)
    assert torch.equal(state.variance[0], state.variance[1]) and ESTIMATORS["mine"].unbiased
    assert "mine" in VarianceSettings().param.estimators.objects
    dreg.register("mine", lambda s: (s.w, 0), least=3)  # a cell of a notebook that runs again
    log_w = torch.tensor([0.5, -1.0, 2.0])
    path, score, model = dreg.coefficients("mine", log_w)
    assert torch.equal(path, log_w.softmax(0)) and not score.any() and torch.equal(model, path)
    with pytest.raises(ValueError, match="mine"):
        dreg.coefficients("mine", log_w[:2])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (lambda s: s.w, r"must return \(path, score\), .* got Tensor for weights \[2, 3\]"),
        (lambda s: (s.w.sum(0), 0), r"got \[3\] and 0 for weights \[2, 3\]; do not sum over the samples"),
        (lambda s: (s.w, 1), r"got \[2, 3\] and 1"),
        (lambda s: (s.w, 0, s.w), r"got \[2, 3\] and 0 and \[2, 3\]"),
    ],
)
def test_a_rule_that_returns_something_else_is_refused(rule, message):
    with pytest.raises(ValueError, match=message):
        dreg.register("mine", rule)
    assert "mine" not in ESTIMATORS


def test_a_wrong_name_field_or_rule_is_refused(unchecked):
    with pytest.raises(ValueError, match="the estimator 'iwae' belongs to labkit and keeps its meaning"):
        dreg.register("iwae", lambda s: (s.w, 0))
    with pytest.raises(ValueError, match="the name of the estimator must begin with a letter"):
        dreg.register("a,b", lambda s: (s.w, 0))
    with pytest.raises(TypeError, match="unexpected keyword argument 'biased'"):
        dreg.register("mine", lambda s: (s.w, 0), biased=True)
    with pytest.raises(TypeError, match=r"rule must be a function s -> \(path, score\), got Estimator"):
        dreg.register("mine", ESTIMATORS["dreg"])


@pytest.mark.parametrize(
    ("table", "call"), [(np.zeros((3, 2)), "torch.as_tensor(log_w, d"), (pd.DataFrame([[0.0]]), "log_w.to_numpy(), d")]
)
def test_arrays_and_frames_of_log_weights_are_refused_with_the_call_that_converts(table, call, unchecked):
    for function in (lambda w: dreg.coefficients("iwae", w), dreg.bound, dreg.effective_sample_size, dreg.pareto_k):
        with pytest.raises(TypeError) as error:
            function(table)
        assert call in str(error.value)

"""The table of estimators: coefficients equal the paper's, in O(K), stable, and unbiased where the table claims it."""

import pytest
import torch

from labkit import dreg
from labkit.dreg.weights import logsumexp_others

ELEVEN = ["iwae", "stl", "dreg", "rws", "rws-dreg", "dreg-norm", "rws-dreg-norm", "dreg-alpha", "jk", "jk-dreg"]
ELEVEN += ["dreg-cv"]
JACKKNIVES = {"jk", "jk-dreg"}
# its learned gamma multiplies a sum of weights, not a mean: the constant cancels only for gamma = 0
SHIFTED = {"dreg-cv"}


def test_the_table_has_the_papers_eleven_estimators_and_two_more():
    assert {*ELEVEN, "vae", "vimco"} <= set(dreg.ESTIMATORS)


@pytest.mark.parametrize("k", [1, 2, 3, 10])
@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_coefficients_and_bound_equal_those_of_leaving_out_samples_one_by_one(reference, checks, name, k):
    if k >= dreg.ESTIMATORS[name].least:
        checks.coefficients_are_the_tables(reference, name, k)


def test_the_log_sum_of_the_others_equals_a_direct_sum():
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 30
    wanted = torch.stack([torch.cat([x[:i], x[i + 1 :]]).logsumexp(0) for i in range(50)])
    assert (logsumexp_others(x) - wanted).abs().max() < 1e-12


def test_the_smallest_and_the_largest_are_summed_without_subtraction():
    """logsumexp of all minus the largest would leave no digit of the others."""
    x = torch.tensor([0.0, -60.0, -61.0], dtype=torch.float64)
    assert abs(logsumexp_others(x)[0] - torch.tensor([-60.0, -61.0]).double().logsumexp(0)) < 1e-14


def test_stl_is_the_sum_of_dreg_and_rws_dreg(checks):
    checks.stl_is_dreg_and_rws_dreg()


def test_with_one_sample_dreg_is_stl_and_rws_dreg_is_zero():
    log_w = torch.tensor([[3.0, -8.0]])
    one, nothing = torch.ones_like(log_w), torch.zeros_like(log_w)
    for name, path in (("dreg", one), ("stl", one), ("dreg-norm", one), ("rws-dreg", nothing)):
        assert torch.equal(dreg.coefficients(name, log_w)[0], path)
    for name in ("rws-dreg", "rws-dreg-norm"):
        assert all(torch.equal(c, nothing) for c in dreg.coefficients(name, log_w)[:2])


def test_dreg_alpha_goes_from_dreg_to_rws_dreg(checks):
    log_w = checks.log_weights(6)
    wanted = {0.0: "dreg", 1.0: "rws-dreg"}
    for alpha, name in wanted.items():
        got = dreg.coefficients("dreg-alpha", log_w, alpha=alpha)[0]
        assert (got - dreg.coefficients(name, log_w)[0]).abs().max() < 1e-15
    half = dreg.coefficients("dreg-alpha", log_w, alpha=0.5)[0]
    assert (half - dreg.coefficients("stl", log_w)[0] / 2).abs().max() < 1e-15
    default = dreg.coefficients("dreg-alpha", log_w, alpha=0.9)[0]
    assert torch.equal(dreg.coefficients("dreg-alpha", log_w)[0], default)


def test_the_generative_gradient_is_iwaes_except_for_the_jackknife(checks):
    checks.generative_gradient_is_the_same([name for name in ELEVEN if name not in JACKKNIVES])
    log_w = checks.log_weights(6)
    assert torch.equal(dreg.coefficients("jk", log_w)[2], dreg.coefficients("jk-dreg", log_w)[2])
    assert (dreg.coefficients("jk", log_w)[2] - log_w.softmax(0)).abs().max() > 0.01


@pytest.mark.parametrize("name", sorted(JACKKNIVES | {"iwae", "vae"}))
def test_the_generative_gradient_equals_the_gradient_of_the_bound(checks, name):
    log_w = checks.log_weights(6).requires_grad_()
    (wanted,) = torch.autograd.grad(dreg.bound(log_w, name), log_w)
    assert (dreg.coefficients(name, log_w)[2] - wanted).abs().max() < 1e-12


def test_the_jackknife_of_equal_weights_is_their_logarithm(checks):
    checks.jackknife_of_equal_weights_is_their_logarithm()


def test_coefficients_are_held_constant(checks):
    checks.coefficients_are_held_constant()


@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_a_constant_added_to_all_log_weights_changes_nothing(reference, checks, name):
    log_w, parameters = checks.log_weights(6), reference.PARAMETERS.get(name, {})
    if name in SHIFTED:
        parameters = {**parameters, "gamma": 0.0}
    before, after = (dreg.coefficients(name, each, **parameters) for each in (log_w, log_w + 200))
    for a, b in zip(before, after, strict=True):
        assert (a - b).abs().max() < 1e-11
    assert abs(dreg.bound(log_w + 200, name) - dreg.bound(log_w, name) - 200) < 1e-10


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_log_weights_of_ten_thousand_stay_finite(name, dtype):
    big = 1e4
    for column in ([big, -big, 0.0], [big, big, -big], [-big, -big, -big], [-big, big, big - 1]):
        log_w = torch.tensor(column, dtype=dtype)
        made = dreg.coefficients(name, log_w)
        assert all(c.isfinite().all() and c.dtype == dtype for c in made)
        assert dreg.bound(log_w, name).isfinite()


def test_normalised_coefficients_have_a_limit_for_one_dominating_weight():
    """w = (1, a, b) with tiny a and b: w (1 - w) is (a + b, a, b), scaled to sum to 1."""
    log_w = torch.tensor([0.0, -500.0, -501.0], dtype=torch.float64)
    a, b = 1.0, torch.tensor(-1.0).double().exp()
    wanted = torch.stack([a + b, a + 0 * b, b]) / (2 * (a + b))
    assert (dreg.coefficients("rws-dreg-norm", log_w)[0] - wanted).abs().max() < 1e-14


@pytest.mark.parametrize("name", [name for name, each in dreg.ESTIMATORS.items() if each.unbiased])
def test_unbiased_estimators_are_exactly_unbiased(reference, checks, name):
    """At K = 2, by quadrature, for any value of the controls, the mean is d/dm of the mean of the bound."""
    parameters = reference.PARAMETERS.get(name, {})
    wanted = {"jk": "jk", "jk-dreg": "jk", "vae": "vae"}.get(name, "iwae")
    mean, _, _ = checks.expectations(name, **parameters)
    gradient, _, _ = checks.expectations(wanted)
    assert abs(mean - gradient) < 1e-10
    if wanted == "vae":
        assert abs(mean - 0.5) < 1e-10


def test_biased_estimators_are_biased(checks):
    for name, estimator in dreg.ESTIMATORS.items():
        if not estimator.unbiased:
            assert abs(checks.expectations(name)[0] - checks.GOLD["gradient"][1]) > 1e-3


def test_two_samples_give_the_reference_values(checks):
    checks.two_samples_give_the_gold()


def test_the_plain_gradient_of_the_jackknife_is_the_gradient_of_its_mean(checks, monkeypatch):
    """It is compared with d/dm of E J by finite differences of the quadrature."""
    from labkit.dreg import gaussian

    h, means = 1e-4, []
    for m in (0.45 + h, 0.45 - h):
        monkeypatch.setattr(checks, "line", lambda m=m: gaussian.line(0.3, 1.1, m))
        means.append(checks.expectations("jk")[2])
    monkeypatch.undo()
    assert abs((means[0] - means[1]) / (2 * h) - checks.expectations("jk-dreg")[0]) < 1e-6

"""A test of the tests: each check fails when labkit has the error, often a published one, that it should detect."""

import copy
import math
from dataclasses import replace

import pytest
import torch

from labkit import dreg
from labkit.dreg import bounds, estimators, exact, gaussian, gradients, laboratory, statistics, weights
from labkit.dreg.estimators import ESTIMATORS
from labkit.dreg.fast import laboratory as fast_laboratory


def _rule(name, rule=None, **changed):
    """Another row in the table."""
    changed = changed if rule is None else {"rule": rule, **changed}
    return lambda: [(ESTIMATORS, name, replace(ESTIMATORS[name], **changed))]


def _log_q_itself_detached():
    """log q itself is detached, not its parameters: the path loses -d log q / dz."""

    def detached(q):
        held = copy.copy(q)
        held.log_prob = lambda z: q.log_prob(z).detach()
        return held

    return [(gradients, "detach_parameters", detached)]


def _nothing_detached():
    return [(dreg, "detach_parameters", lambda q: q)]


def _scale_dropped():
    """The error of ovis: the copy has q's mean and a scale of one."""
    from torch.distributions import Independent, Normal

    def dropped(q):
        return Independent(Normal(q.base_dist.loc.detach(), 1.0), 1)

    return [(gradients, "detach_parameters", dropped), (dreg, "detach_parameters", dropped)]


def _weights_not_held():
    right = dreg.coefficients
    return [
        (dreg, "coefficients", lambda name, w, **p: tuple(c + 0 * w.sum() for c in right(name, w, **p))),
    ]


def _all_for_the_others():
    """Leave-one-out that leaves out nothing."""
    everything = lambda x: x.logsumexp(0).expand_as(x)  # noqa: E731
    return [(weights, "logsumexp_others", everything), (bounds, "logsumexp_others", everything)]


def _bound_without_log_k():
    wrong = lambda log_w: log_w.logsumexp(0)  # noqa: E731
    return [(ESTIMATORS, name, replace(ESTIMATORS[name], bound=wrong)) for name in ("iwae", "dreg", "stl")]


def _jackknife_of_k_for_k_minus_one():
    def wrong(log_w):
        k = log_w.shape[0]
        return k * bounds.iwae(log_w) - (k - 1) * (weights.logsumexp_others(log_w).mean(0) - math.log(k))

    return [(ESTIMATORS, "jk", replace(ESTIMATORS["jk"], bound=wrong))]


def _surrogate_of_the_squared_model():
    """The error of TFP: w^2 also for the generative gradient."""
    return [(ESTIMATORS, "dreg", replace(ESTIMATORS["dreg"], model=lambda s: s.w2))]


def _sample_held_too():
    """A copy of z detached from q: the path is missing."""
    right = gradients.evaluate

    def held(*args):
        samples = right(*args)
        return replace(samples, z=samples.z.detach())

    return [(dreg, "evaluate", held)]


def _property(owner, name, wrong):
    return lambda: [(owner, name, property(wrong))]


def _variance_of_n():
    return [(statistics.RunningMoments, "variance", property(lambda self: self.spread / self.n))]


def _merge_without_the_distance_of_means():
    def wrong(a, b):
        n = a.n + b.n
        return statistics.RunningMoments(n, a.mean + (b.mean - a.mean) * (b.n / n), a.spread + b.spread)

    return [(owner, "merge", wrong) for owner in (statistics, laboratory)]


def _hotelling_without_its_degrees():
    def wrong(n, mean, covariance):
        from scipy.special import chdtrc

        t2 = n * (mean * torch.linalg.solve(covariance, mean)).sum(-1)
        return t2, torch.as_tensor(chdtrc(mean.shape[-1], t2.numpy()))

    return [(statistics, "hotelling", wrong)]


def _prefix_reversed():
    """The last K samples get the weights of the first K."""
    right = fast_laboratory._gradients
    return [(fast_laboratory, "_gradients", lambda names, s, e, *more: right(names, s, e.flip(1), *more))]


def _second_moment_off():
    """One of the quadrature's columns is too large by a hundredth."""
    right = exact._columns

    def wrong(*args):
        first, second, third, fourth = right(*args)
        return first, second * 1.01, third, fourth

    return [(exact, "_columns", wrong)]


MUTANTS = {
    "log q itself detached": (_log_q_itself_detached, ["surrogate dreg", "surrogate stl", "surrogate rws-dreg"]),
    "parameters not detached": (_nothing_detached, ["held"]),
    "scale dropped": (_scale_dropped, ["surrogate dreg", "held"]),
    "weights not held": (_weights_not_held, ["constant"]),
    "dreg is stl": (_rule("dreg", estimators.stl), ["table dreg", "sum", "gold", "surrogate dreg"]),
    "rws-dreg is rws": (_rule("rws-dreg", estimators.rws), ["table rws-dreg", "sum"]),
    "stl with its score": (_rule("stl", estimators.iwae), ["table stl", "gold"]),
    "score of the wrong sign": (_rule("iwae", lambda s: (s.w, s.w)), ["table iwae", "plain iwae", "gold", "bias"]),
    "score left out": (_rule("iwae", estimators.stl), ["table iwae", "plain iwae", "gold", "bias"]),
    "vimco without its weights": (
        _rule("vimco", lambda s: (0, estimators.vimco(s)[1] + s.w)),
        ["table vimco", "surrogate vimco", "bias"],
    ),
    "dreg-norm not normalised": (_rule("dreg-norm", lambda s: (s.w2, 0)), ["table dreg-norm", "equal weights"]),
    "alpha the wrong way": (
        _rule("dreg-alpha", lambda s, alpha=0.9: ((1 - alpha) * s.w + (2 * alpha - 1) * s.w2, 0)),
        ["table dreg-alpha"],
    ),
    "controls without the square": (
        _rule("dreg-cv", lambda s, alpha=0, beta=0, gamma=0, delta=0: (s.w, estimators.dreg_cv(s)[1])),
        ["table dreg-cv"],
    ),
    "jackknife of w": (_rule("jk", estimators.iwae), ["table jk", "plain jk"]),
    "jackknife squared after the mean": (
        _rule("jk-dreg", lambda s: (s.count * s.w2 - (s.count - 1) * s.loo_mean(1) ** 2, 0)),
        ["table jk-dreg", "equal weights"],
    ),
    "nothing left out": (_all_for_the_others, ["table jk", "table jk-dreg", "table vimco", "equal weights"]),
    "log K - 1 of the jackknife": (_jackknife_of_k_for_k_minus_one, ["table jk", "equal weights"]),
    "bound without log K": (_bound_without_log_k, ["table iwae", "gold"]),
    "w^2 for the model": (_surrogate_of_the_squared_model, ["generative", "table dreg", "surrogate dreg"]),
    "model of L for J": (_rule("jk", model=estimators.weights), ["table jk", "plain jk"]),
    "sample cut from q": (_sample_held_too, ["surrogate dreg", "surrogate iwae"]),
    "variance over n": (_variance_of_n, ["merged"]),
    "means' distance forgotten": (_merge_without_the_distance_of_means, ["merged"]),
    "chi-squared for F": (_hotelling_without_its_degrees, ["hotelling"]),
    "noise of other samples": (_prefix_reversed, ["laboratory"]),
    "path slope of the toy": (
        _property(gaussian.Gaussian, "path_slope", lambda self: 1 / self.sigma + self.sigma / 0.5),
        ["one sample"],
    ),
    "second moment one percent off": (_second_moment_off, ["exact"]),
    "log Z of variance 1": (
        _property(gaussian.Gaussian, "log_z", lambda self: -(self.x - self.prior).square().sum().item() / 2 - 0.9189),
        ["exact"],
    ),
}


@pytest.fixture
def named(checks, reference):
    def check(name: str) -> None:
        kind, _, of = name.partition(" ")
        if kind == "table":
            checks.coefficients_are_the_tables(reference, of, 5)
        elif kind == "surrogate":
            checks.surrogate_is_the_sum_over_samples(reference, of)
        elif kind == "plain":
            checks.plain_gradients_are_those_of_the_bound(of)
        else:
            others[name]()

    others = {
        "held": checks.parameters_are_held_and_nothing_else,
        "constant": checks.coefficients_are_held_constant,
        "sum": checks.stl_is_dreg_and_rws_dreg,
        "gold": checks.two_samples_give_the_gold,
        "equal weights": checks.jackknife_of_equal_weights_is_their_logarithm,
        "generative": lambda: checks.generative_gradient_is_the_same(["dreg", "stl", "rws"]),
        "bias": checks.bias_is_told_from_none,
        "merged": checks.merged_moments_are_those_of_all,
        "hotelling": checks.hotelling_is_that_of_the_textbook,
        "laboratory": checks.laboratory_agrees_with_exact_answers,
        "one sample": checks.one_sample_varies_by_8_3_and_1_6,
        "exact": checks.exact_is_the_gold,
    }
    return check


@pytest.mark.parametrize(("mutant", "check"), [(m, c) for m, (_, found_by) in MUTANTS.items() for c in found_by])
def test_the_check_fails_for_the_mutant(named, monkeypatch, mutant, check):
    named(check)  # the check passes before
    for owner, name, value in MUTANTS[mutant][0]():
        (monkeypatch.setitem if isinstance(owner, dict) else monkeypatch.setattr)(owner, name, value)
    with pytest.raises(AssertionError):
        named(check)


def test_the_bound_does_not_detect_dreg_replaced_by_stl(checks, monkeypatch):
    """This is why gradients are checked themselves: the reported bound is the same."""
    for owner, name, value in MUTANTS["dreg is stl"][0]():
        monkeypatch.setitem(owner, name, value)
    assert abs(checks.expectations("dreg")[2] - checks.GOLD["bounds"][1]) < 1e-9

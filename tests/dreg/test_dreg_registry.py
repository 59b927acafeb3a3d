"""Your own row in `ESTIMATORS` is all that an estimator needs: every part of labkit.dreg works with it."""

from dataclasses import replace

import pytest
import torch

from labkit import dreg
from labkit.data import load
from labkit.dreg import ESTIMATORS, Config, Estimator, exact, gaussian, laboratory, passes, racing, tails
from labkit.dreg.estimators import CONTROLS, NO_TAIL
from labkit.dreg.fast import gradients as fast
from labkit.dreg.racing import Entry, entry
from labkit.dreg.task import Task

SIZES = [1, 2, 8, 64]


def bare(name: str) -> Estimator:
    """A built-in estimator of which nothing is known but its rule and what that is for."""
    return replace(ESTIMATORS[name], polynomial=None, tail=None, one_pass=False)


# exact answers


def test_a_polynomial_in_the_row_has_exact_answers(monkeypatch):
    """Halfway between iwae and stl: the mean is halfway, and a variance is a quadratic form of three covariances."""
    monkeypatch.setitem(ESTIMATORS, "half", Estimator(lambda s: (s.w, -s.w / 2), True, polynomial=((1, 0), (-0.5, 0))))
    monkeypatch.setitem(ESTIMATORS, "beyond", Estimator(lambda s: (s.w, s.w), True, polynomial=((1, 0), (1, 0))))
    found = exact.answers(gaussian.instance(3), (1, 8), ("iwae", "stl", "half", "beyond"))
    assert torch.allclose(found.mean[2], (found.mean[0] + found.mean[1]) / 2, rtol=1e-9)
    at = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)  # coefficients of the score
    a, b, c = torch.linalg.solve(torch.stack([at**2, at, at**0], 1), found.variance[[0, 1, 3]])
    assert torch.allclose(found.variance[2], a / 4 - b / 2 + c, rtol=1e-6)


def test_a_row_without_a_polynomial_has_no_exact_answers_and_an_error_lists_those_that_do(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", bare("dreg"))
    assert exact.known() == ("iwae", "stl", "dreg", "rws", "rws-dreg")
    with pytest.raises(ValueError, match="there are exact values for iwae, .*; got mine"):
        exact.answers(gaussian.instance(2), (2,), ("mine",))


# bands


@pytest.mark.parametrize("name", ["iwae", "stl", "dreg", "rws", "rws-dreg"])
@pytest.mark.parametrize("toy", [gaussian.instance(), gaussian.instance(2, 0.28, 0.4)])
def test_a_rule_alone_says_how_many_replicates_a_band_needs(name, toy, monkeypatch):
    """Its coefficients at the heaviest sample against the polynomial's own; counts are powers of the root of 2."""
    monkeypatch.setitem(ESTIMATORS, "mine", bare(name))
    mine, wanted = tails.enough(toy, ["mine"], SIZES), tails.enough(toy, [name], SIZES)
    assert torch.equal(mine.variance, wanted.variance)
    assert ((mine.mean / wanted.mean).log2().abs() < 0.51).all()


def test_a_heavier_rule_needs_more_replicates(monkeypatch):
    """Powers 1, 2 and 3 of the weights: the higher, the more a rare weight carries."""
    for power in (1, 2, 3):
        monkeypatch.setitem(ESTIMATORS, f"power {power}", Estimator(lambda s, power=power: (s.w**power, 0), False))
    counts = tails.enough(gaussian.instance(2, 0.28, 0.4), [f"power {p}" for p in (1, 2, 3)], [64]).variance[:, 0]
    assert (counts.diff() > 0).all()


def test_a_row_may_name_its_tail_and_too_few_samples_need_no_replicates(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", replace(bare("vimco"), tail=NO_TAIL))
    assert set(tails.enough(gaussian.instance(2), ["mine"], SIZES).variance.flatten().tolist()) == {2.0}
    monkeypatch.setitem(ESTIMATORS, "mine", replace(bare("iwae"), least=9))
    counts = tails.enough(gaussian.instance(2, 0.28, 0.4), ["mine"], SIZES).variance[0].tolist()
    assert counts[:3] == [2, 2, 2] and counts[3] > 2


# the laboratory


def test_the_laboratory_measures_a_new_row_like_the_built_in_one(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", bare("rws-dreg"))
    toy = gaussian.instance(3)
    first = laboratory.start(toy, ("mine", "rws-dreg"), (1, 4))
    state = laboratory.step(first, toy, generator=torch.Generator().manual_seed(0), replicates=32)
    assert torch.equal(state.variance[0], state.variance[1]) and torch.equal(state.bias[0], state.bias[1])


def test_a_new_bound_gets_no_fewer_samples_than_its_row_needs(monkeypatch):
    def spread(log_w):
        return log_w.sort(0).values[1] - log_w.amin(0)  # one sample has no second largest weight

    monkeypatch.setitem(ESTIMATORS, "mine", replace(bare("iwae"), bound=spread, least=2))
    toy = gaussian.instance(2)
    first = laboratory.start(toy, ("mine", "vimco"), (1, 4))
    bounds = laboratory.step(first, toy, generator=torch.Generator().manual_seed(0), replicates=8).bounds.mean
    assert bounds[0, 0].isnan() and bounds[0, 1] > 0
    assert bounds[1].isfinite().all()  # L needs one sample, though vimco needs two


# networks


@pytest.fixture
def model():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        made = dreg.VAE(Config(height=4, width=3, latent=(3,), hidden=(5,))).double()
    with torch.no_grad():
        for each in made.generative:
            each.mul_(300)  # log p(x | z) so far apart that some weights vanish
    return made


@pytest.mark.parametrize(
    "rule",
    [
        lambda s: (torch.ones_like(s.w) / s.count, 0),  # also where the generative weight is 0
        lambda s: (1 - s.w, s.w),
        lambda s: (s.w**1.5, -s.w),
    ],
)
def test_gradients_of_a_network_equal_those_of_the_surrogate_for_any_rule(rule, model, monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", Estimator(rule, unbiased=False))
    x = torch.bernoulli(torch.full((3, 1, 4, 3), 0.4), generator=torch.Generator().manual_seed(1)).double()
    found = passes.run(model, x, 5, generator=torch.Generator().manual_seed(2))
    assert (found.log_w.softmax(0) == 0).any()
    wanted = torch.autograd.grad(dreg.surrogate(found.samples(), "mine").mean(), model.inference, retain_graph=True)
    for got, known in zip(fast.inference_gradients(model, found, ["mine"])["mine"], wanted, strict=True):
        assert torch.allclose(got, known, rtol=1e-9, atol=1e-12)


def test_a_row_with_learned_parameters_needs_a_network_with_controls(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", bare("dreg-cv"))
    shape = Config(height=4, width=3, latent=(2,), hidden=(4,))
    assert Task(dreg.VAE(replace(shape, controls=True)), "mine", 4).estimator == "mine"
    with pytest.raises(ValueError, match="the network of mine must be one with control variates"):
        Task(dreg.VAE(shape), "mine", 4)
    with pytest.raises(ValueError, match="learned parameters must be"):
        Estimator(ESTIMATORS["dreg-alpha"].rule, unbiased=False, parameters=("alpha",), learned=True)
    assert ESTIMATORS["dreg-cv"].parameters == CONTROLS and ESTIMATORS["dreg-cv"].chosen == ()


# the race


@pytest.fixture(scope="module")
def track():
    config = Config(height=8, width=8, latent=(2,), hidden=(6,))
    return racing.Track(*(load("digits", split)[0][:60] for split in ("train", "test")), config=config)


def after(track, names):
    state = racing.start(track, [entry(name) for name in names], k=3)
    for _ in range(2):
        state = racing.step(state, track, k=3, batch=8, lr=3e-3)
    return [lane.trained.weights for lane in state.lanes]


@pytest.mark.slow
def test_lanes_of_new_rows_train_like_the_built_in_ones(track, monkeypatch):
    """A name with a digit and an underscore, an alpha that is chosen, and parameters that are learned."""
    for mine, name in (("my_2", "stl"), ("dial", "dreg-alpha"), ("learner", "dreg-cv")):
        monkeypatch.setitem(ESTIMATORS, mine, replace(ESTIMATORS[name]))
    mine = after(track, ["my_2", "dial=0.3", "dial", "learner"])
    built_in = after(track, ["stl", "dreg-alpha=0.3", "dreg-alpha", "dreg-cv"])
    assert all(torch.equal(a, b) for a, b in zip(mine, built_in, strict=True))
    assert not torch.equal(mine[1], mine[2])


def test_an_alpha_is_for_estimators_whose_alpha_a_person_chooses(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "dial", replace(ESTIMATORS["dreg-alpha"]))
    assert entry("dial=0.3@4") == Entry("dial", 4, 0.3)
    with pytest.raises(ValueError, match="dreg-cv learns its alpha, got 'dreg-cv=0.3'; leave it out"):
        entry("dreg-cv=0.3")

"""An error for wrong input gives what was expected, the value, and what to do, on a single line."""

import re

import pytest
import torch
from torch import nn
from torch.distributions import Categorical, Independent, Normal, TransformedDistribution
from torch.distributions.transforms import Transform

from labkit import dreg
from labkit.dreg import exact, gaussian, laboratory
from labkit.dreg.detach import _copied
from labkit.dreg.weights import check_log_weights

LOG_W = torch.tensor([0.3, -0.2, 1.0])


def refused(message: str, error: type = ValueError):
    """The error contains the message and has no line break."""
    return pytest.raises(error, match=rf"\A(?=.*{re.escape(message)})[^\n]*\Z")


@pytest.mark.parametrize("name", ["jk", "jk-dreg", "dreg-cv", "vimco"])
def test_one_sample_is_too_few_for_estimators_that_leave_one_out(name):
    with refused(f"{name} needs K >= 2 samples, got K = 1; draw more, because it leaves one out"):
        dreg.coefficients(name, LOG_W[:1])


@pytest.mark.parametrize("name", ["jk", "jk-dreg"])
def test_the_jackknife_bound_of_one_sample_is_an_error(name):
    with refused("needs K >= 2 samples, got K = 1"):
        dreg.bound(LOG_W[:1], name)
    assert dreg.bound(LOG_W[:1], "vimco") == LOG_W[0]


@pytest.mark.parametrize("shape", [(), (0,), (0, 4), (4, 0)])
def test_zero_samples_are_rejected(shape):
    for ask in (lambda x: dreg.coefficients("iwae", x), dreg.bound, dreg.effective_sample_size, dreg.entropy):
        with refused(f"log_w must be [K, ...] with K at least 1, got {shape}; put the samples on axis 0"):
            ask(torch.zeros(shape))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", dreg.ESTIMATORS)
def test_log_weights_that_are_not_finite_are_rejected(name, value):
    with refused("log_w must be finite, or -inf for a weight of 0; got 1 of 3 that are NaN or +inf; check log p and"):
        dreg.coefficients(name, torch.where(LOG_W == 1.0, value, LOG_W))


@pytest.mark.parametrize("k", [1, 3])
@pytest.mark.parametrize("ask", [dreg.bound, dreg.effective_sample_size, dreg.entropy])
def test_weights_that_are_all_zero_are_rejected(ask, k):
    """They are zero in one element of a batch of two."""
    log_w = torch.zeros(k, 2)
    log_w[:, 1] = -torch.inf
    with refused(f"at least one of the K = {k} log-weights must be finite, got -inf for all (every weight is 0). Draw"):
        ask(log_w)


@pytest.mark.parametrize("name", ["jk", "jk-dreg", "dreg-cv", "vimco"])
def test_one_weight_above_zero_is_too_few_for_estimators_that_leave_one_out(name):
    log_w = torch.tensor([0.3, -torch.inf, -torch.inf])
    with refused(f"{name} needs 2 samples with a weight above 0, got 1 of K = 3 (log_w = -inf is weight 0); draw more"):
        dreg.coefficients(name, log_w)
    with refused("jk needs 2 samples with a weight above 0"):
        dreg.bound(log_w, "jk")
    assert dreg.bound(log_w, "vimco").isfinite()


def test_a_mean_of_log_weights_needs_every_weight_above_zero():
    log_w = torch.tensor([0.3, 1.0, -torch.inf])
    for ask in (dreg.coefficients, lambda name, x: dreg.bound(x, name)):
        with refused("vae needs 3 samples with a weight above 0, got 2 of K = 3"):
            ask("vae", log_w)
    with refused("the ELBO needs 3 samples with a weight above 0, got 2"):
        dreg.ciwae(log_w[None])
    assert dreg.ciwae(log_w[None], 0.0) == dreg.bound(log_w)


@pytest.mark.parametrize("thing", [[0.0, 1.0], torch.tensor([1, 2]), None])
def test_log_weights_must_be_a_tensor_of_floating_point(thing):
    with refused("log_w must be a tensor of floating point, got", TypeError):
        check_log_weights(thing)


def test_an_unknown_estimator_or_parameter_raises_an_error_with_the_known_ones():
    with refused("the estimator must be one of iwae, stl, dreg, rws, rws-dreg"):
        dreg.coefficients("drag", LOG_W)
    with refused("dreg takes no parameters; got alpha", TypeError):
        dreg.coefficients("dreg", LOG_W, alpha=0.5)
    with refused("dreg-cv takes alpha, beta, gamma, delta; got eta", TypeError):
        dreg.coefficients("dreg-cv", LOG_W, eta=0.5)


@pytest.mark.parametrize("beta", [-0.1, 1.1, float("nan")])
def test_wrong_groups_and_mixtures_are_rejected(beta):
    with refused("beta must be from 0 (only IWAE) to 1 (only ELBO), got"):
        dreg.ciwae(LOG_W[None], beta)
    for ask in (dreg.miwae, dreg.piwae, dreg.ciwae):
        with refused("log_w must be [M, K, ...], got (3,); for one group of K use log_w[None]"):
            ask(LOG_W)


@pytest.mark.parametrize("name", [name for name, each in dreg.ESTIMATORS.items() if each.path])
def test_an_estimator_with_a_path_rejects_a_proposal_without_one(name):
    samples = dreg.evaluate(Categorical(logits=torch.zeros(3)), lambda z: -z.float(), 4)
    with refused(f"{name} needs a proposal with rsample, got one without; use rws, vimco, or a continuous proposal"):
        dreg.surrogate(samples, name)


def test_proposals_must_be_distributions_with_visible_parameters():
    with refused("must be a torch.distributions.Distribution, got Linear; wrap its parameters in one", TypeError):
        dreg.detach_parameters(nn.Linear(1, 1))

    class Hidden(Transform):
        def __init__(self):
            super().__init__()
            self.network = nn.Linear(1, 1)

    q = TransformedDistribution(Normal(torch.zeros(1), 1.0), [])
    q.transforms = [Hidden()]
    with refused("cannot detach the parameters of Hidden: it contains a Linear; use a torch distribution", TypeError):
        _copied(q, torch.Tensor.detach, "it", {})


def test_a_log_joint_of_another_shape_is_rejected():
    q = Independent(Normal(torch.zeros(2, 3), 1.0), 1)
    with refused("log_joint must return [K, *batch] = (4, 2) like the proposal's log_prob, got (4, 2, 3); sum over"):
        dreg.evaluate(q, lambda z: -z * z, 4)
    with refused("= (4, 2, 3) like the proposal's log_prob, got (4, 2); sum over the latent axis, and wrap"):
        dreg.evaluate(q.base_dist, lambda z: -(z * z).sum(-1), 4)
    with refused("got NoneType"):
        dreg.evaluate(q, lambda z: None, 4)
    with refused("the number of samples must be at least 1, got K = 0"):
        dreg.evaluate(q, lambda z: -(z * z).sum(-1), 0)
    with refused(
        "shapes must be log_w [K, *batch], noise and score_p [K, *batch, d], sigma [*batch, d]; got (3,), (3, 2), (3,"
    ):
        dreg.normal_gradients("dreg", LOG_W, torch.zeros(3, 2), torch.ones(3), torch.zeros(3, 2))


def test_a_tail_needs_enough_weights():
    with refused("pareto_k needs K >= 25 samples, got K = 3"):
        dreg.pareto_k(LOG_W)
    few = torch.full((100,), -torch.inf)
    few[:20] = 0.0
    with refused("pareto_k needs 21 samples with a weight above 0, got 20 of K = 100"):  # a tail of K/5, and one more
        dreg.pareto_k(few)


def test_a_wrong_model_is_rejected():
    zero = torch.zeros(2)
    with refused("prior, x and mean must have one shape [D], got (2,), (2,), (3,)"):
        gaussian.Gaussian(zero, zero, torch.zeros(3))
    with refused("prior, x and mean must be finite"):
        gaussian.Gaussian(zero, zero, zero + float("nan"))
    for variance in (0.0, -1.0, float("nan"), float("inf")):
        with refused("variance must be > 0 and finite, got"):
            gaussian.instance(2, variance=variance)
    for dim, distance in ((0, 1.0), (2, -1.0), (2, float("inf"))):
        with refused("dim must be >= 1 and distance finite and >= 0, got"):
            gaussian.instance(dim, distance)


def test_exact_values_exist_only_for_polynomials_of_weights():
    with refused("there are exact values for iwae, stl, dreg, rws, rws-dreg; got jk; choose one"):
        exact.answers(gaussian.instance(1), (1,), ("jk",))
    for sizes in ((), (0,)):
        with refused("sizes must be numbers of samples >= 1"):
            exact.answers(gaussian.instance(1), sizes)


def test_a_wrong_laboratory_is_rejected():
    toy = gaussian.instance(2)
    for sizes in ((), (0, 1), (4, 2), (2, 2)):
        with refused("sizes must be whole numbers K >= 1 in increasing order, got"):
            laboratory.start(toy, sizes=sizes)
    with refused("name at least one estimator of iwae"):
        laboratory.start(toy, ())
    with refused("the estimator must be one of"):
        laboratory.start(toy, ("drag",))
    with refused("dreg takes no parameters; got alpha", TypeError):
        laboratory.start(toy, parameters={"dreg": {"alpha": 1.0}})
    state = laboratory.start(toy, sizes=(1,))
    for other, replicates in ((gaussian.instance(3), 1), (toy, 0)):
        with refused("there must be replicates >= 1 and a toy of 2 dimensions, got"):
            laboratory.step(state, other, generator=torch.Generator(), replicates=replicates)

"""A user's posteriors: a log-likelihood of rows with a prior, and a network whose parameters are particles."""

import math
import pickle
from itertools import islice

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal, constraints

from labkit import svgd, targets

RANDOM = torch.Generator().manual_seed(0)
A = torch.randn(30, 3, generator=RANDOM, dtype=torch.float64)
Y = A @ torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) + 0.3 * torch.randn(
    30, generator=RANDOM, dtype=torch.float64
)
X = torch.randn(4, 3, generator=RANDOM, dtype=torch.float64)
NOISE = 0.3


def log_likelihood(w, a, y):
    return -0.5 * ((w @ a.mT - y) / NOISE) ** 2


def log_prior(w):
    return -0.5 * w.square().sum(-1)


def linear(**how):
    return targets.from_log_likelihood(log_likelihood, log_prior, (A, Y), dim=3, **how)


# any log-likelihood


def test_the_score_equals_the_formula_of_linear_regression():
    """∇ log p = A'(y - A w)/σ² - w; for a part of the rows the first term is multiplied by N/B."""
    target, rows = linear(), torch.tensor([2, 7, 11])

    def exact(a, y, factor):
        return factor * (y - X @ a.mT) @ a / NOISE**2 - X

    assert torch.allclose(target.score(X), exact(A, Y, 1)) and target.rows == 30
    assert torch.allclose(target.score_of_rows(X, rows), exact(A[rows], Y[rows], 10))
    assert torch.allclose(target.score_of_rows(X, slice(5, 15)), exact(A[5:15], Y[5:15], 3))
    log_p = -0.5 * ((Y - X @ A.mT) / NOISE).square().sum(-1) - 0.5 * X.square().sum(-1)
    assert torch.allclose(target.log_prob(X), log_p)
    assert torch.equal(target.score(X.expand(2, 4, 3))[1], target.score(X))


def test_cyclic_minibatches_average_to_the_full_score_and_random_ones_follow_the_generator():
    target = linear()
    cyclic = target.minibatch(10, order="cyclic")
    assert torch.allclose(sum(cyclic.at(t)(X) for t in range(3)) / 3, target.score(X))
    one, two = (target.minibatch(5).at(0, torch.Generator().manual_seed(3))(X) for _ in range(2))
    assert torch.equal(one, two) and not torch.allclose(one, target.score(X))


def test_svgd_with_minibatches_finds_the_posterior_mean():
    """The posterior of linear regression is normal with precision A'A/σ² + I."""
    precision = A.mT @ A / NOISE**2 + torch.eye(3, dtype=torch.float64)
    mean = torch.linalg.solve(precision, A.mT @ Y / NOISE**2)
    score, generator = linear().minibatch(15), torch.Generator().manual_seed(0)
    tail = islice(svgd.flow(score, X, optimizer=svgd.Adagrad(0.02), generator=generator), 150, 300)
    found = torch.stack([state.x.mean(0) for state in tail]).mean(0)
    assert (found - mean).abs().max() < 0.1


def test_the_prior_may_be_a_distribution_and_the_data_arrays_or_frames():
    normal = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
    for a, y in ((A.numpy(), Y.numpy()), (pd.DataFrame(A.numpy()), pd.Series(Y.numpy()))):
        target = targets.from_log_likelihood(log_likelihood, normal, (a, y))
        assert torch.allclose(target.score(X), linear().score(X))


def test_a_posterior_on_a_support_moves_in_unlimited_coordinates():
    """y counts with rate θ ~ Exponential(1): θ is Gamma(1 + Σy, 1 + n); x = log θ has the score 1 + Σy - (1 + n) θ."""
    counts = torch.tensor([3, 5, 4, 0])

    def poisson(rate, k):
        assert k.dtype == torch.int64
        return k * rate.log() - rate

    target = targets.from_log_likelihood(
        poisson, lambda rate: -rate.sum(-1), counts, dim=1, support=constraints.positive
    )
    x = torch.tensor([[0.3], [1.0]], dtype=torch.float64)
    assert torch.allclose(target.score(x), 1 + 12 - 5 * x.exp())
    assert torch.allclose(target.constrain(x), x.exp())
    part = target.score_of_rows(x, torch.tensor([1]))
    assert torch.allclose(part, 1 + 4 * 5 - (1 + 4) * x.exp())


def test_the_dtype_follows_the_particles():
    found = linear().score(X.float())
    assert found.dtype == torch.float32 and torch.allclose(found.double(), linear().score(X), rtol=1e-4)


@pytest.mark.parametrize(
    ("f", "prior", "data", "message"),
    [
        (
            lambda w, a, y: log_likelihood(w, a, y).sum(-1),
            log_prior,
            (A, Y),
            r"one value per particle and row, \[4, 30\], g",
        ),
        (log_likelihood, lambda w: -w.square(), (A, Y), r"log_prob must map x \[4, 3\] to \[4\]"),
        (
            log_likelihood,
            log_prior,
            (A, Y[:5]),
            r"tables of one length >= 1, got shapes \[\[30, 3\], \[5\]\]; give \(fe",
        ),
        (log_likelihood, log_prior, A[:0], "tables of one length >= 1"),
    ],
)
def test_a_likelihood_prior_or_table_of_a_wrong_shape_is_refused(f, prior, data, message):
    with pytest.raises(ValueError, match=message):
        targets.from_log_likelihood(f, prior, data).score(X)


def test_a_minibatch_has_from_one_to_all_rows():
    with pytest.raises(ValueError, match="size must be 1 to 30, the number of rows, got 31"):
        linear().minibatch(31)


def test_other_objects_than_functions_are_refused(unchecked):
    with pytest.raises(TypeError, match=r"f must be a function \(x, \*rows\) -> \[..., b\], got int"):
        targets.from_log_likelihood(3, log_prior, A)
    with pytest.raises(TypeError, match="log_prior must be a function .* or a torch distribution, got NoneType"):
        targets.from_log_likelihood(log_likelihood, None, A)
    with pytest.raises(TypeError, match="needs an nn.Module and a function, got function and function"):
        targets.from_module(log_prior, log_prior, A)


# networks


def of_network(net, a, y):
    return -0.5 * ((net(a).squeeze(-1) - y) / NOISE) ** 2


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 1))


def test_a_linear_layer_is_linear_regression():
    target = targets.from_module(nn.Linear(3, 1, bias=False), of_network, (A, Y))
    assert target.dim == 3 and torch.allclose(target.score(X), linear().score(X))
    rows = torch.tensor([4, 9])
    assert torch.allclose(target.score_of_rows(X, rows), linear().score_of_rows(X, rows))
    constant = -1.5 * math.log(2 * math.pi)
    assert torch.allclose(target.log_prob(X), linear().log_prob(X) + constant)
    wide = targets.from_module(nn.Linear(3, 1, bias=False), of_network, (A, Y), prior_scale=2.0)
    assert torch.allclose(wide.score(X), target.score(X) + X - X / 4)


def test_each_particle_is_a_separate_network(network):
    """Against the module itself with the parameters loaded, one particle at a time; its dropout is off."""
    target = targets.from_module(network, of_network, (A, Y))
    x = target.initial(3, torch.Generator().manual_seed(0))
    assert x.shape == (3, 21) and x.dtype == torch.float64 and target.dim == 21
    made = target.predict(x, A)
    named = target.parameters(x)
    net = nn.Sequential(*network).double().eval()
    for i in range(3):
        net.load_state_dict({name: part[i] for name, part in named.items()})
        assert torch.allclose(made[i], net(A), rtol=1e-12)
        net.zero_grad()
        log_p = of_network(net, A, Y).sum() - 0.5 * sum(w.square().sum() for w in net.parameters())
        grads = torch.autograd.grad(log_p, list(net.parameters()))
        assert torch.allclose(target.score(x)[i], torch.cat([g.flatten() for g in grads]), rtol=1e-9)
    assert made.shape == (3, 30, 1) and target.predict(x.expand(2, 3, 21), A.numpy()).shape == (2, 3, 30, 1)


def test_the_first_particles_are_new_weights_of_the_layers(network):
    """A linear layer draws within 1/sqrt(inputs); the random numbers of torch are not used up."""
    target, before = targets.from_module(network, of_network, (A, Y)), torch.get_rng_state()
    one, two = (target.initial(50, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one, two) and torch.equal(torch.get_rng_state(), before)
    weight = target.parameters(one)["0.weight"]
    assert weight.abs().max() <= 3**-0.5 and weight.std() == pytest.approx(1 / 3, abs=0.03)  # uniform: width / sqrt 12


def test_parameters_that_are_not_trained_stay(network):
    network[0].requires_grad_(False)
    target = targets.from_module(network, of_network, (A, Y))
    assert target.dim == 5 and list(target.shapes) == ["3.weight", "3.bias"]
    x = torch.zeros(2, 5, dtype=torch.float64)
    x[1, -1] = 3
    assert torch.allclose(target.predict(x, A), torch.tensor([0.0, 3.0], dtype=torch.float64)[:, None, None])
    network[0].requires_grad_(True)
    network.requires_grad_(False)
    with pytest.raises(ValueError, match="sequential has no parameter that is trained"):
        targets.from_module(network, of_network, (A, Y))


def test_the_target_does_not_follow_or_change_the_module(network):
    target = targets.from_module(network, of_network, (A, Y))
    x = target.initial(2, torch.Generator().manual_seed(0))
    before, first = [w.clone() for w in network.parameters()], target.score(x)
    with torch.no_grad():
        network[0].weight.add_(1)
        assert torch.equal(target.score(x), first)  # also without gradients
    assert torch.equal(network[0].weight - 1, before[0]) or torch.allclose(network[0].weight - 1, before[0])
    assert network.training and network[0].weight.dtype == torch.float32
    with torch.inference_mode():
        assert torch.equal(target.score(x), first)
    assert target.score(x.float()).dtype == torch.float32


def test_svgd_moves_networks_and_their_target_can_be_pickled(network):
    target = pickle.loads(pickle.dumps(targets.from_module(network, of_network, (A, Y))))
    first = target.initial(5, torch.Generator().manual_seed(0))

    def error(x):
        return (target.predict(x, A).squeeze(-1) - Y).square().mean()

    run = svgd.flow(target.minibatch(10), first, optimizer=svgd.Adam(0.05), generator=torch.Generator().manual_seed(1))
    *_, state = islice(run, 101)
    assert error(state.x) < error(first) / 4
    assert np.isfinite(float(state.ksd))

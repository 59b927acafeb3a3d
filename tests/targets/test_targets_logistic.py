"""Bayesian logistic regression: its prior, its gradients, its minibatches and its predictions."""

import math

import pytest
import torch
from torch import distributions as td

from labkit import targets
from labkit.targets import continued, scores
from labkit.targets.logistic import Together


@pytest.fixture(scope="module")
def target():
    return targets.make("logistic")


def start(target, n, seed=0):
    return target.initial(n, torch.Generator().manual_seed(seed))


def test_the_table_is_split_four_to_one_and_standardised_by_training_rows(target):
    assert target.rows == 569 - round(569 / 5) == 455
    assert target.dim == 32 == len(target.labels) and target.labels[-2:] == ("bias", "log α")
    (rows, y), (_, held_out) = target.tables
    features = rows[:, :-1]
    assert set(y.tolist()) == {-1.0, 1.0} and len(held_out) == 114 and (rows[:, -1] == 1).all()
    assert features.mean(0).abs().max() < 1e-12 and (features.std(0, correction=0) - 1).abs().max() < 1e-12
    assert target.mean is None and target.covariance is None and not hasattr(target, "sample")


def test_the_prior_is_gamma_and_normal_with_the_jacobian_of_the_logarithm(target):
    theta = start(target, 20) * 2
    w, alpha = theta[:, :-1], theta[:, -1].exp()
    wanted = (
        td.Gamma(torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.01, dtype=torch.float64)).log_prob(alpha)
        + alpha.log()  # |dα / d log α| = α
        + td.Normal(0, alpha[:, None] ** -0.5).log_prob(w).sum(-1)
    )
    assert torch.allclose(target.log_prior(theta), wanted, rtol=1e-12)


def test_the_likelihood_is_a_product_of_bernoullis(target):
    theta = start(target, 5)
    (rows, y), _ = target.tables
    bernoulli = td.Bernoulli(logits=theta[:, :-1] @ rows.T)
    wanted = bernoulli.log_prob((y > 0).double().expand(5, -1)).sum(-1)
    assert torch.allclose(target.log_prob(theta) - target.log_prior(theta), wanted, rtol=1e-10)


@pytest.mark.parametrize("size", [35, 91, 455])
def test_cyclic_minibatches_average_to_the_full_score_over_an_epoch(target, size):
    x, batches = start(target, 7), target.minibatch(size, order="cyclic")
    full = target.score(x)
    steps = target.rows // size
    for first in (0, 3 * steps):
        mean = sum(batches.at(t, None)(x) for t in range(first, first + steps)) / steps
        assert ((mean - full).abs() / (1 + full.abs())).max() < 1e-10
    assert torch.equal(batches(x), full)


def test_random_minibatches_are_unbiased_and_follow_their_generator(target):
    x, batches, draws = start(target, 1), target.minibatch(50), 200
    generator = torch.Generator().manual_seed(0)
    scores = torch.stack([batches.at(t, generator)(x) for t in range(draws)])
    gap = (scores.mean(0) - target.score(x))[:, :-1].abs()
    assert (gap < 5 * scores.std(0)[:, :-1] / draws**0.5).all() and scores.std(0)[:, :-1].min() > 0
    assert torch.allclose(scores[..., -1], target.score(x)[..., -1])  # the rows carry no information about α itself
    one, two = (batches.at(5, torch.Generator().manual_seed(4)) for _ in range(2))
    assert torch.equal(one(x), two(x)) and torch.equal(one(x), one(x))


def test_a_random_minibatch_samples_without_replacement(target):
    """With all rows sampled once it gives the full score, in any order."""
    x = start(target, 3)
    everything = target.minibatch(target.rows).at(0, torch.Generator().manual_seed(0))
    assert torch.allclose(everything(x), target.score(x), rtol=1e-10)


def test_a_wrong_minibatch_is_rejected(target):
    for size in (0, target.rows + 1):
        with pytest.raises(ValueError, match="size must be 1 to 455"):
            target.minibatch(size)
    with pytest.raises(ValueError, match="order must be"):
        target.minibatch(10, order="sorted")
    with pytest.raises(ValueError, match="needs a torch.Generator"):
        target.minibatch(10).at(0, None)


def test_initial_particles_have_the_priors_alpha_and_not_its_inverse(target):
    """E α = 1/b = 100, standard deviation 100; the original's numpy call starts at .01."""
    x, n = start(target, 20_000), 20_000
    assert abs(x[:, -1].exp().mean() - 100) < 5 * 100 / n**0.5
    assert abs(x[:, :-1].std() - 0.1) < 0.001 and x.shape == (n, 32) and x.dtype == torch.float64


def test_the_originals_initial_particles_use_the_rate_as_a_scale(target):
    """α ~ Exp(mean b) and w ~ N(0, 1/α), so w √α is standard normal."""
    n = 20_000
    x = target.initial(n, torch.Generator().manual_seed(1), gamma_scale=True)
    alpha = x[:, -1].exp()
    assert abs(alpha.mean() / target.rate - 1) < 5 / math.sqrt(n)
    w = x[:, :-1] * alpha.sqrt()[:, None]
    assert abs(w.mean()) < 5 / math.sqrt(31 * n) and abs(w.var() - 1) < 5 * math.sqrt(2 / (31 * n))


def test_gradient_ascent_learns_to_classify_tumours(target):
    """One particle that follows the score is MAP: it classifies over .93 of the held-out rows correctly."""
    x = start(target, 1)
    x[:, -1] = 0.0
    for _ in range(300):
        x = x + 0.01 * target.score(x)
    assert target.accuracy(x) > 0.93 and target.test_log_likelihood(x) > -0.2
    assert target.score(x).abs().max() < target.score(start(target, 1)).abs().max()


def test_predictions_average_the_particles_probabilities(target):
    rows, y = target.tables[1]
    x = 5 * start(target, 2 * 3 * 4).reshape(2, 3, 4, 32)
    right = torch.sigmoid(x[..., :-1] @ (rows * y[:, None]).T).mean(-2)  # [2, 3, rows]
    assert target.accuracy(x).shape == (2, 3)
    assert torch.allclose(target.accuracy(x), (right > 0.5).double().mean(-1))
    assert torch.allclose(target.test_log_likelihood(x), right.log().mean(-1))
    blind = torch.zeros(1, 32, dtype=torch.float64)
    assert target.test_log_likelihood(blind).item() == pytest.approx(-math.log(2))


def test_other_tables_are_accepted_and_wrong_ones_rejected():
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.cat([x, torch.full((50, 1), 3.0)], 1)  # a constant column
    table = targets.LogisticRegression(x.numpy(), (x[:, 0] > 0).numpy() + 1, test_fraction=0.3)
    assert table.rows == 35 and table.dim == 5 and torch.isfinite(table.score(torch.zeros(5))).all()
    w = torch.tensor([[3.0, 0.0, 0.0, 0.0, 0.0]])
    assert table.accuracy(w) > 0.75 > 0.25 > table.accuracy(-w)
    with pytest.raises(ValueError, match="two distinct labels"):
        targets.LogisticRegression(x, torch.zeros(50))
    with pytest.raises(ValueError, match="x must be finite"):
        targets.LogisticRegression(x * math.nan, x[:, 0] > 0)


def test_features_are_scaled_by_deviation_or_range_of_the_training_rows():
    x = 7 + 5 * torch.randn(200, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def train(scaling):
        (rows, _), _ = targets.LogisticRegression(x, x[:, 0] > 7, scaling=scaling).tables
        assert (rows[:, 3] == 1).all()
        return rows[:, :3]

    assert train("standard").mean(0).abs().max() < 1e-12
    assert torch.allclose(train("standard").std(0, correction=0), x.new_ones(3))
    assert torch.equal(torch.stack(train("range").aminmax(dim=0)), torch.stack([x.new_zeros(3), x.new_ones(3)]))
    with pytest.raises(ValueError, match="scaling must be standard or range, got 'none'"):
        train("none")


def test_several_posteriors_together_have_separate_scores():
    each = [targets.make("logistic", seed=s) for s in (0, 1)]
    together, rows = Together(each), torch.arange(30, 80)
    x = torch.stack([start(target, 4) for target in each])
    for found, target, own in zip(together.score(x), each, x, strict=True):
        torch.testing.assert_close(found, target.score(own), rtol=1e-12, atol=1e-12)
    for found, target, own in zip(together.score_of_rows(x, rows), each, x, strict=True):
        assert torch.allclose(found, target.score_of_rows(own, rows))
    assert torch.equal(together.score_of_rows(x, slice(30, 80)), together.score_of_rows(x, rows))
    assert torch.equal(together.minibatch(50, "cyclic").at(0)(x), together.score_of_rows(x, torch.arange(50)))
    with pytest.raises(ValueError, match="posteriors of one size, got 2 sizes"):
        Together([each[0], targets.make("logistic", test_fraction=0.3)])


def test_a_minibatch_has_different_rows_also_for_few_of_many():
    for n, size in ((20_000, 100), (20_000, 150), (120, 100)):
        generator = torch.Generator().manual_seed(0)
        drawn = torch.stack([scores._some(n, size, generator) for _ in range(200)])
        assert all(len(rows.unique()) == size for rows in drawn) and drawn.min() >= 0 and drawn.max() < n
        # a row number has variance (n^2 - 1)/12; samples without replacement vary less
        assert abs(drawn.double().mean() - (n - 1) / 2) < 5 * n / (12 * drawn.numel()) ** 0.5


def test_equal_seeds_split_equally_and_others_differently():
    a, b, c = (targets.make("logistic", seed=s)._constants[0] for s in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_the_continued_exponential_is_exp_up_to_its_limit_and_its_tangent_above():
    t = torch.tensor([-50.0, 0.0, 39.0, 41.0, 1e4], dtype=torch.float64)
    value, slope = continued.exp(t)
    assert torch.equal(value[:3], t[:3].exp()) and torch.equal(slope[:3], t[:3].exp())
    top = math.exp(continued.LIMIT)  # torch's exp and the C library's may differ in the last bit
    assert value[3:].tolist() == pytest.approx([2 * top, top * (1e4 - 39)])
    assert slope[3:].tolist() == pytest.approx([top, top], rel=2**-51)

"""The number of replicates that a band needs agrees with integrals of SciPy for the hidden part of the variance."""

import math

import pytest
import torch
from scipy import integrate, stats

from labkit.dreg import ESTIMATORS, gaussian, tails


@pytest.mark.parametrize("k", [4, 64])
def test_the_number_of_replicates_hides_at_most_the_allowed_part(k):
    """At V = s and D = 1 the path gradient is always d/s, and w grows with u: rare means u above a quantile."""
    toy = gaussian.instance(1, 1.0, 0.5)
    d, s, sigma = toy.distance, 0.5, math.sqrt(0.5)

    def gradient(u):
        w = math.exp(sigma / s * d * u - d * d / (2 * s))
        return (w / (w + k - 1)) ** 2 * d / s

    def mean(f, low=-10.0, high=10.0):
        return integrate.quad(lambda u: f(u) * stats.norm.pdf(u), low, high, limit=200, epsabs=1e-14)[0]

    middle = mean(gradient)

    def ratio(n):
        """Hidden part divided by standard error."""
        cut = stats.norm.isf(1 / (n * k))
        hidden = k * mean(lambda u: (gradient(u) - middle) ** 2, cut)
        whole = k * mean(lambda u: (gradient(u) - middle) ** 2)
        shown = k * mean(lambda u: (gradient(u) - middle) ** 4, -10.0, cut)
        return hidden / math.sqrt((2 * whole**2 + shown) / n)

    found = float(tails.enough(toy, ["dreg"], [k]).variance)
    assert 100 < found < 1e5
    # a node covers an eighth of a standard deviation, of which log n moves one by 1 / (u u') in the tail
    assert ratio(4 * found) < tails.HIDDEN < ratio(found / 4)


def test_one_sample_has_a_normal_gradient_and_needs_two_replicates():
    found = tails.enough(gaussian.instance(3, 0.28, 0.4), ["iwae", "dreg"], [1])
    assert found.variance.tolist() == found.mean.tolist() == [[2], [2]]


def test_dreg_needs_more_and_more_replicates_without_an_eighth_moment_of_the_weights():
    """V = .4 < 7/16 < .5: the squares of w^2 have a mean for both, but a variance only for the second."""
    sizes = [16, 64, 256, 1024]
    heavy, light = (tails.enough(gaussian.instance(2, 0.28, v), ["dreg", "iwae"], sizes).variance for v in (0.4, 0.5))
    assert (heavy[0].diff() > 0).all() and heavy[0, -1] > 1e8
    assert light[0, -1] < 1e3 and (heavy[0] > heavy[1]).all()


def test_every_estimator_has_a_number_of_replicates():
    found = tails.enough(gaussian.instance(2), list(ESTIMATORS), [1, 8])
    assert all(each.shape == (len(ESTIMATORS), 2) and bool((each >= 2).all()) for each in found)
    assert torch.equal(found.mean[list(ESTIMATORS).index("dreg")], torch.tensor([2.0, 2.0], dtype=torch.float64))

"""All targets: scores are gradients, leading axes are free, nothing overflows, and errors name the cause."""

import pytest
import torch

from labkit import targets

NAMES = list(targets.TARGETS)
# with other parameters too, because a formula that is right only at one value would pass otherwise
CASES = [(name, {}) for name in NAMES] + [
    ("mixture", {"means": (-5.0, 0.0, 1.0, 4.0), "scales": (0.5, 2.0, 1.0, 0.1), "weights": None}),
    ("mixture", {"means": (0.0, 3.0), "scales": 0.7, "weights": (0.0, 1.0)}),
    ("normal", {"dim": 7, "mean": 1.5, "scale": 2.0, "condition": 50.0}),
    ("mixture2d", {"means": ((0.0, 0.0), (3.0, 1.0)), "scales": (0.3, 1.0), "weights": (0.2, 0.8)}),
    ("banana", {"curvature": -0.9, "spread": 0.8, "width": 0.2}),
    ("donut", {"radius": 1.0, "width": 0.9}),
    ("funnel", {"spread": 2.5}),
    ("squiggle", {"amplitude": 1.7, "frequency": 4.0, "width": 0.2}),
    ("double_banana", {"noise": 0.5}),
    ("sine", {"amplitude": 0.7, "frequency": 2.5, "width": 0.8}),
    ("star", {"arms": 3, "radius": 2.5, "length": 0.3, "width": 0.6}),
    ("x", {"length": 0.9, "width": 0.1}),
    ("logistic", {"rate": 2.0, "seed": 3}),
]


def gradient(log_prob, x):
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(log_prob(leaf).sum(), leaf)[0]


@pytest.mark.parametrize(("name", "params"), CASES)
@pytest.mark.parametrize("reach", [1.0, 5.0, 300.0])
def test_the_score_is_the_gradient_of_log_prob(name, params, reach):
    target = targets.make(name, **params)
    x = reach * torch.randn(2, 40, target.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    wanted, kept = gradient(target.log_prob, x), x.clone()
    assert torch.isfinite(wanted).all()
    error = (target.score(x) - wanted).abs() / (1 + wanted.abs().amax(-1, keepdim=True))
    assert error.max() < 1e-9
    assert torch.equal(x, kept)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_leading_axes_are_free_and_the_dtype_follows_x(name, dtype):
    target = targets.make(name)
    x = torch.randn(3, 5, target.dim, generator=torch.Generator().manual_seed(1), dtype=dtype)
    log_p, score = target.log_prob(x), target.score(x)
    assert log_p.shape == (3, 5) and score.shape == x.shape and log_p.dtype == score.dtype == dtype
    tolerance = {"rtol": 1e-3, "atol": 1e-3} if dtype == torch.float32 else {"rtol": 1e-10, "atol": 1e-10}
    assert torch.allclose(target.log_prob(x[1, 2]), log_p[1, 2], **tolerance) and target.log_prob(x[1, 2]).shape == ()
    assert torch.allclose(target.score(x[1, 2]), score[1, 2], **tolerance)
    assert target.log_prob(x[:, :0]).shape == (3, 0) and target.score(x[:, :0]).shape == (3, 0, target.dim)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overflows_in_float32_at_distance_ten_thousand(name):
    target = targets.make(name)
    signs = torch.randn(64, target.dim, generator=torch.Generator().manual_seed(2)).sign()
    for reach in (0.0, 1e-20, 1.0, 1e2, 1e3, 1e4):
        x = reach * signs
        assert torch.isfinite(target.score(x)).all(), reach
        assert torch.isfinite(target.log_prob(x)).all(), reach
    axis = 1e4 * torch.eye(target.dim)
    assert torch.isfinite(target.score(axis)).all() and torch.isfinite(target.score(-axis)).all()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("mixture", {}),
        ("mixture", {"means": (-5.0, 0.0, 4.0), "scales": (0.5, 2.0, 1e-5), "weights": None}),
        *((name, {}) for name in ("normal", "correlated", "mixture2d", "star", "x", "donut", "funnel")),
    ],
)
def test_a_score_that_float32_can_hold_is_right_although_squares_overflow(name, params):
    """In float64 the squares are 1e60. The funnel's own score overflows for v < 0, so here v > 0."""
    target = targets.make(name, **params)
    x = torch.randn(40, target.dim, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[:, -1] = x[:, -1].abs()
    for reach in (1e18, 1e20, 1e30):
        exact = target.score((reach * x).float().double())
        error = (target.score((reach * x).float()) - exact).abs() / exact.abs().amax(-1, keepdim=True)
        assert error.max() < 1e-5, reach


def test_far_out_only_the_widest_mode_counts():
    """At 1e30 from modes with deviations .5, 2 and 1 the score is -x/4; for the X, that of the nearer stroke."""
    x = torch.tensor([[-1e30], [1e30]])
    wide = targets.make("mixture", means=(-5.0, 0.0, 4.0), scales=(0.5, 2.0, 1.0), weights=None)
    assert torch.equal(wide.score(x), -x / 4)
    along = torch.tensor([[1e30, 1e30], [1e30, -1e30]])
    assert torch.allclose(targets.make("x", length=1.4).score(along), -along / 1.4**2)


@pytest.mark.parametrize("name", NAMES)
def test_float32_agrees_with_float64(name):
    """Near the mass a float32 score differs only by rounding, for sums of at most a few hundred terms."""
    target = targets.make(name)
    x = torch.randn(50, target.dim, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    exact, rough = target.score(x.float().double()), target.score(x.float()).double()
    assert ((rough - exact).abs() / (1 + exact.abs().amax(-1, keepdim=True))).max() < 2e-4


def test_a_target_made_in_inference_mode_works_with_autograd():
    target = targets.make("mixture2d")
    with torch.inference_mode():
        target.score(torch.zeros(4, 2))
    assert torch.isfinite(gradient(target.log_prob, torch.zeros(4, 2))).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_last_axis_of_another_length_is_rejected(name):
    target = targets.make(name)
    for f in (target.score, target.log_prob):
        with pytest.raises(ValueError, match=rf"x must be \[\.\.\., {target.dim}\], got \[4, {target.dim + 1}\]"):
            f(torch.zeros(4, target.dim + 1))


def test_an_unknown_name_raises_an_error_with_the_known_and_the_closest_name():
    with pytest.raises(ValueError, match="banana.*got 'bananna'; did you mean 'banana'"):
        targets.make("bananna")
    with pytest.raises(ValueError, match="banana has curvature, spread, width, got radius"):
        targets.make("banana", radius=1.0)


def test_every_slider_starts_at_the_targets_default_and_both_its_ends_work():
    assert targets.PARAMETERS.keys() == targets.TARGETS.keys()
    for name, parameters in targets.PARAMETERS.items():
        plain = targets.make(name)
        for key, p in parameters.items():
            assert p.low <= p.default <= p.high and p.step > 0 and p.symbol and p.help
            x = torch.ones(1, plain.dim, dtype=torch.float64)
            assert torch.equal(targets.make(name, **{key: p.default}).score(x), plain.score(x))
            for value in (p.low, p.high):
                target = targets.make(name, **{key: value})
                assert torch.isfinite(target.score(torch.ones(1, target.dim))).all()
                assert len(target.plot_range) == target.dim == len(target.labels)
                assert all(low < high for low, high in target.plot_range)


@pytest.mark.parametrize(
    ("name", "params", "cause"),
    [
        ("mixture", {"weights": (0.5, 0.6)}, "sum to 1"),
        ("mixture", {"weights": (-0.5, 1.5)}, ">= 0"),
        ("mixture", {"weights": (1.0,)}, "as many weights as means"),
        ("mixture", {"scales": (1.0, 0.0)}, "scales must be > 0"),
        ("mixture", {"scales": (1.0, 1.0, 1.0)}, "one number or 2 numbers"),
        ("mixture", {"means": (0.0, float("nan"))}, "means must be finite"),
        ("mixture", {"means": ()}, "one number per mode"),
        ("mixture2d", {"means": (0.0, 1.0)}, r"\[k, 2\]"),
        ("mixture2d", {"means": ((0.0, 1.0), (2.0,))}, "one shape"),
        ("normal", {"scale": -1.0}, "scale must be one number > 0"),
        ("normal", {"dim": 0}, "whole number >= 1"),
        ("normal", {"condition": 0.5}, "condition must be >= 1"),
        ("normal", {"dim": 3, "mean": (0.0, 1.0)}, "match it to dim"),
        ("banana", {"width": 0.0}, "width must be one number > 0"),
        ("donut", {"radius": float("inf")}, "radius must be finite"),
        ("funnel", {"spread": float("nan")}, "spread must be finite"),
        ("squiggle", {"width": -1.0}, "width must be one number > 0"),
        ("sine", {"width": 0.0}, "width must be one number > 0"),
        ("double_banana", {"noise": 0.0}, "noise must be one number > 0"),
        ("star", {"arms": 0}, "arms must be a whole number"),
        ("x", {"length": 0.0}, "length must be one number > 0"),
        ("logistic", {"rate": 0.0}, "rate must be one number > 0"),
        ("logistic", {"test_fraction": 1.0}, "change it"),
    ],
)
def test_a_wrong_parameter_raises_an_error_with_its_name(name, params, cause):
    with pytest.raises(ValueError, match=cause):
        targets.make(name, **params)


def test_a_covariance_must_be_positive_definite():
    with pytest.raises(ValueError, match="positive definite"):
        targets.Normal((0.0, 0.0), ((1.0, 2.0), (2.0, 1.0)))
    with pytest.raises(ValueError, match=r"covariances \[k, d, d\]"):
        targets.GaussianMixture(torch.zeros(2, 3), torch.eye(3))

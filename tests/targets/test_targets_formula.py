"""`from_formula`: values and gradients of typed log-densities, their range and integral, and what is refused."""

import math
import pickle

import numpy as np
import pytest
import torch

from labkit import svgd, targets
from labkit.targets.formula import DEEPEST, Formula

# formula -> the same in numpy
VALUES = {
    "1": lambda x, y: np.ones_like(x),
    "x + 2*y - 3": lambda x, y: x + 2 * y - 3,
    "-x**2": lambda x, y: -(x**2),
    "(-x)^2 - y": lambda x, y: x**2 - y,
    "2**-y": lambda x, y: 2.0**-y,
    "x - y - 1": lambda x, y: x - y - 1,
    "8 / y / 2": lambda x, y: 8 / y / 2,
    "2 ** 3 ** 2 + x": lambda x, y: 512 + x,
    "x * -y": lambda x, y: -x * y,
    "- - +x": lambda x, y: x,
    "1.5e-1*x + .5 + 2.": lambda x, y: 0.15 * x + 2.5,
    "exp(-x) + log(y) + sqrt(y)": lambda x, y: np.exp(-x) + np.log(y) + np.sqrt(y),
    "sin(pi*x) * cos(y) + tan(x/9) - tanh(y)": lambda x, y: np.sin(np.pi * x) * np.cos(y) + np.tan(x / 9) - np.tanh(y),
    "abs(x) + min(x, y, 1)": lambda x, y: np.abs(x) + np.minimum(np.minimum(x, y), 1),
    "max(x, 2*y)": lambda x, y: np.maximum(x, 2 * y),
    "e**x": lambda x, y: np.exp(x),
}  # fmt: skip
DENSITIES = [
    "-(x**2 - 4)**2 / 8",
    "-abs(x) - x**4 / 9",
    "-(x**2 + y - 2)**2 - (y**2 + x - 2)**2",
    "-log(1 + exp(x**2 + y**2))",
]


@pytest.mark.parametrize("text", VALUES)
def test_values_equal_those_of_numpy(text):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 7)), rng.uniform(0.1, 3, (3, 7))
    found = Formula(text)(torch.from_numpy(np.stack([x, y], -1)))
    assert np.allclose(found, VALUES[text](x, y), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("text", DENSITIES)
def test_the_score_is_the_slope_of_the_log_density(text):
    """Central differences with step 1e-5 have errors of about 1e-10 here."""
    target = targets.from_formula(text)
    x = torch.randn(20, target.dim, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for i in range(target.dim):
        step = 1e-5 * torch.eye(target.dim, dtype=torch.float64)[i]
        slope = (target.log_prob(x + step) - target.log_prob(x - step)) / 2e-5
        assert torch.allclose(target.score(x)[:, i], slope, rtol=1e-7, atol=1e-7)


def test_a_normal_density_is_normalised_and_has_its_moments_and_its_range():
    plane = targets.from_formula("-(x - 3)**2 / 8 - (y + 1)**2 / 2 + 17")
    known = torch.distributions.Independent(
        torch.distributions.Normal(torch.tensor([3.0, -1.0]), torch.tensor([2.0, 1.0])), 1
    )
    x = torch.randn(9, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert torch.allclose(plane.log_prob(x), known.log_prob(x), atol=1e-6)
    assert torch.allclose(plane.mean, torch.tensor([3.0, -1.0], dtype=torch.float64), atol=1e-9)
    assert torch.allclose(plane.covariance, torch.diag(torch.tensor([4.0, 1.0], dtype=torch.float64)), atol=1e-6)
    reach = (2 * math.log(1e4)) ** 0.5  # where the density is 1/10,000 of the peak, in standard deviations
    for (low, high), mean, sd in zip(plane.plot_range, (3, -1), (2, 1), strict=True):
        assert low == pytest.approx(mean - 1.1 * reach * sd, abs=0.2) and high == pytest.approx(
            mean + 1.1 * reach * sd, abs=0.2
        )


@pytest.mark.parametrize("text", ["-(x - 100)**2 / 2", "-5e5 * (x - 0.123)**2"])
def test_a_far_or_narrow_density_is_found_and_normalised(text):
    target = targets.from_formula(text)
    x = torch.linspace(*target.plot_range[0], 10_001, dtype=torch.float64)
    assert torch.trapezoid(target.log_prob(x[:, None]).exp(), x) == pytest.approx(1, abs=1e-3)


def test_particles_move_to_a_typed_density():
    target = targets.from_formula("-(x - 2)**2 / 2")
    state = svgd.start(torch.linspace(-1, 1, 30, dtype=torch.float64)[:, None], target)
    for _ in range(300):
        state = svgd.step(state, target)
    assert state.x.mean() == pytest.approx(2, abs=0.1) and state.x.var() == pytest.approx(1, abs=0.25)


def test_a_typed_target_can_be_pickled():
    target = targets.from_formula("-x**2 / 2")
    x = torch.ones(3, 1, dtype=torch.float64)
    assert torch.equal(pickle.loads(pickle.dumps(target)).score(x), target.score(x))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "character 1 of the formula must be a number, x, y, a function or (, got the end of the text"),
        ("-x**2 +", "character 8 of the formula must be a number"),
        ("-x**2 2", "character 7 of the formula must be an operator such as + or *, or the end, got '2'"),
        ("(x", "character 3 of the formula must be ')', got the end of the text"),
        ("sin x", "character 5 of the formula must be '(', got 'x'"),
        ("sin(x, y)", "character 1 of the formula: sin needs one number, got 2"),
        ("x + max(x)", "character 5 of the formula: max needs two numbers or more"),
        ("-x²", "character 3 of the formula: '²' has no meaning here"),
        ("-x**2 + z", "character 9 of the formula: 'z' is unknown; use x, y, pi"),
        ("1e999 * x", "character 1 of the formula: 1e999 is too large"),
        ("__import__(x)", "character 1 of the formula: '__import__' is unknown"),
        ("__import__('os').system('true')", "character 12 of the formula"),
        ("x.__class__", "character 2 of the formula: '.' has no meaning here"),
        ("x[0]", "character 2 of the formula: '[' has no meaning here"),
        ("lambda x", "'lambda' is unknown"),
        ("'a' * 9**9", 'character 1 of the formula: "\'" has no meaning here'),
        ("x if x else y", "character 3 of the formula must be an operator"),
        ("x := 3", "character 3 of the formula: ':' has no meaning"),
        ("(" * 200 + "x" + ")" * 99, f"more than {DEEPEST} levels at character {DEEPEST + 1}"),
        ("-" * 200 + "x", f"more than {DEEPEST} levels"),
        ("2**" * 90 + "x", f"more than {DEEPEST} levels"),
        ("x" * 301, "at most 300 characters, this one has 301"),
    ],
)
def test_a_wrong_formula_is_refused_with_the_place_of_the_mistake(text, said):
    with pytest.raises(ValueError) as caught:
        targets.from_formula(text)
    assert said in str(caught.value) and len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("log(x)", "the formula is nan at x = -8, but log p must be finite everywhere"),
        ("-x**2 - y**2/0", "is -inf at x = -8 and y = -8"),
        ("10**10**10 - x**2", "is inf at x = -8"),
        ("x", "must fall to almost 0 within 128 units of 0, .* add a term such as - \\(x\\*\\*2\\) / 10"),
        ("-y**2", "- \\(x\\*\\*2 \\+ y\\*\\*2\\) / 10"),
        ("5", "must fall to almost 0"),
        ("-1e14 * x**2", "narrower than 0.001 units; stretch it"),
    ],
)
def test_a_formula_without_a_density_is_refused_with_advice(text, said):
    with pytest.raises(ValueError, match=said):
        targets.from_formula(text)


def test_mass_far_from_0_is_found_although_the_near_square_seems_to_hold_all():
    target = targets.from_formula("max(-x**2/2, -(x-20)**2/2)")  # two normal humps, each with half of the mass
    assert target.mean.item() == pytest.approx(10, abs=1e-6)
    at_0 = target.log_prob(torch.zeros(1, 1, dtype=torch.float64)).item()
    assert at_0 == pytest.approx(-math.log(2 * math.sqrt(2 * math.pi)), abs=1e-6)


def test_a_density_that_is_too_thin_for_the_grid_is_refused():
    """The circle of radius 3 is 0.0012 wide, and the grid has steps of 0.04: its integral would be wrong by a fifth."""
    with pytest.raises(ValueError, match="too thin for its size"):
        targets.from_formula("-1e4*(x**2 + y**2 - 9)**2")
    ring = targets.from_formula("-50*(x**2 + y**2 - 9)**2")
    assert ring.covariance.diagonal().tolist() == pytest.approx([4.5, 4.5], rel=0.01)  # half of the squared radius


def test_the_score_at_a_kink_is_0():
    score = targets.from_formula("-3*sqrt(x**2 + y**2)").score(torch.tensor([[0.0, 0.0], [2.0, 0.0]]).double())
    assert score.tolist() == [[0, 0], [-3, 0]]

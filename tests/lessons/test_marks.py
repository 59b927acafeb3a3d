"""Marks: numpy gives the same numbers from the states, and another run gives other numbers."""

import math

import numpy as np
import pytest

from labkit import lessons
from labkit.lessons.marks.registry import MARKS
from labkit.lessons.tabs import TABS
from labkit.stream import iterate


def run(page, tab, steps, **values):
    """The states of a run with these settings, the first included; on /draw with the network of the lessons."""
    values = ({"model": "draw-small"} if page == "draw" and tab != "Learn" else {}) | values
    settings = TABS[page][tab](values)
    assert lessons.apply(settings, values) == []
    states = iterate(settings.step, settings.start())
    return [state for state, _ in zip(states, range(steps + 1), strict=False)]


def column(states, coordinate=1):
    return states[-1].x.numpy()[:, coordinate - 1]


def lengths(forces):
    return np.sqrt((forces.numpy() ** 2).sum(-1)).mean()


def ink(states):
    return states[-1].trace.canvas[-1].numpy() > 0


def distances(states, which):
    return states[-1].gradients.numpy()[:, which] - states[-1].truth.numpy()


def kl(states):
    """KL(N(mu, sigma²) | N(0, 1)) summed over the latents, [T], from the formula."""
    mu, sigma = (x[:, 0].double().numpy() for x in (states[-1].trace.mu, states[-1].trace.sigma))
    return (0.5 * (mu**2 + sigma**2 - 1) - np.log(sigma)).sum(-1)


def nll(states):
    """The cross-entropy of the image after each glimpse, [T], from the formula."""
    p = 1 / (1 + np.exp(-states[-1].trace.canvas[:, 0].double().numpy()))
    x = states[-1].image.numpy()
    return -(x * np.log(p) + (1 - x) * np.log1p(-p)).reshape(len(p), -1).sum(1)


PLANE = {"target": "banana", "n": 12, "begin_mean": 0.0}
CASES = {
    "mean": (("svgd", "Particles"), PLANE, {"seed": 1}, {"coordinate": 2}, lambda s: column(s, 2).mean()),
    "variance": (("svgd", "Particles"), PLANE, {"seed": 1}, {}, lambda s: ((column(s) - column(s).mean()) ** 2).mean()),
    "share_below": (("svgd", "Particles"), PLANE, {"begin_mean": 3.0}, {"x": 0.1}, lambda s: (column(s) < 0.1).mean()),
    "count_below": (("svgd", "Particles"), PLANE, {"begin_mean": 3.0}, {"x": 0.1}, lambda s: (column(s) < 0.1).sum()),
    "lowest": (("svgd", "Particles"), PLANE, {"seed": 2}, {}, lambda s: np.sort(column(s))[0]),
    "highest": (("svgd", "Particles"), PLANE, {"seed": 2}, {}, lambda s: np.sort(column(s))[-1]),
    "mean_repulsion": (("svgd", "Particles"), PLANE, {"kernel": "imq"}, {}, lambda s: lengths(s[-1].repulsion)),
    "drive_over_repulsion": (
        ("svgd", "Particles"), PLANE, {"kernel": "imq"}, {}, lambda s: lengths(s[-1].drive) / lengths(s[-1].repulsion),
    ),
    "ksd": (("svgd", "Particles"), PLANE, {"seed": 1}, {}, lambda s: float(s[-1].ksd)),
    "kernel_variance": (
        ("svgd", "Collapse"), {"n": 20, "dim": 5}, {"dim": 9}, {"kernel": "linear"},
        lambda s: s[-1].runs[s[-1].names.index("linear")].x.numpy().var(0).mean(),
    ),
    "window_x": (
        ("draw", "Read"), {}, {"digit": 7}, {"glimpse": 4}, lambda s: s[0].trace.read.center_x.numpy()[3, 0] + 0.5,
    ),
    "window_y": (
        ("draw", "Read"), {}, {"digit": 7}, {"glimpse": 4, "window": "write"},
        lambda s: s[0].trace.write.center_y.numpy()[3, 0] + 0.5,
    ),
    "window_width": (
        ("draw", "Read"), {}, {"digit": 7}, {"glimpse": 9}, lambda s: 5 * s[0].trace.read.stride.numpy()[8, 0],
    ),
    "information": (("draw", "Read"), {}, {"digit": 1}, {"first": 8}, lambda s: kl(s)[7:].sum()),
    "most_informative": (("draw", "Read"), {}, {"digit": 7}, {}, lambda s: kl(s).argmax() + 1),
    "reconstruction_cost": (("draw", "Read"), {}, {"digit": 1}, {"glimpse": 5}, lambda s: nll(s)[4]),
    "largest_gain": (
        ("draw", "Read"), {"digit": 1}, {"digit": 7}, {}, lambda s: np.diff(nll(s)).argmin() + 2,
    ),
    "bound": (("draw", "Read"), {}, {"seed": 1}, {}, lambda s: nll(s)[-1] + kl(s).sum()),
    "cost_ratio": (("draw", "Read"), {}, {"digit": 1}, {}, lambda s: nll(s)[-1] / kl(s).sum()),
    "wrong_pixels": (
        ("draw", "Read"), {}, {"digit": 1}, {}, lambda s: (ink(s)[0] != (s[0].image.numpy()[0] > 0.5)).sum(),
    ),
    "spread": (
        ("draw", "Latents"), {"t": 4, "n": 5}, {"seed": 1}, {"glimpse": 4},
        lambda s: resampled(s),
    ),
    "spread_falls_below": (
        ("draw", "Latents"), {"n": 5}, {"seed": 2}, {"share": 0.55},
        lambda s: 1 + next(i for i, value in enumerate(s[0].spread.tolist()) if value < 0.55 * s[0].spread.tolist()[0]),
    ),
    "alike": (
        ("draw", "Latents"), {"t": 4, "n": 6}, {"t": 1}, {"pixels": 45},
        lambda s: sum(int((image != ink(s)[0]).sum()) < 45 for image in ink(s)[1:]),
    ),
    "mean_difference": (
        ("draw", "Latents"), {"t": 4, "n": 6}, {"t": 1}, {},
        lambda s: np.mean([(image != ink(s)[0]).sum() for image in ink(s)[1:]]),
    ),
    "mean_sample_size": (
        ("dreg", "Microscope"), {}, {"k": 20}, {}, lambda s: np.mean([1 / (state.w.numpy() ** 2).sum() for state in s]),
    ),
    "scatter": (
        ("dreg", "Microscope"), {}, {"k": 20}, {"estimator": "dreg"},
        lambda s: np.sqrt((distances(s, 1) ** 2).sum(-1).mean()),
    ),
    "distance_of_mean": (
        ("dreg", "Microscope"), {}, {"k": 20}, {"estimator": "iwae"},
        lambda s: np.linalg.norm(distances(s, 0).mean(0)),
    ),
    "bias_size": (
        ("dreg", "Bias meter"), {}, {"k": 1}, {}, lambda s: np.linalg.norm(s[-1].tests[0].state.blocks.mean.numpy()),
    ),
    "bias_over_noise": (
        ("dreg", "Bias meter"), {}, {"distance": 0.5}, {},
        lambda s: np.linalg.norm(s[-1].tests[0].state.blocks.mean.numpy())
        / np.sqrt(s[-1].tests[0].state.gradients.variance.numpy().sum()),
    ),
    "bias_along": (
        ("dreg", "Bias meter"), {"opposed": False}, {"distance": 0.5}, {},
        lambda s: s[-1].tests[0].state.blocks.mean.numpy() @ towards(s[-1].toy),
    ),
    "evidence": (
        ("dreg", "Bias meter"), {"distance": 0.3, "dim": 1}, {"k": 4}, {},
        lambda s: float(s[-1].tests[0].history[-1, 4]),
    ),
    "evidence_of_sum": (
        ("dreg", "Bias meter"), {"distance": 0.3, "opposed": False}, {"opposed": True}, {},
        lambda s: float(s[-1].tests[0].history[-1, 5]),
    ),
    "best_alpha": (("dreg", "Alpha dial"), {}, {"k": 40}, {}, lambda s: lowest_error(s[-1].measured)),
}  # fmt: skip


def resampled(states):
    """The spread of the finished images, averaged over the pixels; they are drawn with t of the settings."""
    images = 1 / (1 + np.exp(-states[-1].trace.canvas[-1].double().numpy()))
    return images.std(0, ddof=1).mean()


def towards(toy):
    """The unit vector from the mean of q to the posterior's mean."""
    apart = ((toy.prior + toy.x) / 2 - toy.mean).numpy()
    return apart / np.linalg.norm(apart)


def lowest_error(frontier):
    """The best alpha on a fine grid."""
    alpha = np.linspace(0, 1, 100_001)
    return alpha[np.argmin(frontier.squared_error(alpha))]


@pytest.mark.parametrize("name", CASES)
def test_numpy_gives_the_number_of_the_mark_and_another_run_another_number(name):
    where, settings, change, parameters, expected = CASES[name]
    steps = 0 if where[0] == "draw" else 4
    found = []
    for values in (settings, settings | change):
        states = run(*where, steps, **values)
        found.append(MARKS[name](states, **parameters))
        assert found[-1] == pytest.approx(float(expected(states)), rel=1e-4, abs=1e-5)
    assert found[0] != pytest.approx(found[1], rel=1e-3)


def test_every_mark_has_an_oracle():
    others = {
        "window_place",
        "measured",
        "slope",
        "exact_variance",
        "bias_verdict",
        "replicates",
        "ratio",
        "difference",
    }
    assert set(CASES) | others == set(MARKS)


def test_the_place_of_a_window_is_a_place_in_the_picture():
    states = run("draw", "Read", 0)
    x, y = (MARKS[name](states, glimpse=3) for name in ("window_x", "window_y"))
    assert MARKS["window_place"](states, glimpse=3) == (x, -y)


def test_the_lines_of_the_laboratory_are_the_numbers_of_their_picture():
    states = run("dreg", "Variance against samples", 1, dim=2, estimators=["iwae", "dreg"])
    last = states[-1]
    spread = last.total.gradients.variance.numpy().mean(-1)  # [estimators, sizes]
    assert MARKS["measured"](states, quantity="variance", estimator="dreg", k=64) == pytest.approx(spread[1, 6])
    sizes, values = np.log(last.sizes[6:]), np.log(spread[0, 6:])
    assert MARKS["slope"](states, quantity="variance", estimator="iwae") == pytest.approx(
        np.polyfit(sizes, values, 1)[0], abs=0.02
    )
    for name, row in (("iwae", spread[0]), ("dreg", spread[1])):  # 192 replicates
        assert MARKS["exact_variance"](states, estimator=name, k=4) == pytest.approx(row[2], rel=0.5)
    alone = run("dreg", "Variance against samples", 0, dim=2, estimators=["iwae"], snap=True)
    assert abs(MARKS["exact_variance"](alone, estimator="dreg", k=4)) < 1e-12  # it is not in the picture


def test_a_ratio_and_a_difference_compare_two_numbers_of_a_mark():
    states = run("svgd", "Particles", 3, **PLANE)
    x, y = column(states, 1), column(states, 2)
    ends = {"of": "variance", "top": {"coordinate": 1}, "bottom": {"coordinate": 2}}
    assert MARKS["ratio"](states, **ends) == pytest.approx(x.var() / y.var())
    assert MARKS["difference"](states, **ends) == pytest.approx(x.var() - y.var())


def test_the_verdict_of_a_bias_counts_from_its_first_appearance():
    states = run("dreg", "Bias meter", 16, distance=0.5)
    decided = [state.tests[0].verdict is not None for state in states]
    first = decided.index(True)
    assert 0 < first < 16 and MARKS["bias_verdict"](states) == "biased"
    assert MARKS["replicates"](states) == 64 * (first + 1) == MARKS["replicates"](states[: first + 1])
    assert MARKS["bias_size"](states) == MARKS["bias_size"](states[: first + 1]) != MARKS["bias_size"](states[-1:])
    assert MARKS["bias_verdict"](states[:first]) == "" and math.isnan(MARKS["replicates"](states[:first]))


@pytest.mark.parametrize(
    ("where", "name", "parameters", "wanted"),
    [
        (("svgd", "Particles"), "mean", {"coordinate": 2}, "coordinate must be from 1 to 1, got 2"),
        (("draw", "Read"), "window_x", {"glimpse": 0}, "glimpse must be from 1 to 10, got 0"),
        (("draw", "Read"), "window_x", {"glimpse": 1, "window": "paint"}, "window must be one of read, write"),
        (("draw", "Read"), "window_x", {"glimpse": 1, "image": 0}, "image must be from 1 to 1, got 0"),
        (("draw", "Read"), "bound", {"image": 99}, "image must be from 1 to 1, got 99"),
        (("draw", "Generate"), "bound", {}, "use the tab Read"),
        (("draw", "Generate"), "spread", {"glimpse": 1}, "these states have no spread"),
        (("dreg", "Microscope"), "scatter", {"estimator": "rws"}, "choose one of iwae, dreg"),
    ],
)
def test_a_mark_says_what_does_not_fit(where, name, parameters, wanted):
    with pytest.raises(ValueError, match=wanted):
        MARKS[name](run(*where, 0), **parameters)


def test_one_of_two_compared_runs_is_marked():
    states = run("svgd", "Particles", 2, n=6, compare="n", other=9)
    means = [MARKS["mean"](states, side=side) for side in ("left", "right")]
    assert means == pytest.approx([states[-1].left.x.numpy().mean(), states[-1].right.x.numpy().mean()])
    assert means[0] != means[1]

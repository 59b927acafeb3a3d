"""The tab Collapse: its pictures show the particles, and the runs agree with the mathematics of each kernel."""

import math
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from labkit import svgd
from labkit.experiments.svgd import CollapseSettings
from labkit.experiments.svgd.collapse import REMEDIES, conditional_variance, mean_correlation
from labkit.views.stage import Stage
from labkit.views.svgd import CollapseScene
from labkit.views.svgd.collapse import said_of_remedies, said_of_the_law
from labkit.views.svgd.collapse_pictures import LAW, TRUTH, Correlations, Margins, Variances

EVERY = list(REMEDIES)


def after(steps, **settings):
    dimensions = CollapseSettings(**settings)
    state = dimensions.start()
    for _ in range(steps):
        state = dimensions.step(state)
    return state


def final(steps, **settings):
    """name -> the particles of its run, and all mean variances by name."""
    state = after(steps, **settings)
    xs = {name: run.x for name, run in zip(state.names, state.runs, strict=True)}
    return xs, dict(zip(state.names, state.variances.tolist(), strict=True))


def correlations(x):
    """The mean over all pairs."""
    return np.corrcoef(x.numpy().T)[np.triu_indices(x.shape[1], 1)]


# pictures


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings", [{"remedies": EVERY, "n": 10}, {"dim": 1, "target": "correlated"}, {"dim": 3, "target": "correlated"}]
)
def test_every_layer_has_columns_and_a_source(settings):
    dimensions, state = CollapseSettings(**settings), after(3, **settings)
    for view in (Variances(dimensions), Margins(), Correlations(dimensions)):
        found, stage = view.columns(state), Stage()
        assert set(found) == {layer.label for layer in view.picture(state)}
        stage.show(view, state, lambda figure: None)
        stage.pane.get_root()
        stage.patch(found)  # no KeyError
        assert set(state.names) | {TRUTH} <= set(found)


def test_the_numbers_in_the_pictures_match_the_particles():
    dimensions, state = CollapseSettings(dim=6, n=30, remedies=EVERY), after(4, dim=6, n=30, remedies=EVERY)
    mean, margins, pairs = Variances(dimensions), Margins().columns(state), Correlations(dimensions).columns(state)
    row = mean.record(state)
    for name, run in zip(state.names, state.runs, strict=True):
        variances = run.x.numpy().var(0)
        assert mean.columns(state)[name]["y"][-1] == pytest.approx(variances.mean()) == row[f"variance of {name}"]
        np.testing.assert_allclose(margins[name]["y"], np.sort(variances)[::-1])
        assert pairs[name]["y"][-1] == pytest.approx(correlations(run.x).mean()) == row[f"correlation of {name}"]
        np.testing.assert_array_equal(pairs[name]["x"], np.arange(5))
    assert len({tuple(columns["y"]) for columns in pairs.values()}) == len(pairs)


def test_the_fixed_lines_are_the_truth_and_the_law_below_one():
    found = Variances(CollapseSettings(dim=20, n=100)).columns(after(2))
    np.testing.assert_allclose(found[LAW]["y"], math.log(101) / 20)
    assert found[TRUTH]["y"].tolist() == [1, 1] and found[TRUTH]["x"].tolist() == [0, 2]
    for silent in ({"dim": 4}, {"target": "correlated"}):
        assert LAW not in Variances(CollapseSettings(**silent)).columns(after(0, **silent))
    tied = CollapseSettings(dim=3, target="correlated")
    assert Correlations(tied).columns(after(0, dim=3, target="correlated"))[TRUTH]["y"].tolist() == [0.9, 0.9]


def test_one_dimension_has_no_correlations():
    assert math.isnan(mean_correlation(torch.randn(20, 1)))
    scene = CollapseScene(CollapseSettings(dim=1))
    assert [type(view) for view in scene.live.views] == [Variances, Margins]
    scene.live.close()


# runs


@pytest.mark.slow
@pytest.mark.parametrize(("dim", "wanted"), [(2, 0.92), (5, 0.71), (20, 0.19), (50, 0.09)])
def test_rbf_collapses_by_the_known_figures(dim, wanted):
    """100 particles, steps 151 to 200. Tolerance: half of the last digit, and .01 for a jitter of about Adagrad's
    step.
    """
    found = after(200, dim=dim, remedies=["rbf"]).trail[-50:, 1].mean()
    assert abs(found - wanted) < 0.015


@pytest.mark.slow
def test_a_kernel_per_dimension_keeps_the_variance_without_correlations():
    """It keeps .97 of it in 20 dimensions, a known value."""
    assert abs(final(80, remedies=["per-dimension"])[1]["per-dimension"] - 0.97) < 0.015


@pytest.mark.slow
def test_the_linear_kernel_has_the_exact_covariance_for_more_than_d_particles():
    """Adagrad's jitter changes each standard deviation by .05. Fewer particles span n - 1 of D dimensions."""
    x = final(500, dim=5, n=40, target="correlated", remedies=["linear"])[0]["linear"]
    assert x.mean(0).abs().max() < 0.05
    np.testing.assert_allclose(np.cov(x.numpy().T, bias=True), 0.1 * np.eye(5) + 0.9, atol=0.1)
    assert final(300, dim=20, n=10, remedies=["linear"])[1]["linear"] == pytest.approx(9 / 20, rel=0.1)


@pytest.mark.slow
def test_per_dimension_finds_no_correlations_and_rests_at_the_conditional_variance():
    """This is 1 / P_aa = (1 - r)(1 + (D - 1) r) / (1 + (D - 2) r) at a correlation r of any two coordinates."""
    settings = {"dim": 5, "target": "correlated", "remedies": ["rbf", "per-dimension"]}
    exact = 0.1 * (1 + 4 * 0.9) / (1 + 3 * 0.9)
    assert conditional_variance(CollapseSettings(**settings).density(0.9)) == pytest.approx(exact)
    xs, variances = final(150, **settings)
    assert variances["per-dimension"] == pytest.approx(exact, rel=0.1)
    assert correlations(xs["per-dimension"]).mean() < 0.1 < 0.85 < correlations(xs["rbf"]).mean()


@pytest.mark.slow
def test_per_dimension_keeps_its_initial_correlations():
    """Along the flow, a coordinate moves by a function of it alone: no two particles overtake each other."""
    settings = {"dim": 3, "n": 30, "target": "correlated", "begin": "the target", "remedies": ["per-dimension"]}
    xs, variances = final(150, **settings)
    assert correlations(xs["per-dimension"]).mean() > 0.8 and variances["per-dimension"] > 0.8
    first, dimensions = after(0, **settings), CollapseSettings(**settings)
    run = first.runs[0]
    for _ in range(100):
        run = svgd.step(run, dimensions.density(0.9), kernel=svgd.PerDimension(), optimizer=svgd.Plain(0.05))
    assert torch.equal(run.x.argsort(0), first.runs[0].x.argsort(0))
    assert not torch.allclose(run.x, first.runs[0].x, atol=0.01)


# settings


def test_all_runs_start_at_the_same_draws_and_the_seed_determines_them():
    state, again, other = (after(0, n=12, remedies=EVERY, seed=seed) for seed in (3, 3, 4))
    assert [run.x.shape for run in state.runs] == [(12, 20)] * 5 + [(48, 20)]
    assert all(torch.equal(run.x[:12], again.runs[0].x) for run in state.runs)
    assert not torch.equal(state.runs[0].x, other.runs[0].x)


def test_every_setting_acts():
    plain = after(1, n=20)
    for name, value in {"target": "correlated", "begin": "the target", "seed": 1}.items():
        changed = after(1, **{"n": 20, "target": "correlated" if name == "begin" else "independent", name: value})
        assert not torch.equal(changed.runs[0].x, plain.runs[0].x), name
    assert (after(0, n=10, dim=3).runs[0].x.shape, after(0, remedies=["imq"]).names) == ((10, 3), ("imq",))
    both = after(30, n=20, dim=10, remedies=EVERY)
    assert len({round(float(v), 3) for v in both.variances}) == len(EVERY)  # no two remedies are the same


def test_a_step_keeps_its_input_unchanged():
    dimensions = CollapseSettings(dim=3, n=10)
    state = dimensions.start()
    kept = replace(state, trail=state.trail.clone(), runs=tuple(replace(r, x=r.x.clone()) for r in state.runs))
    new = dimensions.step(state)
    assert torch.equal(state.trail, kept.trail) and (state.t, new.t, len(new.trail)) == (0, 1, 2)
    assert all(torch.equal(one.x, other.x) for one, other in zip(state.runs, kept.runs, strict=True))


def test_without_a_kernel_the_page_says_what_to_do_and_continues_with_one():
    scene = CollapseScene(CollapseSettings(dim=3, n=10))
    wait(scene, lambda frame: frame.state is not None)
    scene.settings.remedies = []
    wait(scene, lambda frame: "no kernel is chosen" in frame.error)
    scene.settings.remedies = ["imq"]
    wait(scene, lambda frame: not frame.error and frame.state.names == ("imq",))
    scene.live.close()


def wait(scene, wanted):
    for _ in range(500):
        if wanted(scene.live.run.frame):
            return
        time.sleep(0.01)
    raise AssertionError(scene.live.run.frame)


# the text


def test_the_text_gives_the_numbers_of_the_law():
    """At D = 5: e^5 - 1 = 147.4; at D = 20: 4.85e8; log(101)/20 = .2308."""
    scene = CollapseScene(CollapseSettings(dim=5))
    words = scene.remark.object
    scene.live.close()
    assert "= 0.92" in words and "= 147 particles" in words and "misses correlations" in words
    assert "is 2.3 here" in said_of_the_law(CollapseSettings(dim=2))
    assert "4.9 &times; 10<sup>8</sup>" in said_of_the_law(CollapseSettings())
    assert "n &ge; D + 1 = 101" in said_of_remedies(CollapseSettings(dim=100))
    assert "are fixed, 0.12," in said_of_remedies(CollapseSettings(dim=5, target="correlated"))
    more = said_of_remedies(CollapseSettings(remedies=["rbf, 4n"]))
    assert f"adds {math.log(401 / 101) / 20:.2g} of variance" in more and "16 times" in more

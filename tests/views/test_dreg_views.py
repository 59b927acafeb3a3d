"""The pictures of DReG: bands contain the truth as often as they claim, curves are exact, and one sample adds up."""

import csv
import io
import math
import re

import numpy as np
import pytest
import torch

from labkit.dreg import ESTIMATORS
from labkit.experiments import titles
from labkit.experiments.dreg.microscope import MicroscopeSettings
from labkit.experiments.dreg.variance import VarianceSettings
from labkit.views.dreg import STYLES, MicroscopeScene, Scaling, VarianceScene, remarks, save_csv, style_of
from labkit.views.dreg.microscope import GradientTerms, layer
from labkit.views.dreg.scaling import BAND, GAP, MARKERS, NAME, apart, limits, words

SMALL = {"dim": 3, "estimators": ["iwae", "stl", "dreg", "jk"]}


def measured(settings, steps):
    state = settings.start()
    for _ in range(steps - 1):
        state = settings.step(state)
    return state


def test_the_picture_and_the_table_report_a_missing_band():
    settings = VarianceSettings((1, 64), 64, dim=2, variance=0.45, estimators=["iwae", "dreg"])
    view, state, target = Scaling(settings), measured(settings, 20), io.BytesIO()
    view.picture(state)
    columns = view.columns(state)
    assert columns["dreg" + NAME]["text"][0] == "DReG, no band at K = 64"
    assert columns["iwae" + NAME]["text"][0] == "IWAE" and len(columns["iwae" + BAND]["x"]) == 4
    save_csv(state, target)
    rows = {(row["estimator"], row["K"]): row for row in csv.DictReader(io.StringIO(target.getvalue().decode()))}
    assert rows["dreg", "64"]["variance_low"] == rows["dreg", "64"]["variance_high"] == ""
    assert float(rows["dreg", "64"]["variance"]) > 0 and float(rows["iwae", "64"]["variance_low"]) > 0


def test_of_equal_lines_the_lower_one_is_wider_so_that_both_are_visible():
    state = measured(VarianceSettings((1, 4), 8, **SMALL), 1)
    layers = {layer.label: layer.opts.get("style").kwargs for layer in Scaling(VarianceSettings()).picture(state)}
    lines, marks = ([layers[name + part] for name in SMALL["estimators"]] for part in ("", MARKERS))
    widths, sizes = [line["line_width"] for line in lines], [mark["size"] for mark in marks]
    assert widths == sorted(set(widths), reverse=True) and sizes == sorted(set(sizes), reverse=True)
    order = [label for label in layers if label in SMALL["estimators"]]
    assert order == SMALL["estimators"]  # the lowest first


# names and axes


def test_a_name_has_its_slope_or_says_that_there_is_no_slope():
    assert words("dreg", math.nan, 0.0) == "DReG = 0"
    assert words("rws-dreg", -0.974, 1e-3) == "RWS-DReG −0.97" and words("stl", 0.5, 1.0) == "STL +0.50"


def test_the_snr_names_the_estimators_without_noise_where_q_is_the_posterior():
    """Only iwae has noise there, and the true gradient is 0. An SNR of 0/0 has no place on the axis, its name does."""
    settings = VarianceSettings((1, 64), 8, snap=True, quantity="SNR", estimators=["iwae", "dreg", "stl"])
    view, state = Scaling(settings), measured(settings, 2)
    columns = view.columns(state)
    texts = [columns[f"{name}, its name"]["text"][0] for name in state.estimators]
    assert texts == ["IWAE = 0", "STL: no noise", "DReG: no noise"]
    assert all(np.isfinite(columns[f"{name}, its name"]["y"]).all() for name in state.estimators)
    assert "STL has no noise and DReG has no noise" in view.describe(state)


def test_names_are_spaced_apart_in_the_order_of_their_lines():
    got = apart([1e-3, 1.01e-3, 1.0, math.nan, 1e-3], (1e-3, 1.0))
    at = np.log10(got) / 3 + 1
    assert np.isnan(at[3]) and at[2] > at[1]
    rest = np.sort(at[[0, 1, 2, 4]])
    assert (np.diff(rest) > GAP - 1e-12).all() and rest[0] >= 0 and rest[-1] <= 1
    many = np.log10(apart([0.5] * 13, (0.1, 1.0))) + 1
    assert (np.diff(np.sort(many)) > 0.05).all() and many.min() >= 0 and many.max() <= 1


def test_limits_are_decades_that_contain_everything():
    state = measured(VarianceSettings((1, 64), 8, dim=2), 2)
    low, high = limits(state, "variance")
    shown = torch.cat([state.values("variance"), state.truths("variance")])
    assert low < shown[shown > 0].min() and shown.max() < high
    assert math.log10(low) % 1 == math.log10(high) % 1 == 0
    assert limits(measured(VarianceSettings((1, 64), 8, snap=True), 2), "bias") == (0.1, 1.0)


def test_every_estimator_has_its_own_look():
    assert STYLES.keys() <= ESTIMATORS.keys() and len(set(map(style_of, ESTIMATORS))) == len(ESTIMATORS)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ((20, 0.28, 0.375), "DReG no longer falls like K<sup>&minus;3</sup>"),
        ((20, 0.28, 0.4375), "bands appear late or never"),
        ((20, 0.28, 0.25), "IWAE no longer falls like K<sup>&minus;1</sup>"),
        ((20, 0.0, 0.5), "exactly 0"),
    ],
)
def test_each_setting_that_breaks_an_estimator_is_explained(where, said):
    assert said in remarks(*where, "variance")
    assert "bands appear late" not in remarks(20, 0.28, 0.44, "variance")
    assert remarks(20, 0.28, 2 / 3, "variance").startswith("The samples have different weights")
    assert "as good as 0.48 K samples" in remarks(20, 0.28, 2 / 3, "bias") and "reaches the bottom" not in remarks(
        *where, "SNR"
    )


# the pictures


@pytest.mark.parametrize(("quantity", "snap"), [("variance", False), ("bias", True)])
def test_columns_of_the_law_match_its_layers(quantity, snap, stood, check):
    settings = VarianceSettings((1, 64, 128), 8, dim=3, estimators=["dreg", "jk"], quantity=quantity, snap=snap)
    view, state = Scaling(settings), settings.start()
    stage = stood(view, state)
    for _ in range(2):
        check(view, stage, state)
        state = settings.step(state)


def test_lines_show_the_values_and_bands_contain_them():
    settings = VarianceSettings((2, 64, 128), 16, **SMALL)
    view, state = Scaling(settings), measured(settings, 12)
    view.picture(state)
    columns, values = view.columns(state), state.values("variance")
    for i, name in enumerate(state.estimators):
        assert np.allclose(columns[name]["y"], values[i]) and columns[name]["x"].tolist() == [2, 64, 128]
        band = columns[name + ", its band"]
        low, high = (end[i].numpy() for end in state.interval("variance"))
        assert np.allclose(band["y"], [*low, *high[::-1]]) and band["x"].tolist() == [2, 64, 128, 128, 64, 2]
        assert columns[name + NAME]["text"][0].startswith(f"{titles.estimator(name)} −")
    exact = columns["exact"]["y"]
    assert np.allclose(exact[:3], state.truths("variance")[0]) and np.isnan(exact[3])


# the microscope


@pytest.mark.parametrize("params", [{"k": 1}, {"distance": 0.0, "variance": 0.5}])
@pytest.mark.slow
def test_columns_of_the_microscope_match_its_layers(params, stood, check):
    scene = MicroscopeScene(MicroscopeSettings(**params))
    try:
        state = scene.settings.start()
        stages = [stood(view, state) for view in scene.views()]
        for _ in range(2):
            for view, stage in zip(scene.views(), stages, strict=True):
                check(view, stage, state)
            state = scene.settings.step(state)
    finally:
        scene.live.close()


@pytest.mark.parametrize("beside", ["dreg", "jk"])
def test_the_chains_start_at_zero_and_end_at_the_gradients(beside):
    settings = MicroscopeSettings(estimator=beside)
    state = settings.start()
    columns = GradientTerms(settings).columns(state)
    for i, name in enumerate(("iwae", beside)):
        x, first = columns[layer(name)]["x"], int(state.w.argmax())
        assert x[0] == 0 and x[1] == pytest.approx(float(state.terms[i, first, 0]))
        assert x[-1] == pytest.approx(float(state.gradients[-1, i, 0])) == columns[name]["x"][0]


# the tab


@pytest.mark.slow
def test_another_quantity_keeps_the_run_and_another_proposal_restarts_it():
    scene = VarianceScene(VarianceSettings((1, 4), 8, dim=2))
    try:
        scene.live.run.once()
        count = scene.live.run.past(lambda past: past.states[-1].total.n)
        assert count == 16
        scene.settings.quantity = "SNR"
        assert scene.live.run.past(lambda past: past.states[-1].total.n) == 16
        assert scene.live.views[0].quantity == "SNR"
        scene.settings.variance = 0.3
        assert scene.live.run.past(lambda past: (len(past.states), past.states[-1].toy.variance)) == (1, 0.3)
        assert "no longer falls" in scene.remark.object
    finally:
        scene.live.close()


def test_the_tooltip_of_the_estimators_names_each_in_the_group_of_its_bias():
    tip = VarianceScene(VarianceSettings((1, 64), 8, **SMALL)).live.remote.tips["IWAE (plain gradient)"]
    _, unbiased, biased, others = re.split("Unbiased for the gradient of L:|Biased:|For another goal:", tip)

    def explained(part):
        return set(re.findall(r"[a-z]+(?:-[a-z]+)*", re.sub(r"\(.*?\)", "", part.lower()))) & set(ESTIMATORS)

    assert explained(unbiased) == {name for name, each in ESTIMATORS.items() if each.steady}
    assert explained(biased) == {"stl", "dreg-norm", "dreg-alpha"}
    assert explained(unbiased) | explained(biased) | explained(others) == set(ESTIMATORS)

"""Newly registered names are drawn on every tab that offers them."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from labkit import svgd, targets
from labkit.dreg import ESTIMATORS, Estimator, bounds
from labkit.experiments.dreg import BiasSettings, MicroscopeSettings, RaceSettings, VarianceSettings
from labkit.experiments.svgd import ClassificationSettings, CollapseSettings, ComparisonSettings, ParticlesSettings
from labkit.experiments.svgd import classification as classifier
from labkit.views.dreg import (
    STYLES,
    BiasScene,
    MicroscopeScene,
    RaceScene,
    VarianceScene,
    style_of,
)
from labkit.views.dreg.microscope import layer
from labkit.views.svgd import ClassificationScene, CollapseScene, ParticlesScene
from labkit.views.svgd.collapse_pictures import style_of as remedy_style

pytestmark = pytest.mark.usefixtures("without_pictures")  # except those that a test shows with `stood`


@pytest.fixture
def mine(monkeypatch):
    monkeypatch.setitem(ESTIMATORS, "mine", Estimator(lambda s: (s.w**1.5, 0), unbiased=False))
    return "mine"


def drawn(scene, stood, check):
    """Show every picture of a scene and compare its columns with its layers, also after a step."""
    settings = scene.settings
    try:
        state = settings.start()
        stages = [stood(view, state) for view in scene.views()]
        for each in (state, settings.step(state)):
            for view, stage in zip(scene.views(), stages, strict=True):
                check(view, stage, each)
        assert scene.status(state)
        return scene.remarks()
    finally:
        scene.live.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (VarianceScene, lambda name: VarianceSettings((1, 4), 8, dim=2, estimators=["iwae", name])),
        (MicroscopeScene, lambda name: MicroscopeSettings(estimator=name)),
        (BiasScene, lambda name: BiasSettings(estimator=name, dim=2)),
        (RaceScene, lambda name: RaceSettings(estimators=["iwae", name], k=2, batch=4)),
    ],
)
def test_a_new_estimator_is_drawn_on_every_tab_of_dreg(kind, settings, mine, stood, check):
    scene = kind(settings(mine), play=False)
    assert any("mine" in each.options for each in scene.controls() if hasattr(each, "options"))
    drawn(scene, stood, check)


def test_new_estimators_have_their_own_styles(monkeypatch):
    for i in range(12):
        monkeypatch.setitem(ESTIMATORS, f"mine {i}", ESTIMATORS["dreg"])
    every = [style_of(name) for name in ESTIMATORS]
    assert len(set(every)) == len(every) and every[0] == STYLES["iwae"]


def test_texts_follow_the_row_of_an_estimator(mine, monkeypatch):
    """Another bound, a bias, or neither: in the meter and under the microscope."""
    said = {}
    for name, row in (
        ("mine", ESTIMATORS["mine"]),
        ("bound", replace(ESTIMATORS["iwae"], bound=bounds.elbo)),
        ("good", replace(ESTIMATORS["iwae"])),
    ):
        monkeypatch.setitem(ESTIMATORS, name, row)
        meter, lens = BiasSettings(estimator=name), MicroscopeSettings(estimator=name)
        said[name] = [
            BiasScene.remarks(SimpleNamespace(settings=meter)),
            MicroscopeScene.remarks(SimpleNamespace(settings=lens)),
        ]
    assert ["another bound" in words[0] for words in said.values()] == [False, True, False]
    assert "mine is biased" in said["mine"][1] and "another bound" in said["bound"][1]
    assert "another point" not in said["good"][1]
    assert layer("mine") == "mine: Σ of its terms" and layer("dreg") == "DReG: Σ w̃² G"


def test_a_new_target_and_kernel_are_drawn_on_the_particles_tab(monkeypatch, stood, check):
    monkeypatch.setitem(targets.TARGETS, "mine", lambda: targets.from_log_prob(lambda x: -(x**4).sum(-1), dim=2))
    monkeypatch.setitem(svgd.KERNELS, "mine", svgd.IMQ())
    settings = ComparisonSettings(ParticlesSettings(n=5, target="mine", begin_mean=0.0), compare="kernel", other="mine")
    drawn(ParticlesScene(settings, play=False), stood, check)


def test_every_kernel_of_the_registry_has_its_own_style_among_the_remedies(monkeypatch, stood, check):
    monkeypatch.setitem(svgd.KERNELS, "mine", svgd.IMQ())
    settings = CollapseSettings(dim=3, n=10)
    every = list(settings.param.remedies.objects)
    assert {*svgd.KERNELS, "mine"} <= set(every) and len({remedy_style(name) for name in every}) == len(every)
    settings.remedies = ["rbf", "matern32", "mine"]
    drawn(CollapseScene(settings, play=False), stood, check)


def test_features_without_a_description_are_drawn(monkeypatch, stood, check):
    monkeypatch.setitem(classifier.FEATURES, "mine", classifier.linear)
    said = drawn(ClassificationScene(ClassificationSettings(features="mine", n=4), play=False), stood, check)
    plain = ClassificationScene.remarks(SimpleNamespace(settings=ClassificationSettings(features="linear")))
    assert said == "" and "cannot separate two moons" in plain


@pytest.mark.parametrize(("name", "moves"), [("mine", False), ("mixture", True)])
def test_only_modes_in_the_settings_can_be_dragged(name, moves, monkeypatch):
    monkeypatch.setitem(targets.TARGETS, "mine", targets.Mixture)
    scene = ParticlesScene(ParticlesSettings(n=3, target=name), play=False)
    try:
        line, before = scene.views()[0], list(scene.settings.run.means)
        x, height = line.handles()[0].tolist()
        pointer = scene.pointer("left", line)
        pointer.grab(x, height)
        pointer.drag(x + 1, height)
        assert (scene.settings.run.means != before) is moves
    finally:
        scene.live.close()

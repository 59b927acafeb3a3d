"""The Python that a page offers: run in an empty namespace, it gives the page's settings and its state, bit for bit."""

import dataclasses
import re
from types import SimpleNamespace

import pytest
import torch

import labkit
from labkit.serving import pages, studio
from labkit.views import recipe

CHANGES = {
    "svgd Particles": {"target": "banana", "n": 7, "kernel": "imq", "step_size": 1 / 3, "shape": {"curvature": 0.3}},
    "svgd Regression": {"data": "cubic", "n": 3, "hidden": 2, "seed": 4},
    "svgd Classification": {"features": "quadratic", "n": 5, "held": 0.5},
    "svgd Collapse": {"dim": 3, "n": 12},
    "draw Generate": {"n": 2, "temperature": 0.5, "seed": 3},
    "draw Read": {"digit": 7, "seed": 2},
    "draw Attention lab": {"n": 3, "center_x": 10.0},
    "dreg Variance against samples": {"estimators": ["dreg", "stl"], "dim": 3, "quantity": "SNR"},
    "dreg Microscope": {"k": 3, "seed": 5},
    "dreg Bias meter": {"k": 3, "seed": 5},
    "dreg Alpha dial": {"alpha": 0.25, "k": 2},
}
SLOW = {  # their steps take long, and are not compared here
    "draw Learn": {"lr": 0.003, "seed": 2},
    "draw Latents": {"t": 4, "n": 3},
    "dreg Race": {"k": 3, "lr": 1 / 3},
    "dreg Network": {"quantity": "SNR", "estimators": ["dreg"]},
}
TABS = {f"{page.name} {tab.title}": tab for page in pages.listing() for tab in getattr(pages.load(page), "TABS", ())}


@pytest.fixture
def opened(without_pictures):
    """opened(name) -> the scene of a tab as a page builds it."""
    made = []

    def build(name):
        tab = TABS[name]
        if name.startswith("draw"):
            network = tab.scene.network or "draw-small"
            scene = tab.scene(labkit.load_checkpoint(network))
            scene.loads = studio.loads(network, "cpu")
        else:
            scene = tab.scene(tab.settings())
        made.append(scene)
        return scene

    yield build
    for scene in made:
        scene.live.close()


def run(code):
    """The names that the code defines."""
    names = {}
    exec(compile(code, "share", "exec"), names)
    return SimpleNamespace(**names)


def change(scene, values):
    """Set each value in the settings that have this name."""
    for owner in scene.settings.owners:
        owner.param.update(**{key: value for key, value in values.items() if key in owner.param})
    assert all(
        any(getattr(owner, key, None) == value for owner in scene.settings.owners) for key, value in values.items()
    )


def after(settings, steps):
    state = settings.start()
    for _ in range(steps):
        state = settings.step(state)
    return state


def tensors(value):
    """All tensors and numbers in a state."""
    if isinstance(value, torch.Tensor):
        return [value]
    if dataclasses.is_dataclass(value):
        return [each for field in dataclasses.fields(value) for each in tensors(getattr(value, field.name))]
    if isinstance(value, tuple | list):
        return [each for part in value for each in tensors(part)]
    return [torch.tensor(value)] if isinstance(value, int | float) else []


def assert_same(one, other):
    pairs = list(zip(tensors(one), tensors(other), strict=True))
    assert len(pairs) > 2
    assert all(
        torch.equal(a, b) or (a != a).eq(b != b).all() and torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in pairs
    )


def test_every_tab_is_tested():
    assert {*CHANGES, *SLOW} == {*TABS}


@pytest.mark.parametrize("name", CHANGES)
def test_the_python_of_a_tab_repeats_its_run(opened, name):
    scene = opened(name)
    change(scene, CHANGES[name])
    code = recipe.of_run(type(scene), scene.repeated(), 3, scene.loads)
    assert all(f"{key}=" in code for key in CHANGES[name]) and len(code.splitlines()) < 20
    found = run(code)
    assert recipe.changed(found.settings) == recipe.changed(scene.repeated())
    assert_same(found.state, after(scene.repeated(), 3))


@pytest.mark.parametrize("name", SLOW)
def test_the_python_of_a_tab_with_slow_steps_gives_its_settings(opened, name):
    scene = opened(name)
    change(scene, SLOW[name])
    shown = scene.made[scene.settings.experiment] if name == "draw Latents" else scene
    code = scene.code() if shown is not scene else recipe.of_run(type(scene), scene.repeated(), 0, scene.loads)
    found = run(re.split(r"^(?:\*_, )?state =", code, maxsplit=1, flags=re.MULTILINE)[0])
    assert SLOW[name].items() <= found.settings.param.values().items()
    assert recipe.changed(found.settings) == recipe.changed(shown.settings)

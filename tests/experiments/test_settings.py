"""The base class of settings: what it declares, and that every settings class extends it."""

import importlib
import inspect
import pkgutil

import param
import pytest

from labkit import experiments
from labkit.experiments.settings import ExperimentSettings, Linkable, beyond_softbounds

SHARED = {"ExperimentSettings", "SharedSettings"}  # base classes, which run nothing alone


def settings_classes():
    """Every class of labkit.experiments whose name ends in Settings."""
    found = {}
    for module in pkgutil.walk_packages(experiments.__path__, "labkit.experiments."):
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if name.endswith("Settings") and kind.__module__ == module.name:
                found[name] = kind
    return found


def test_every_settings_class_is_declared_and_can_start_and_step():
    found = settings_classes()
    assert len(found) > 20 and all(issubclass(kind, ExperimentSettings) for kind in found.values())
    runs = [kind for name, kind in found.items() if name not in SHARED]
    for method in ("start", "step"):
        assert [k for k in runs if getattr(k, method) is getattr(ExperimentSettings, method)] == []


def test_settings_own_their_parameters_and_refuse_nothing_by_default():
    class Quiet(ExperimentSettings):
        n = param.Integer(1)

    quiet = Quiet()
    assert quiet.owners == (quiet,) and quiet.refuses("n", 5, {"n": 5}) == "" and Linkable().refuses("n", 1, {}) == ""


def test_values_beyond_the_soft_bounds_are_named():
    class Wide(Linkable):
        n = param.Integer(100, bounds=(1, None), softbounds=(2, 2000))
        x = param.Number(0.0)
        name_of = param.String("a")

    p = Wide().param
    assert beyond_softbounds(p.n, 2000) == beyond_softbounds(p.x, 1e9) == beyond_softbounds(p.name_of, "b") == ""
    assert beyond_softbounds(p.n, 2001) == "must be at most 2000, not 2001"
    assert beyond_softbounds(p.n, 1) == "must be at least 2, not 1"


@pytest.mark.parametrize("call", ["start()", "step(state)", "evaluate(state)"])
def test_missing_parts_of_a_settings_class_are_named(call):
    class Empty(ExperimentSettings):
        pass

    name, arguments = call.removesuffix(")").split("(")
    with pytest.raises(NotImplementedError, match=f"Empty must define {name}"):
        getattr(Empty(), name)(*filter(None, [arguments]))

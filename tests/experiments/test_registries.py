"""A name that is registered after all imports is listed by the next settings, and it runs."""

from dataclasses import dataclass, replace

import pytest
import torch

from labkit import svgd, targets
from labkit.dreg import ESTIMATORS
from labkit.experiments.dreg import (
    BiasSettings,
    MicroscopeSettings,
    NetworkSettings,
    RaceSettings,
    VarianceSettings,
)
from labkit.experiments.settings import ExperimentSettings, RegistryListSelector, RegistrySelector
from labkit.experiments.svgd import (
    ClassificationSettings,
    CollapseSettings,
    ComparisonSettings,
    ParticlesSettings,
    RegressionSettings,
    classification,
    classification_data,
    collapse,
    particles,
    regression_data,
)
from labkit.svgd.kernels import Radial

LISTS = [
    (ESTIMATORS, VarianceSettings, "estimators"),
    (ESTIMATORS, RaceSettings, "estimators"),
    (ESTIMATORS, NetworkSettings, "estimators"),
    (ESTIMATORS, BiasSettings, "estimator"),
    (ESTIMATORS, MicroscopeSettings, "estimator"),
    (targets.TARGETS, ParticlesSettings, "target"),
    (svgd.KERNELS, ParticlesSettings, "kernel"),
    (svgd.RULES, ParticlesSettings, "bandwidth"),
    (svgd.OPTIMIZERS, ParticlesSettings, "optimizer"),
    (particles.TEMPERS, ParticlesSettings, "temper"),
    (svgd.KERNELS, ClassificationSettings, "kernel"),
    (classification.FEATURES, ClassificationSettings, "features"),
    (classification_data.SETS, ClassificationSettings, "data"),
    (svgd.KERNELS, RegressionSettings, "kernel"),
    (regression_data.SETS, RegressionSettings, "data"),
    (svgd.KERNELS, CollapseSettings, "remedies"),
    (collapse.REMEDIES, CollapseSettings, "remedies"),
]


@pytest.mark.parametrize(("registry", "kind", "parameter"), LISTS)
def test_a_new_name_is_in_the_next_settings_until_it_is_removed(registry, kind, parameter, monkeypatch):
    monkeypatch.setitem(registry, "toy", next(iter(registry.values())))
    several = isinstance(kind.param[parameter], RegistryListSelector)
    assert "toy" in kind().param[parameter].objects
    assert getattr(kind(**{parameter: ["toy"] if several else "toy"}), parameter) == (["toy"] if several else "toy")
    monkeypatch.undo()
    assert "toy" not in kind().param[parameter].objects


def test_older_settings_keep_their_list_and_no_name_is_listed_twice():
    registry, more = {"a": 1, "b": 2}, ["b", "c"]

    class Chosen(ExperimentSettings):
        name_of = RegistrySelector(registry, more, default="b", without="a")

    one = Chosen()
    assert list(one.param.name_of.objects) == ["b", "c"] and one.name_of == "b"
    registry["d"] = 3
    assert list(Chosen().param.name_of.objects) == ["b", "d", "c"] and list(one.param.name_of.objects) == ["b", "c"]
    with pytest.raises(ValueError, match="'a'"):
        Chosen(name_of="a")


# SVGD


@dataclass(frozen=True)
class Cauchy(Radial):
    """k = 1 / (1 + u), a kernel that labkit does not have."""

    def f(self, u):
        return 1 / (1 + u)

    def f_w_q(self, u):
        f = 1 / (1 + u)
        return f, 2 * f**2, 8 * u * f**3


def length(x):
    """Half the mean distance from the mean."""
    return (x - x.mean(-2, keepdim=True)).norm(dim=-1).mean(-1) / 2


def log_p(x):
    return -(x**4).sum(-1) / 4


@pytest.fixture
def mine(monkeypatch):
    """A new kernel, rule, optimiser and target."""
    monkeypatch.setitem(svgd.KERNELS, "mine", Cauchy())
    monkeypatch.setitem(svgd.RULES, "mine", length)
    monkeypatch.setitem(svgd.OPTIMIZERS, "mine", lambda step_size: lambda phi, memory: (step_size * phi.sign(), None))
    monkeypatch.setitem(targets.TARGETS, "mine", lambda: targets.from_log_prob(log_p, dim=2, name="quartic"))
    return dict.fromkeys(("kernel", "bandwidth", "optimizer", "target"), "mine")


def test_a_run_of_new_parts_equals_one_of_the_library(mine):
    settings = ParticlesSettings(n=7, begin_mean=0.5, step_size=0.1, **mine)
    state = settings.start()
    wanted = svgd.start(state.x, lambda x: -(x**3), kernel=Cauchy(), bandwidth=length)
    for _ in range(3):
        state = settings.step(state)
        wanted = svgd.step(
            wanted, lambda x: -(x**3), kernel=Cauchy(), bandwidth=length, optimizer=lambda p, m: (0.1 * p.sign(), None)
        )
    assert torch.allclose(state.x, wanted.x) and torch.allclose(state.ksd, wanted.ksd)
    assert torch.allclose(state.bandwidth, length(state.x))


def test_a_second_run_may_differ_in_a_new_part(mine):
    comparison = ComparisonSettings(ParticlesSettings(n=5), compare="kernel", other="mine")
    pair = comparison.step(comparison.start())
    assert torch.equal(comparison.start().left.x, comparison.start().right.x)
    assert not torch.equal(pair.left.x, pair.right.x)


def test_a_new_target_without_a_sampler_is_refused_as_a_start(mine):
    with pytest.raises(ValueError, match="quartic has no sampler to start from; choose a normal or a uniform start"):
        ParticlesSettings(target="mine", begin="target").start()


def test_a_new_target_needs_a_dimension_and_a_plot_range(monkeypatch):
    monkeypatch.setitem(targets.TARGETS, "mine", lambda: targets.from_log_prob(log_p))
    with pytest.raises(ValueError, match="needs a dimension and a plot range, got mine without"):
        ParticlesSettings(target="mine").start()


def test_a_new_kernel_runs_next_to_the_remedies(monkeypatch):
    monkeypatch.setitem(svgd.KERNELS, "mine", replace(svgd.RBF()))
    settings = CollapseSettings(remedies=["mine", "rbf"], dim=3, n=10)
    state = settings.step(settings.start())
    assert state.names == ("rbf", "mine") and torch.equal(state.runs[0].x, state.runs[1].x)

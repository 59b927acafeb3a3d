"""The names of a registry are in the pages' lists, in the help texts and on the command lines, without other edits."""

import csv
import importlib
import subprocess
import sys

import pytest

from labkit.cli import main, names
from labkit.cli.svgd import asked
from labkit.dreg import ESTIMATORS, Estimator
from labkit.experiments.svgd import ParticlesSettings
from labkit.targets import LISTS, TARGETS, Mixture

TOYS = """
from labkit import dreg, svgd, targets
svgd.KERNELS["toy-kernel"] = svgd.IMQ()
svgd.RULES["toy-rule"] = svgd.RULES["median"]
svgd.OPTIMIZERS["toy-optimizer"] = svgd.Plain
targets.TARGETS["toy-target"] = targets.TARGETS["banana"]
dreg.ESTIMATORS["toy-estimator"] = dreg.ESTIMATORS["iwae"]
"""
COMMAND = """
import sys
from labkit.cli import main
sys.exit(main(sys.argv[1:]))
"""
PAGES = """
import panel as pn
import holoviews as hv
hv.extension("bokeh")
from labkit.views.dreg import VarianceScene
from labkit.views.svgd import ParticlesScene
for scene in (ParticlesScene, VarianceScene):
    for widget in pn.Column(*scene(play=False).controls()).select(pn.widgets.Widget):
        print(*[name for name in getattr(widget, "options", []) if "toy" in str(name)])
"""


def said(script, *arguments):
    """The output of a process whose registries have one more entry each."""
    line = [sys.executable, "-c", TOYS + script, *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_new_entry_of_a_registry_is_in_the_lists_of_the_pages():
    assert set(said(PAGES).split()) == {"toy-kernel", "toy-rule", "toy-optimizer", "toy-target", "toy-estimator"}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["svgd", "dreg"])
def test_a_new_entry_of_a_registry_is_in_the_help(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    wanted = {"svgd": ["toy-kernel", "toy-rule", "toy-optimizer", "toy-target"], "dreg": ["toy-estimator"]}[command]
    text = said(COMMAND, command, "--help")
    assert [name for name in wanted if name not in text] == []


@pytest.mark.slow
def test_the_command_line_accepts_a_new_entry_of_a_registry(tmp_path):
    toys = ["--target", "toy-target", "--kernel", "toy-kernel", "--optimizer", "toy-optimizer"]
    text = said(COMMAND, "svgd", "--particles", 5, "--steps", 3, *toys, "--bandwidth", "toy-rule")
    assert "toy-target: 5 particles, 3 steps" in text


def test_the_names_of_a_registry_replace_its_placeholder_in_a_text():
    assert names.filled("One of {binarisations}.") == "One of stochastic, fixed or grey."
    assert names.filled("No names.") == "No names."


@pytest.mark.parametrize(("module", "registry"), [place for places in names.REGISTRIES.values() for place in places])
def test_the_names_in_the_text_of_a_module_equal_those_of_its_registry(module, registry):
    assert names.written(module, registry) == list(getattr(importlib.import_module(module), registry))


def test_a_registry_without_names_in_the_text_of_its_module_is_an_error():
    with pytest.raises(LookupError, match="must give COMPUTED"):
        names.written("labkit.svgd", "COMPUTED")


def test_any_target_with_modes_gets_those_of_the_run(monkeypatch):
    monkeypatch.setitem(TARGETS, "toy", Mixture)
    monkeypatch.setitem(LISTS, "toy", LISTS["mixture"])
    assert asked._parameters("toy", ["means=-1,1"]) == {"means": [-1, 1], "weights": [0.5, 0.5], "shape": {}}
    run = ParticlesSettings(means=[3.0], weights=[1.0], scale=0.5)
    run.param.target.objects = [*TARGETS]
    run.target = "toy"
    assert run.density().mean.tolist() == [3.0] and run.density().covariance.tolist() == [[0.25]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "options"),
    [
        ("variance", "--replicates 40 --samples 8 --dimensions 2"),
        ("bias", "--replicates 640 --samples 8 --dimensions 2"),
        ("race", "--steps 2 --samples 3 --batch 4"),
    ],
)
def test_a_new_estimator_is_measured_by_every_command_of_dreg(what, options, tmp_path, monkeypatch):
    """All modules are already imported. Only dreg has exact numbers."""
    monkeypatch.setitem(ESTIMATORS, "mine_2", Estimator(lambda s: (s.w**1.5, 0), unbiased=False))
    assert main(["dreg", what, "--estimators", "mine_2,dreg", *options.split(), "--out", str(tmp_path)]) == 0
    with (tmp_path / f"{what}.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["estimator"] for row in rows} == {"mine_2", "dreg"} and (tmp_path / f"{what}.png").stat().st_size > 0
    exact = [name for name in rows[0] if name.endswith("_exact")]
    assert all((row[name] == "") is (row["estimator"] == "mine_2") for row in rows for name in exact)


def test_alpha_is_refused_for_an_estimator_without_it_and_the_others_are_named(monkeypatch, capsys):
    monkeypatch.setitem(ESTIMATORS, "dial", ESTIMATORS["dreg-alpha"])
    assert main(["train", "vae", "--data", "digits", "--estimator", "dreg-cv", "--alpha", "0.5"]) == 2
    assert "--alpha: only --estimator dreg-alpha or dial takes it, not dreg-cv" in capsys.readouterr().err

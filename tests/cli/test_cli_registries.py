"""The names of a registry are in the pages' lists, in the help texts and on the command lines, without other edits."""

import csv
import importlib
import json
import os
import subprocess

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
SHOWN = """
import contextlib, io, json
import panel as pn
import holoviews as hv
from labkit.cli import main
hv.extension("bokeh")
from labkit.views.dreg import VarianceScene
from labkit.views.svgd import ParticlesScene

def said(*words):
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert main([*words]) == 0
    return output.getvalue()

widgets = [w for s in (ParticlesScene, VarianceScene) for w in pn.Column(*s(play=False).controls()).select()]
lists = [str(name) for widget in widgets for name in getattr(widget, "options", [])]
line = ["svgd", "--particles", "5", "--steps", "3", "--target", "toy-target", "--kernel", "toy-kernel"]
line += ["--optimizer", "toy-optimizer", "--bandwidth", "toy-rule"]
print(json.dumps({"lists": lists, "svgd": said("svgd", "--help"), "dreg": said("dreg", "--help"), "run": said(*line)}))
"""
TOY = {"svgd": {"toy-kernel", "toy-rule", "toy-optimizer", "toy-target"}, "dreg": {"toy-estimator"}}


@pytest.fixture(scope="module")
def shown(python):
    """The lists of the pages, two help texts and the output of a run, in a process with one more entry per registry."""
    line = [*python, "-c", TOYS + SHOWN]
    environment = os.environ | {"COLUMNS": "300"}
    return json.loads(subprocess.run(line, capture_output=True, text=True, check=True, env=environment).stdout)


@pytest.mark.slow
def test_a_new_entry_of_a_registry_is_in_the_lists_of_the_pages(shown):
    assert {name for name in shown["lists"] if "toy" in name} == TOY["svgd"] | TOY["dreg"]


@pytest.mark.slow
@pytest.mark.parametrize("command", TOY)
def test_a_new_entry_of_a_registry_is_in_the_help(command, shown):
    assert [name for name in TOY[command] if name not in shown[command]] == []


@pytest.mark.slow
def test_the_command_line_accepts_a_new_entry_of_a_registry(shown):
    assert "toy-target: 5 particles, 3 steps" in shown["run"]


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

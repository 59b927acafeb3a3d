"""Experiments, and the commands that run them, load no display package unless something is shown."""

import json
import subprocess
import sys

import pytest

SHOWING = {"panel", "holoviews", "bokeh", "ipywidgets", "matplotlib"}
COMMANDS = [
    "svgd --particles 5 --steps 3 --csv x.csv --curves c.csv",
    "dreg variance --replicates 40 --estimators dreg --samples 4 --dimensions 2",
    "dreg bias --replicates 64 --estimators dreg --samples 4 --dimensions 2",
    "dreg race -K 2 --batch 4 --steps 1 --estimators dreg",
]
SCRIPT = f"""
import importlib, json, pkgutil, sys
import labkit.experiments as room
from labkit.cli import main
for each in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(each.name)
loaded = lambda: sorted({SHOWING!r} & set(sys.modules))
found = [[len([name for name in sys.modules if name.startswith(room.__name__)]), loaded()]]
found += [[main(line.split()), loaded()] for line in sys.argv[1:]]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Display packages that are loaded after all experiments are imported, and after each command, in one process."""
    line = [sys.executable, "-c", SCRIPT, *COMMANDS]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=tmp_path_factory.mktemp("files"))
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_no_experiment_loads_a_display_package(loaded):
    modules, shown = loaded[0]
    assert shown == [] and modules > 4


@pytest.mark.slow
def test_commands_that_show_nothing_load_no_display_package(loaded):
    assert loaded[1:] == [[0, []]] * len(COMMANDS)

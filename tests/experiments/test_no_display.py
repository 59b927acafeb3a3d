"""Experiments, and the commands that run them, load no display package unless something is shown."""

import subprocess
import sys

import pytest

SHOWING = {"panel", "holoviews", "bokeh", "ipywidgets", "matplotlib"}

SCRIPT = f"""
import importlib, pkgutil, sys
import labkit.experiments as room
for each in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(each.name)
shown = {SHOWING!r} & set(sys.modules)
print(sorted(shown), len([name for name in sys.modules if name.startswith(room.__name__)]))
"""


@pytest.mark.slow
def test_no_experiment_loads_a_display_package():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    shown, modules = done.stdout.strip().rsplit(" ", 1)
    assert shown == "[]" and int(modules) > 4


COMMAND = f"""
import sys
from labkit.cli import main
assert main(sys.argv[1:]) == 0
print(sorted({SHOWING!r} & set(sys.modules)))
"""


@pytest.mark.slow
def test_an_svgd_run_that_writes_tables_loads_no_display_package(tmp_path):
    files = ["--csv", str(tmp_path / "x.csv"), "--curves", str(tmp_path / "c.csv")]
    line = [sys.executable, "-c", COMMAND, "svgd", "--particles", "5", "--steps", "3", *files]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"

"""Experiments run where nothing is shown: they load no display package."""

import subprocess
import sys

import pytest

SCRIPT = """
import importlib, pkgutil, sys
import labkit.experiments as room
for each in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(each.name)
shown = {"panel", "holoviews", "bokeh", "ipywidgets", "matplotlib"} & set(sys.modules)
print(sorted(shown), len([name for name in sys.modules if name.startswith(room.__name__)]))
"""


@pytest.mark.slow
def test_no_experiment_loads_a_display_package():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    shown, modules = done.stdout.strip().rsplit(" ", 1)
    assert shown == "[]" and int(modules) > 4

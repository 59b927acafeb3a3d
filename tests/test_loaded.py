"""What an import loads: each part of labkit loads only what it needs, and no display package unless it shows something.

All imports and commands run in one process, one after the other, because a process that imports torch takes seconds.
What an import loads is still there after the next ones, so no test can pass because of an earlier import.
"""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

DISPLAY = {"panel", "holoviews", "bokeh", "ipywidgets", "matplotlib"}
IMPORTS = {  # what is executed -> what must not be loaded afterwards
    "import labkit": {*DISPLAY, "torch"},
    "labkit.targets.make": {*DISPLAY, "sklearn", "scipy", "labkit.svgd"},
    "import labkit.training": {*DISPLAY, "PIL", "lightning_fabric", "tensorboard"},
    "import labkit.data": {*DISPLAY, "sklearn", "scipy", "pooch", "requests"},
    "from labkit.svgd import *": DISPLAY,
    "import_all('labkit.experiments')": DISPLAY,
}
COMMANDS = [
    "svgd --particles 5 --steps 3 --csv x.csv --curves c.csv",
    "dreg variance --replicates 40 --estimators dreg --samples 4 --dimensions 2",
    "dreg bias --replicates 64 --estimators dreg --samples 4 --dimensions 2",
    "dreg race -K 2 --batch 4 --steps 1 --estimators dreg",
]
SCRIPT = """
import importlib, json, pkgutil, sys

def import_all(name):
    room = importlib.import_module(name)
    for each in pkgutil.walk_packages(room.__path__, name + "."):
        importlib.import_module(each.name)

found, (imports, commands) = [], json.loads(sys.argv[1])
for line in imports:
    exec(line)
    found.append(list(sys.modules))
from labkit.cli import main
for line in commands:
    code = main(line.split())
    found.append([*sys.modules, f"exit code {code}"])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """All modules that are loaded after each import, and after each command with its exit code."""
    line = [sys.executable, "-c", SCRIPT, json.dumps([list(IMPORTS), COMMANDS])]
    done = subprocess.run(line, capture_output=True, text=True, check=True, cwd=tmp_path_factory.mktemp("files"))
    found = [set(modules) for modules in json.loads(done.stdout.splitlines()[-1])]
    return dict(zip([*IMPORTS, *COMMANDS], found, strict=True))


@pytest.mark.parametrize("line", IMPORTS)
def test_an_import_loads_only_what_it_needs(loaded, line):
    assert loaded[line] & IMPORTS[line] == set()


def test_a_subpackage_is_imported_at_its_first_use(loaded):
    assert "labkit.targets" not in loaded["import labkit"]
    assert {"labkit.targets", "torch"} <= loaded["labkit.targets.make"]


def test_all_experiments_are_imported(loaded):
    assert sum(name.startswith("labkit.experiments.") for name in loaded["import_all('labkit.experiments')"]) > 4


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_that_show_nothing_load_no_display_package(loaded, line):
    assert "exit code 0" in loaded[line] and loaded[line] & DISPLAY == set()

"""What each subpackage may import. The tests read every file."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import labkit

ROOT = Path(labkit.__file__).parent.parent
METHODS = {"svgd", "draw", "dreg"}
DISPLAY = {"panel", "holoviews", "bokeh", "ipywidgets", "ipywidgets_bokeh", "jupyter_bokeh", "panel_material_ui"}
# The parts of labkit that may import a display package, and the parts that only these may import.
SHOWING = {"views", "paint", "serving", "recordings", "cli", "dashboards", "notebooks"}
OUTER = {"views", "paint", "serving", "recordings", "lessons", "cli"}
# What recordings use of the other displaying parts: the pictures of a view, and how files are written.
RECORDED = [
    ["views", "view"],
    ["views", "backend"],
    ["views", "stage"],
    ["views", "live"],
    ["views", "save"],
    ["paint", "files"],
]
# Imports by name that break a rule on purpose: `svgd.watch` needs the display packages at its first use only.
LATE = {("labkit/svgd/__init__.py", "labkit.views.svgd.watch")}
# Parts that may import every method. The others may not, except the folders that are named after the method.
KNOWING = {"models", "reproduce", "bench", "cli", "dashboards", "notebooks", "baselines", "lessons"}


def test_every_file_imports_only_what_it_may():
    assert faults(ROOT) == []


def test_each_exception_is_still_needed():
    assert all(module in set(imports(ROOT / name, ROOT)) for name, module in LATE)


def test_every_broken_rule_is_found(tmp_path):
    """The first test can fail: one file breaks each rule, and some files break no rule."""
    broken = {
        "labkit/svgd/flow.py": "import torch\nfrom labkit.draw import attention",
        "labkit/draw/network.py": "from labkit import svgd",
        "labkit/dreg/toy.py": "def late():\n    import panel.io",
        "labkit/targets/planar.py": "from labkit.svgd.kernels import rbf",
        "labkit/stream.py": "import labkit.svgd",
        "labkit/engine.py": "from labkit.views import live",
        "labkit/training/fit.py": "from ..draw import network",
        "labkit/recordings/frame.py": "from labkit import svgd",
        "labkit/recordings/files.py": "from labkit.views import tabs",
        "labkit/recordings/rooms.py": "from labkit.serving import pages",
        "labkit/views/live.py": "def late():\n    from labkit import svgd",
        "labkit/views/stage.py": "import labkit.svgd",
        "labkit/svgd/late.py": "import importlib\nimportlib.import_module('labkit.views.svgd.watch')",
        "labkit/draw/late.py": "from importlib import import_module\nimport_module(f'labkit.views.{name}')",
        "labkit/views/draw.py": "from labkit.svgd import State",
        "labkit/views/svgd/foo.py": "import labkit.draw",
        "labkit/views/dreg/parts/foo.py": "from ...svgd import State",
        "labkit/experiments/svgd/foo.py": "from labkit.dreg import VAE",
        "labkit/experiments/draw/foo.py": "import param, bokeh",
        "labkit/experiments/tab.py": "from labkit.draw import DRAW",
        "labkit/serving/server.py": "import panel\nfrom labkit.cli import errors",
        "labkit/paint/axes.py": "import holoviews\nfrom labkit.views import palette",
        "labkit/paint/ticks.py": "from labkit import course",
        "labkit/paint/panel.py": "from labkit.private.panel import current",
        "labkit/training/sheets.py": "from labkit.paint import save_png",
        "labkit/models/load.py": "from labkit.cli import errors",
        "labkit/experiments/dreg/foo.py": "from labkit.views import view",
        "labkit/experiments/svgd/picture.py": "from labkit.private.holoviews import column_name",
        "labkit/engine/push.py": "from labkit.private import panel",
        "labkit/draw/quick.py": "from labkit.private import bokeh_models",
        "labkit/private/torch.py": "import torch, bokeh",
        "labkit/private/__init__.py": "import torch",
        "labkit/private/bokeh.py": "from labkit.serving import pages",
        "dashboards/svgd.py": "import dashboards.index",
        "notebooks/1-svgd.ipynb": json.dumps(
            {"cells": [{"cell_type": "code", "source": ["from notebooks import two"]}]}
        ),
    }
    clean = {
        "labkit/svgd/step.py": "from labkit.svgd import kernels\nfrom . import median",
        "labkit/views/svgd/line.py": "import holoviews\nfrom labkit.experiments import svgd\nimport labkit.svgd",
        "labkit/experiments/svgd/particles.py": "import param\nfrom labkit import svgd, targets",
        "labkit/paint/files.py": "import holoviews\nfrom labkit import atomic\nfrom labkit.paint import axes",
        "labkit/paint/layers.py": "from labkit.private.holoviews import column_name",
        "labkit/recordings/save.py": "from labkit.views.stage import Stage\nfrom labkit.paint import files",
        "labkit/serving/pages.py": "import panel\nfrom labkit.views import live\nfrom labkit.private import bokeh",
        "labkit/private/panel.py": "import panel, param\nfrom bokeh.document import Document",
        "labkit/targets/base.py": "from labkit.private.torch import relu_backward",
        "labkit/experiments/refused.py": "from labkit.private import param",
        "labkit/cli/svgd/run.py": "from labkit import svgd, draw, serving, views",
        "dashboards/draw.py": "import panel\nfrom labkit import draw\nfrom labkit.views import live",
    }
    for name, text in (broken | clean).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert {fault.split(" imports ")[0] for fault in faults(tmp_path)} == set(broken)


def test_a_page_imports_each_tab_from_its_own_module():
    """A new tab is then two new files and its lines in the page; no package has to list its names."""
    found = [module.split(".") for file in (ROOT / "dashboards").glob("*.py") for module in imports(file, ROOT)]
    tabs = [parts for parts in found if parts[1:2] in (["views"], ["experiments"]) and parts[2] in METHODS]
    assert len(tabs) > 20 and [".".join(parts) for parts in tabs if len(parts) != 5] == []


def faults(root: Path) -> list[str]:
    """Every import under root that the table forbids, as "file imports module"."""
    files = sorted([*root.glob("labkit/**/*.py"), *root.glob("dashboards/*.py"), *root.glob("notebooks/*.ipynb")])
    names = {file: file.relative_to(root).as_posix() for file in files}
    found = [(names[file], module) for file in files for module in imports(file, root)]
    return [f"{name} imports {m}" for name, m in found if (name, m) not in LATE and forbidden(name, m)]


def forbidden(name: str, module: str) -> bool:
    """Whether the file of that name may not import that module."""
    parts, (package, *inner) = name.removesuffix(".py").split("/"), module.split(".")
    room = parts[1] if parts[0] == "labkit" else parts[0]
    target = inner[0] if package == "labkit" and inner else None
    if room == "private":  # each may import its own package, and those on which it depends
        shows = package in DISPLAY and not is_about_display(parts[2])
        return shows or package == "labkit" or parts[2] == "__init__"
    if room == "paint" and target:
        return target not in {"paint", "atomic", "contrast"} and inner[:2] != ["private", "holoviews"]
    if room == "recordings" and target in OUTER - {"recordings"}:
        return inner[:2] not in RECORDED
    if package in DISPLAY or (target == "private" and is_about_display(*inner[1:2])):
        return room not in SHOWING
    if package in {"dashboards", "notebooks"}:
        return True
    if METHODS & set(inner[:2]) - set(parts[1:3]) and room not in KNOWING:  # svgd and views/svgd belong together
        return True
    if target == "cli":
        return room not in {"cli", "notebooks"}
    return target in OUTER and room not in SHOWING | {"lessons"}


def is_about_display(module: str = "") -> bool:
    """Whether a module of labkit/private is about a display package, whose name its name begins with."""
    return any(module == package or module.startswith(f"{package}_") for package in DISPLAY)


def imports(file: Path, root: Path) -> Iterator[str]:
    """The full name of all that a file imports, also inside its functions; `from a import b` gives a.b.

    Of `import_module(f"a.{b}")` it is the part before the first brace.
    """
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        cells = (cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code")
        lines = "\n".join("".join(cell["source"]) for cell in cells).splitlines()
        text = "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in lines)
    here = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            text = node.args[0].values[0] if isinstance(node.args[0], ast.JoinedStr) else node.args[0]
            yield from [str(text.value)] if isinstance(text, ast.Constant) else []
        elif isinstance(node, ast.ImportFrom):
            base = [*(here[: len(here) + 1 - node.level] if node.level else ()), *filter(None, [node.module])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def test_every_subpackage_is_an_attribute():
    assert set(labkit.ROOMS) <= set(dir(labkit)) and all(hasattr(labkit, room) for room in labkit.ROOMS)

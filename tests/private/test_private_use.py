"""No module of labkit or of the dashboards uses a private interface of another package; only labkit/private does."""

import ast
import importlib
from collections.abc import Iterator, Set
from functools import cache
from pathlib import Path

import pytest

import labkit

ROOT = Path(labkit.__file__).parent.parent

# Modules without an underscore that their packages do not document, or describe as private.
UNDOCUMENTED = (
    "bokeh.core.",
    "bokeh.document.events.",
    "bokeh.document.json.",
    "bokeh.protocol.",
    "bokeh.server.",
    "holoviews.core.",
    "holoviews.plotting.",
    "panel.io.",
    "panel.models.",
    "panel.reactive.",
    "panel.util.",
    "panel.viewable.",
    "param.parameterized.",
    "pyviz_comms.",
    "torch.ops.",
)
DOCUMENTED = {
    "bokeh.server.server.Server": "Bokeh's guide builds servers of it",
    "holoviews.core.CompositeOverlay": "the base of Overlay in HoloViews' reference",
    "holoviews.core.Dimensioned": "the base of all pictures in HoloViews' reference",
    "holoviews.plotting.bokeh": "to import it is how a script loads the backend",
    "holoviews.plotting.util.process_cmap": "HoloViews' guide to colour maps uses it",
    "panel.io.hold": "Panel's guide to performance uses it",
    "panel.viewable.Viewable": "the class of all that Panel shows, in its reference",
    "panel.viewable.Viewer": "Panel's guide derives components from it",
    "param.parameterized.discard_events": "the same as param.discard_events",
}
# Names with an underscore that a package documents, or that belong to another module of labkit.
ALLOWED = {
    "self._send_msg": "a message to the browser, documented with JSComponent",
    "os._exit": "Python's own",
    "model._check": "of labkit.draw.DRAW, for labkit.draw",
    "each._cast": "of labkit.targets, for several targets of one kind",
    "target._constants": "of labkit.targets.NeuralRegression, for the bench",
}


# Names with an underscore that labkit's classes define although their base classes have them.
OVERRIDDEN = {
    "_esm": "the script of a panel.custom.JSComponent",
    "_handle_msg": "a message from the browser, documented with JSComponent",
    "_repr_mimebundle_": "IPython documents it for the outputs of a cell",
    "_call": "torch's guide has a Transform define it",
    "_inverse": "torch's guide has a Transform define it",
}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    """The modules of labkit and of the dashboards, by file."""
    files = sorted([*ROOT.glob("labkit/**/*.py"), *ROOT.glob("dashboards/*.py")])
    return {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in files}


def test_no_module_uses_a_private_interface_of_another_package(trees):
    inherited = {name for tree in trees.values() for name in defined(tree) if hidden([name])}
    found = [f"{name}:{use}" for name, tree in trees.items() for use in uses(tree, inherited)]
    outside = [use for use in found if not use.startswith("labkit/private/")]
    assert outside == [], "use them in labkit/private, with the reason and a test, and nowhere else"
    assert len(found) > 15  # those of labkit/private: the scan sees them


@pytest.mark.slow  # imports every module
def test_no_class_overrides_a_private_method_of_another_package(trees):
    """Such a method changes the behaviour of the base class, on purpose or by accident."""
    outside = [
        f"{name}: {node.name}.{method}"
        for name, tree in trees.items()
        if name.startswith("labkit/") and not name.startswith("labkit/private/")
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.bases
        for method in overridden(node, name.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
        if method not in OVERRIDDEN
    ]
    assert outside == [], "define them in labkit/private, with the reason and a test, or choose another name"
    ear = next(node for node in trees["labkit/private/panel.py"].body if getattr(node, "name", "") == "Ear")
    assert overridden(ear, "labkit.private.panel") == ["_handle_msg"]  # such methods are seen


def test_each_kind_of_private_use_is_found_but_not_that_of_own_names():
    used = {
        "import panel as pn\nviews = pn.state._views": "pn.state._views",
        "def f(pane): return pane._models": "pane._models",
        "import torch\ndef f(x): return torch.ops.mkldnn.linear(x)": "torch.ops.mkldnn.linear",
        "import torch\nlimit = torch._dynamo.config": "torch._dynamo",
        "from torch._inductor import exc": "torch._inductor.exc",
        "from torch._inductor.exc import Error": "torch._inductor.exc.Error",
        "import torch._dynamo": "torch._dynamo",
        "from panel.io import location": "panel.io.location",
        "import panel as pn\npn.io.notebook.push": "panel.io.notebook.push",
        "from bokeh.document.json import DocJson": "bokeh.document.json.DocJson",
        "def f(x): return getattr(x, '_hidden', None)": "'_hidden'",
        "class A(Widget):\n    def f(self): return self._models": "self._models",
        "class A(Widget):\n    def f(self): return super()._process(1)": "super()._process",
        "def f(owner): owner._validate_args = False": "owner._validate_args",
        "class A:\n    def _f(self): pass\ndef g(): return Widget()._hidden": "Widget()._hidden",
    }
    for text, use in used.items():
        assert [found.split(" ", 1)[1] for found in uses(ast.parse(text))] == [use], text
    own = [
        "class A:\n    def __init__(self, other): self._x = other._x",
        "class A:\n    def _f(self): pass\n    def g(self): return self._f, type(self)._f, self.__class__",
        "from labkit.svgd.flow import _at\nimport panel as pn\npn.io.hold\npn.state.curdoc",
        "from bokeh.document import Document\nfrom bokeh.server.server import Server\nimport holoviews.plotting.bokeh",
        "from collections import namedtuple\ndef f(p): return p._replace(x=1), p._fields, p._asdict()",
    ]
    for text in own:
        assert list(uses(ast.parse(text))) == [], text


def test_every_exception_is_still_needed(trees):
    last = {name.rpartition(".")[2] for name in ALLOWED}
    found = (node for tree in trees.values() for node in nodes(tree) if isinstance(node, ast.Attribute))
    assert ALLOWED.keys() <= {ast.unparse(node) for node in found if node.attr in last}


@cache
def nodes(tree: ast.Module) -> list[ast.AST]:
    return [*ast.walk(tree)]


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def overridden(node: ast.ClassDef, module: str) -> list[str]:
    """The private names of a class that its base class from another package has as well."""
    names = defined(ast.Module(node.body, []))
    bases = getattr(importlib.import_module(module), node.name).__mro__[1:]
    others = [vars(base) for base in bases if not base.__module__.startswith("labkit")]
    return sorted(name for name in names if hidden([name]) and any(name in other for other in others))


def uses(tree: ast.Module, inherited: Set[str] = frozenset()) -> Iterator[str]:
    """Every private use in a module, as "line expression".

    Args:
        inherited: names that the module's classes may have from other classes of labkit, for `self` and `super()`.
    """
    own, names = defined(tree), packages(tree)
    own = {name for name in own if hidden([name])}
    inner = {id(node.value) for node in nodes(tree) if isinstance(node, ast.Attribute)}
    for node in nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (f"{node.lineno} {name}" for name in imported(node) if is_private(name))
        elif isinstance(node, ast.Attribute):
            path = full(node, names)
            if id(node) not in inner and path and is_private(path) and not hidden(path.split(".")[1:]):
                yield f"{node.lineno} {path}"
            elif hidden([node.attr]) and node.attr not in own and (written := ast.unparse(node)) not in ALLOWED:
                if not (node.attr in inherited and written.rpartition(".")[0] in {"self", "cls", "super()"}):
                    yield f"{node.lineno} {written}"
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"getattr", "hasattr", "setattr"}:
            name = node.args[1]
            if isinstance(name, ast.Constant) and hidden([name.value]) and name.value not in own:
                yield f"{node.lineno} {name.value!r}"


def hidden(parts: list[str]) -> bool:
    """Whether a part of a name is private. `_fields` and similar names are the public interface of named tuples."""
    public = {"_fields", "_replace", "_asdict", "_make"}
    return any(part.startswith("_") and not part.startswith("__") and part not in public for part in parts)


def is_private(path: str) -> bool:
    """Whether the package does not document a full name, package.module.name."""
    if path.split(".")[0] == "labkit" or any(f"{path}.".startswith(f"{public}.") for public in DOCUMENTED):
        return False
    return hidden(path.split(".")) or f"{path}.".startswith(UNDOCUMENTED)


def defined(tree: ast.Module) -> set[str]:
    """The names that a module defines: functions, classes, variables, attributes of self."""
    found = {node.name for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in nodes(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_self(node.value):
            found.add(node.attr)
    return found


def packages(tree: ast.Module) -> dict[str, str]:
    """The full name behind each name that a module imports."""
    found = {}
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            found |= {
                a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return found


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [] if node.level else [f"{node.module}.{alias.name}" for alias in node.names]


def full(node: ast.Attribute, names: dict[str, str]) -> str | None:
    """The full name of `a.b.c` where `a` was imported."""
    parts: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        parts.insert(0, at.attr)
        at = at.value
    return ".".join([names[at.id], *parts]) if isinstance(at, ast.Name) and at.id in names else None

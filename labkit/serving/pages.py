"""The pages: every file of dashboards/ that defines `page()`, served at its own name; index.py stands at /.

What a page is called is read from its file without running it, so that a list of pages costs no import of torch.
"""

import ast
import importlib.util
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from labkit import places

_importing = threading.Lock()


@dataclass(frozen=True)
class Page:
    """A page file: its name there, its title and one line on it (TITLE and SUMMARY, else from its docstring)."""

    name: str
    title: str
    summary: str
    file: Path

    @property
    def route(self) -> str:
        return "/" if self.name == "index" else f"/{self.name}"


def listing(folder: Path | None = None) -> list[Page]:
    """The pages of a folder, of `dashboards/` if none is given, the index first, the others by name."""
    files = (folder or places.find("dashboards")).glob("[!_]*.py")
    found = (at(file) for file in sorted(files, key=lambda file: (file.stem != "index", file.stem)))
    return [page for page in found if page is not None]


def at(file: Path | str) -> Page | None:
    """The page that a file defines, None if it defines none; one that cannot be parsed is a page with an error."""
    file = Path(file).resolve()
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        return Page(file.stem, file.stem, f"cannot be read: {error}", file)
    if not any(isinstance(node, ast.FunctionDef) and node.name == "page" for node in tree.body):
        return None
    title, summary = _names(tree, file.stem)
    return Page(file.stem, title, summary, file)


def load(page: Page) -> ModuleType:
    """Import a page's file, once in this process; a file that fails is tried again by the next visitor."""
    name = f"labkit_page_{page.name}"
    with _importing:
        module = sys.modules.get(name)
        if module is None or module.__file__ != str(page.file):
            spec = importlib.util.spec_from_file_location(name, page.file)
            sys.modules[name] = module = importlib.util.module_from_spec(spec)
            try:
                spec.loader.exec_module(module)
            except BaseException:
                del sys.modules[name]
                raise
    return module


def is_ahead(page: Page) -> bool:
    """Whether a page says that it may be built before its visitor comes."""
    return getattr(load(page), "AHEAD", False)


def _names(tree: ast.Module, name: str) -> tuple[str, str]:
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    first, *_ = (ast.get_docstring(tree) or name).splitlines()
    title, colon, summary = first.partition(": ")
    if not colon:
        title, summary = name, first
    return constants.get("TITLE", title), constants.get("SUMMARY", summary[:1].upper() + summary[1:])

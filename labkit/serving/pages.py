"""The pages: every file of dashboards/ that defines `page()`. A page has the address of its file; index.py is at /.

The title of a page is read from its file without running it, so the list of pages needs no import of torch.
"""

import ast
import importlib.util
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from labkit import places

FIRST = ("index", "svgd", "draw", "dreg")  # in the order in which a new visitor should see them

_importing = threading.Lock()


@dataclass(frozen=True)
class Page:
    """A page file with its name, its title and a summary (TITLE and SUMMARY, otherwise from its docstring).

    Attributes:
        question: what the page answers, and picture: the text of its picture on the start page; "" without them
            (QUESTION and PICTURE).
    """

    name: str
    title: str
    summary: str
    file: Path
    question: str = ""
    picture: str = ""

    @property
    def route(self) -> str:
        return "/" if self.name == "index" else f"/{self.name}"


def listing(folder: Path | None = None) -> list[Page]:
    """Return the pages of a folder, by default `dashboards/`: those of `FIRST` first, the others by name."""
    files = (folder or places.find("dashboards")).glob("[!_]*.py")
    place = {name: i for i, name in enumerate(FIRST)}
    found = (at(file) for file in sorted(files, key=lambda file: (place.get(file.stem, len(place)), file.stem)))
    return [page for page in found if page is not None]


def at(file: Path | str) -> Page | None:
    """Return the page that a file defines, or None. A file that cannot be parsed is a page with an error."""
    file = Path(file).resolve()
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError) as error:
        return Page(file.stem, file.stem, f"cannot be read: {error}", file)
    if not any(isinstance(node, ast.FunctionDef) and node.name == "page" for node in tree.body):
        return None
    constants = _constants(tree)
    title, summary = _names(constants, ast.get_docstring(tree) or file.stem, file.stem)
    return Page(file.stem, title, summary, file, constants.get("QUESTION", ""), constants.get("PICTURE", ""))


def load(page: Page) -> ModuleType:
    """Import a page's file, once per process. If that fails, the next visitor triggers another try."""
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


def basis(page: Page) -> Callable[[], object] | None:
    """Return a function that returns what a page depends on; None if it may not be built before its visitor arrives."""
    ahead = getattr(load(page), "AHEAD", None)
    if ahead is True:
        return lambda: None
    found: Callable[[], object] | None = ahead or None
    return found


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _names(constants: Mapping[str, str], words: str, name: str) -> tuple[str, str]:
    """Return the title and the summary, by default from the first of these words."""
    first, *_ = words.splitlines()
    title, colon, summary = first.partition(": ")
    if not colon:
        title, summary = name, first
    return constants.get("TITLE", title), constants.get("SUMMARY", summary[:1].upper() + summary[1:])

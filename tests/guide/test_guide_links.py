"""Every link and every name of a file, a page or a function in the documents and docstrings leads somewhere."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit import lessons
from labkit.serving import pages

sys.path.insert(0, str(Path(__file__).parent))

from documents import DOCUMENTS, PAGES, ROOT, anchors, backticked, links, mentions

ROUTES = {page.route for page in pages.listing()} | {
    "/guide",
    "/liveness",
    "/metrics",
    *(f"/guide/{name}" for name in PAGES),
}
FOLDERS = ("labkit/", "tests/", "dashboards/", "notebooks/", ".ci/", ".github/")
SHORT = ("svgd", "targets", "draw", "dreg", "data", "training")  # subpackages that documents name without labkit
MODULES = sorted((ROOT / "labkit").rglob("*.py"))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_every_link_of_a_document_leads_somewhere(file):
    assert [link for link in links(file) if not leads(link, file)] == []


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.stem)
def test_every_file_page_and_name_that_a_document_mentions_exists(file):
    assert [name for name in mentions(file) if not exists(name, SHORT)] == []


def test_every_file_page_and_name_that_a_docstring_mentions_exists():
    found = {name: file for file in MODULES for text in docstrings(file) for name in backticked(text)}
    assert {name: str(file) for name, file in found.items() if not exists(name)} == {}


@pytest.mark.parametrize(
    "link", ["nowhere.md", "page.md#nowhere", "#nowhere", "/nowhere", "/guide/nowhere", "ftp://a.b/c", "../page.md"]
)
def test_a_link_that_leads_nowhere_is_found(link, tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n## A heading, here\n\nSee [this]({link}).\n")
    assert [each for each in links(page) if not leads(each, page)] == [link]


def test_a_link_that_leads_somewhere_is_good(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A page\n\n## A heading, here\n")
    good = ("page.md", "page.md#a-heading-here", "#a-heading-here", "/svgd", "/guide/svgd", "https://arxiv.org")
    assert all(leads(link, page) for link in good)


@pytest.mark.parametrize(
    "name", ["/nowhere", "tests/nowhere.py", "labkit.nowhere", "labkit.svgd.nowhere(x)", "svgd.nowhere", "9-nowhere"]
)
def test_a_name_that_does_not_exist_is_found(name):
    assert not exists(name, SHORT)


@pytest.mark.parametrize(
    "name",
    [
        "/svgd", "/guide/svgd", "tests/guide/", "labkit/svgd/flow.py", "labkit.svgd", "labkit.svgd.State",
        "labkit.load_checkpoint(name)", "svgd.flow(target, x0)", "targets.TARGETS", "1-svgd", "2-draw.ipynb", "x", "-1",
    ],
)  # fmt: skip
def test_a_name_that_exists_is_good(name):
    assert exists(name, SHORT)


def leads(link: str, file: Path) -> bool:
    """Whether a link in a file leads to a file, a heading or a page; links to other sites are not followed."""
    if re.match(r"https?://", link):
        return True
    if link.startswith("/"):
        link, _, lesson = link.partition("?lesson=")
        if lesson and lesson not in lessons.names():
            return False
        return link in ROUTES | {f"{route}/" for route in ROUTES}
    path, _, anchor = link.partition("#")
    target = (file.parent / path).resolve() if path else file
    if ":" in path or not target.is_file():
        return False
    return not anchor or anchor in anchors(target)


def exists(name: str, short: tuple[str, ...] = ()) -> bool:
    """Whether something that is named in code exists; what is not a name of labkit is not looked up.

    Args:
        short: subpackages that are named without labkit.
    """
    if re.fullmatch(r"/[a-z][a-z-]*(/[a-z][a-z-]*)?", name):
        return name in ROUTES
    if name.startswith(FOLDERS) and " " not in name:
        return bool(list(ROOT.glob(name.rstrip("/"))))
    if re.fullmatch(r"\d-[a-z-]+(\.ipynb)?", name):
        return (ROOT / "notebooks" / f"{name.removesuffix('.ipynb')}.ipynb").is_file()
    if name.endswith(".gif"):  # training.gif is a file that labkit writes
        return True
    dotted = re.match(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)", name)
    first = dotted[1].split(".")[0] if dotted else ""
    if first == "labkit":
        return found(dotted[1])
    return found(f"labkit.{dotted[1]}") if first in short else True


def found(dotted: str) -> bool:
    """Whether a dotted name is a module or something in one."""
    thing, path = labkit, "labkit"
    for part in dotted.split(".")[1:]:
        path += f".{part}"
        if not hasattr(thing, part):
            try:
                importlib.import_module(path)
            except ImportError:
                return part in getattr(thing, "__annotations__", {})
        thing = getattr(thing, part)
    return True


def docstrings(file: Path) -> Iterator[str]:
    """Yield every docstring of a module."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""

"""Reads the documents that people read: their links, code, commands and tables."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from labkit.serving import guide

ROOT = Path(__file__).parents[2]
PAGES = {name: guide.FOLDER / f"{name}.md" for name in guide.names()}
README, CONTRIBUTING = ROOT / "README.md", ROOT / ".github" / "CONTRIBUTING.md"
DOCUMENTS = [README, CONTRIBUTING, *PAGES.values(), *sorted((ROOT / "notebooks").glob("*.ipynb"))]


class Row(NamedTuple):
    """A row of a table: the heading above the table, and the words of each cell."""

    heading: str
    cells: list[str]


def tokens(file: Path) -> list[Token]:
    """Return a document's tokens; of a notebook those of its Markdown cells."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return MarkdownIt("commonmark").enable("table").parse(text)


def links(file: Path) -> Iterator[str]:
    """Yield the target of each link and of each picture."""
    for inline in (each for token in tokens(file) for each in token.children or []):
        if inline.type in ("link_open", "image"):
            yield str(inline.attrs["href" if inline.type == "link_open" else "src"])


def anchors(file: Path) -> set[str]:
    """Return the anchors of a document's headings."""
    found = tokens(file)
    pairs = zip(found, found[1:], strict=False)
    return {guide.anchor(words(text)) for opening, text in pairs if opening.type == "heading_open"}


def words(inline: Token) -> str:
    """Return the words of a line without its marks."""
    return "".join(part.content for part in inline.children or [])


def mentions(file: Path) -> Iterator[str]:
    """Yield the code within the lines of a document: names, files, routes."""
    for inline in (each for token in tokens(file) for each in token.children or []):
        if inline.type == "code_inline":
            yield " ".join(inline.content.split())


def blocks(file: Path) -> list[str]:
    """Return the blocks of Python of a document."""
    return [token.content for token in tokens(file) if token.type == "fence" and token.info == "python"]


def commands(file: Path) -> Iterator[tuple[str, ...]]:
    """Yield each command of labkit in blocks and in lines, as its words after `labkit`."""
    lines = [line for token in tokens(file) if token.info == "sh" for line in token.content.splitlines()]
    for line in [*lines, *mentions(file)]:
        if line.startswith("labkit "):
            yield tuple(shlex.split(line)[1:])


def rows(file: Path) -> Iterator[Row]:
    """Yield each row of the tables of a document, without those of column names."""
    heading, cells, body = "", [], False
    found = tokens(file)
    for token, text in zip(found, found[1:], strict=False):
        if token.type == "heading_open":
            heading = words(text)
        elif token.type in ("tbody_open", "tbody_close"):
            body = token.type == "tbody_open"
        elif token.type == "td_open":
            cells.append(words(text))
        elif token.type == "tr_close" and body:
            yield Row(heading, cells)
            cells = []


def backticked(docstring: str) -> Iterator[str]:
    """Yield the code within a docstring."""
    return (" ".join(found.split()) for found in re.findall(r"`([^`]+)`", docstring))

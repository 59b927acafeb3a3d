"""The guide: the Markdown files of labkit/guide as plain pages, without a session and without Bokeh's scripts.

The index page lists all others under headings. This list is the table of contents of every page.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from tornado.web import HTTPError, RequestHandler, StaticFileHandler, removeslash

import labkit
from labkit import places

FOLDER = Path(labkit.__file__).parent / "guide"
INDEX = "index"
_HERE = Path(__file__).parent


class Heading(NamedTuple):
    """A heading of a page: its level, its text and its anchor."""

    level: int
    text: str
    anchor: str


class Link(NamedTuple):
    """A page as the index names it."""

    name: str
    title: str


class Section(NamedTuple):
    """A heading of the index and the pages below it."""

    title: str
    links: list[Link]


def names() -> list[str]:
    """Return the names of all pages, the index first."""
    return sorted((file.stem for file in FOLDER.glob("*.md")), key=lambda name: (name != INDEX, name))


@cache
def parsed(name: str) -> list[Token]:
    """Return the tokens of a page, with an anchor for every heading.

    Raises:
        KeyError: there is no such page.
    """
    if name not in names():
        raise KeyError(name)
    tokens = _reader().parse((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open":
            opening.attrSet("id", anchor(_words(inline)))
    return tokens


def anchor(heading: str) -> str:
    """Return the anchor of a heading, as GitHub makes it: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def headings(name: str) -> list[Heading]:
    """Return the headings of a page, its title first."""
    return [heading for heading, _ in _read_in_order(parsed(name)) if heading]


def contents() -> list[Section]:
    """Return all pages in the order of the index."""
    found: list[Section] = []
    for heading, inline in _read_in_order(parsed(INDEX)):
        if heading and heading.level == 2:
            found.append(Section(heading.text, []))
        elif inline and found:  # above the first section is the introduction
            found[-1].links.extend(_links(inline))
    return found


def html(name: str) -> str:
    """Return a page as HTML.

    Raises:
        KeyError: there is no such page.
    """
    title, *below = headings(name)
    base = "./" if name == INDEX else "../"  # relative: a proxy may serve labkit under another path
    order = [Link(INDEX, "Start of the guide"), *(link for section in contents() for link in section.links)]
    here = [link.name for link in order].index(name)
    return _template().render(
        title=title.text,
        base=base,
        scheme=_read("scheme.html"),
        body=_reader().renderer.render(parsed(name), _reader().options, {"base": base}),
        contents=contents(),
        current=name,
        below=[heading for heading in below if heading.level == 2],
        before=order[here - 1] if here else None,
        after=order[here + 1] if here + 1 < len(order) else None,
    )


class Guide(RequestHandler):
    """Answers /guide and /guide/NAME."""

    @removeslash
    def get(self, name: str | None = None) -> None:
        """Send a page."""
        try:
            self.write(html(name or INDEX))
        except KeyError:
            raise HTTPError(404) from None


def patterns() -> list[tuple[Any, ...]]:
    """Return the routes of the pages and of their pictures, which the README shows too, and of the start page's."""
    folder = places.find("dashboards")
    return [
        (r"/guide/([a-z0-9-]+\.(?:gif|png))", StaticFileHandler, {"path": folder}),
        (r"/pictures/([a-z0-9-]+\.(?:gif|png))", StaticFileHandler, {"path": folder / "pictures"}),
        (r"/guide(?:/([a-z0-9-]+))?/?", Guide),
    ]


@cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    rules = {"link_open": _link, "image": _image, "table_open": _table, "table_close": _table_end, "fence": _fence}
    for kind, rule in rules.items():
        reader.add_render_rule(kind, rule)
    return reader


def _link(renderer: RendererHTML, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    """A link to another page of the guide, to a page of the server, or to another site."""
    target = str(tokens[i].attrs["href"])
    page = re.fullmatch(r"([a-z0-9-]+)\.md(#.*)?", target)
    opened = Token("link_open", "a", 1, attrs=dict(tokens[i].attrs))
    if page:
        route = "guide" if page[1] == INDEX else f"guide/{page[1]}"
        opened.attrs["href"] = env["base"] + route + (page[2] or "")
    elif target.startswith("/"):
        opened.attrs["href"] = env["base"] + target[1:]
    elif target.startswith("http"):
        opened.attrs["rel"] = "external noreferrer"
    return renderer.renderToken([opened], 0, options, env)


def _image(renderer: RendererHTML, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    file = str(tokens[i].attrs["src"]).rsplit("/", 1)[1]
    return f'<img src="{env["base"]}guide/{file}" alt="{escapeHtml(tokens[i].content)}">'


def _table(*_: Any) -> str:
    return '<div class="wide" tabindex="0"><table>'  # on a narrow screen the table scrolls, not the page


def _table_end(*_: Any) -> str:
    return "</table></div>"


def _fence(renderer: RendererHTML, tokens: Sequence[Token], i: int, options: Any, env: Any) -> str:
    kind = "equation" if tokens[i].info == "equation" else "code"
    return f'<pre class="{kind}" tabindex="0">{escapeHtml(tokens[i].content)}</pre>\n'


def _read_in_order(tokens: Sequence[Token]) -> Iterator[tuple[Heading | None, Token | None]]:
    """Each heading, and each other line of text, in their order."""
    for opening, inline in zip(tokens, tokens[1:], strict=False):
        if opening.type == "heading_open":
            yield Heading(int(opening.tag[1]), _words(inline), str(opening.attrs["id"])), None
        elif inline.type == "inline":
            yield None, inline


def _links(inline: Token) -> Iterator[Link]:
    """Each link to a page of the guide."""
    parts = inline.children or []
    for opening, words in zip(parts, parts[1:], strict=False):
        if opening.type == "link_open" and str(opening.attrs["href"]).endswith(".md"):
            yield Link(str(opening.attrs["href"]).removesuffix(".md"), words.content)


def _words(inline: Token) -> str:
    return "".join(part.content for part in inline.children or [])


@cache
def _template() -> jinja2.Template:
    return jinja2.Environment(autoescape=True).from_string(_read("guide.html"))


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")

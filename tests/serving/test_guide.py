"""The guide: its pages, their links to each other and to the server's pages, and its routes."""

import re
import urllib.request

import pytest

from labkit.serving import guide, headers

LISTED = [link.name for section in guide.contents() for link in section.links]


def test_the_index_lists_every_page_once():
    assert sorted(LISTED) == sorted(set(guide.names()) - {guide.INDEX})


@pytest.mark.parametrize("name", guide.names())
def test_a_page_has_one_title_and_anchors_that_differ(name):
    title, *others = guide.headings(name)
    assert title.level == 1 and all(heading.level > 1 for heading in others)
    anchors = [heading.anchor for heading in others]
    assert len(set(anchors)) == len(anchors)


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [("The way of the data", "the-way-of-the-data"), ("/svgd", "svgd"), ("A `name`, and x_1", "a-name-and-x_1")],
)
def test_anchors_are_those_that_github_makes(heading, anchor):
    assert guide.anchor(heading) == anchor


def test_links_are_relative_so_that_a_proxy_may_serve_the_guide_under_another_path():
    assert {"./guide", "./guide/svgd", "./svgd", "./"} <= targets("index")
    assert {"../guide", "../guide/draw", "../svgd", "../", "../guide/originals#svgd"} <= targets("svgd")
    for name in guide.names():
        assert [target for target in targets(name) if target.endswith(".md") or target.startswith("/")] == []


def targets(name: str) -> set[str]:
    return set(re.findall(r'href="([^"]+)"', guide.html(name)))


def test_a_page_needs_no_file_of_another_machine():
    """Its style and its script are in it, and its pictures come from the same server."""
    for name in guide.names():
        page = guide.html(name)
        assert re.findall(r"<link\b|<script [^>]*src|url\(|@import|srcset=", page) == []
        assert all(
            re.fullmatch(r"\.\./guide/[a-z]+\.(gif|png)", source) for source in re.findall(r'\bsrc="([^"]*)"', page)
        )


def test_a_page_links_to_the_pages_before_and_after_it():
    for i, name in enumerate(LISTED):
        page = guide.html(name)
        assert ('rel="next"' in page) == (i + 1 < len(LISTED)) and 'rel="prev"' in page


def test_special_characters_of_equations_and_code_are_text():
    assert "k(x, x′) &lt;" not in guide.html("svgd") and "x [..., 2] -&gt; [...]" in guide.html("own-target")


def test_an_unknown_page_is_an_error():
    with pytest.raises(KeyError):
        guide.html("no-such-page")


@pytest.mark.slow
def test_the_server_sends_every_page_with_the_security_headers(server, get):
    for route in ["/guide", *(f"/guide/{name}" for name in LISTED)]:
        status, sent, text = get(server + route)
        assert status == 200 and "<h1" in text
        assert {name: sent.get(name) for name in headers.sent()} == headers.sent()
    assert urllib.request.urlopen(f"{server}/guide/svgd.gif").read(6) == b"GIF89a"
    assert urllib.request.urlopen(f"{server}/guide/jupyterhub.png").read(4) == b"\x89PNG"
    assert urllib.request.urlopen(f"{server}/pictures/svgd-dark.png").read(4) == b"\x89PNG"
    assert get(f"{server}/guide/")[2] == get(f"{server}/guide")[2]  # by a redirect
    for route in (
        "/guide/no-such-page",
        "/guide/..%2findex",
        "/guide/svgd/more",
        "/guide/none.gif",
        "/pictures/make.py",
        "/pictures/..%2fsvgd.gif",
        "/guide/..%2fx.gif",
    ):
        assert get(server + route)[0] == 404

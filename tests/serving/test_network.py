"""The options that describe a server's network, and what a server does with them."""

import pytest
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from labkit.serving import addresses, gate, headers, network


@pytest.mark.parametrize(
    ("given", "prefix"),
    [("", ""), ("/", ""), ("labkit", "/labkit"), ("/labkit/", "/labkit"), ("/user/a%40b/labkit", "/user/a%40b/labkit")],
)
def test_a_prefix_starts_with_a_slash_and_ends_without_one(given, prefix):
    assert network.read_prefix(given) == prefix


@pytest.mark.parametrize(
    "given", ["/labkit?x=1", "/a b", "https://a.example/labkit", "/a/../b", "/a//b", "/a(b)", "/a#b"]
)
def test_other_texts_are_refused_as_prefixes(given):
    with pytest.raises(ValueError, match="--prefix takes a path such as /labkit"):
        network.read_prefix(given)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("https://course.example.org", "https://course.example.org"),
        ("https://Course.example.org/", "https://course.example.org"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("desk:8080", "desk:8080"),
    ],
)
def test_an_origin_is_written_as_a_browser_sends_it(given, written):
    assert str(network.read_origin("--allow-origin", given)) == written


@pytest.mark.parametrize(
    "given", ["https://a.example/course", "*", "ftp://a.example", "", "null", "https://", "a.example?x", "u@a.example"]
)
def test_other_texts_are_refused_as_origins(given):
    if given == "null":  # the name of a host, as far as its spelling goes
        assert not network.read(origins=["a.example"]).allows(given)
        return
    with pytest.raises(ValueError, match="--frame-ancestor takes an origin such as https://course.example.org"):
        network.read_origin("--frame-ancestor", given)


def test_an_allowed_origin_has_the_same_scheme_host_and_port():
    allowed = network.read(origins=["https://a.example", "desk:8080"]).allows
    assert allowed("https://a.example") and allowed("https://a.example:443")
    assert allowed("http://desk:8080") and allowed("https://desk:8080")
    others = ("http://a.example", "https://a.example:8443", "https://b.a.example", "http://desk", "null", "")
    assert not any(map(allowed, others))


def test_a_public_address_allows_its_name_and_its_own_pages():
    place = network.read(root="https://course.example.org:8443/labkit")
    assert place.root == "https://course.example.org:8443/labkit/"
    assert place.names == ("course.example.org",)
    assert place.allows("https://course.example.org:8443") and not place.allows("https://course.example.org")


@pytest.mark.parametrize(
    "given", ["course.example.org", "https://a.example/?x=1", "https://", "https://a b/", "ftp://a/"]
)
def test_other_texts_are_refused_as_public_addresses(given):
    with pytest.raises(ValueError, match="--root-url takes the public address of the start page"):
        network.read(root=given)


def test_other_sites_may_frame_the_pages_only_if_they_are_named():
    alone, framed = headers.sent(), headers.sent(["https://course.example.org"])
    assert alone["Content-Security-Policy"].endswith("frame-ancestors 'self'")
    assert alone["X-Frame-Options"] == "SAMEORIGIN"
    assert framed["Content-Security-Policy"].endswith("frame-ancestors 'self' https://course.example.org")
    assert "X-Frame-Options" not in framed


def request(host, forwarded):
    line = RequestStartLine("GET", "/", "HTTP/1.1")
    return HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": host, "X-Forwarded-Host": forwarded}))


@pytest.mark.parametrize(
    ("host", "forwarded", "refused"),
    [
        ("127.0.0.1:5006", "class.example:8443", None),
        ("127.0.0.1:5006", "evil.example", "evil.example"),
        ("evil.example", "class.example", "evil.example"),
        ("127.0.0.1", "evil.example, class.example", None),  # the nearest proxy writes the last one
    ],
)
def test_the_host_and_the_forwarded_host_must_both_be_known(host, forwarded, refused):
    names = [*addresses.hosts("127.0.0.1"), "class.example"]
    found = gate.Stranger(names, forwarded=True).match(request(host, forwarded))
    assert (found and found["path_kwargs"]["name"]) == refused
    alone = gate.Stranger(names).match(request(host, forwarded))
    assert bool(alone) == (host == "evil.example")  # without --forwarded the header means nothing

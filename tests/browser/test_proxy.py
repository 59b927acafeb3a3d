"""A page behind nginx with TLS and a path, and a page in a frame of another site."""

import contextlib
import functools
import http.server
import re
import threading

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PATIENCE = 60_000  # ms: on a busy machine a page takes long to open
COUNTER = re.compile(r"^step \d+ · ")
MOVED = """() => {
    const sources = [...Bokeh.documents[0]._all_models.values()].filter((each) => each.type === "ColumnDataSource")
    return JSON.stringify(sources.map((each) => [...(each.data.x ?? [])].slice(0, 3)))
}"""


def runs(frame):
    """Wait until the step counter grows and the particles move."""
    counter = frame.get_by_text(COUNTER)
    expect(counter).to_have_count(1, timeout=PATIENCE)
    before = counter.inner_text()
    expect(counter).not_to_have_text(before, timeout=PATIENCE)


def test_svgd_moves_behind_nginx_with_tls_and_a_path(nginx, serving, command, free_port, browser):
    inner = free_port()
    with nginx(inner) as port:
        public = f"https://localhost:{port}/labkit/"
        options = ["--no-browser", "--port", str(inner), "--visitors", "1"]
        options += ["--prefix", "/labkit", "--root-url", public, "--forwarded"]
        with contextlib.contextmanager(serving)([*command, "serve", *options], inner, under="/labkit"):
            context = browser.new_context(ignore_https_errors=True)
            page, wrong, foreign = context.new_page(), [], []
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda each: each.url.startswith((public, "data:", "blob:")) or foreign.append(each.url))
            page.goto(public)
            page.get_by_role("link", name=public).wait_for()  # the public address, with its QR code
            page.get_by_role("link", name="SVGD").first.click()
            runs(page)
            before = page.evaluate(MOVED)
            page.wait_for_function(f"(before) => ({MOVED})() !== before", arg=before, timeout=PATIENCE)
            assert page.url.startswith(f"{public}svgd")
            page.get_by_role("link", name="Guide").click()
            page.get_by_role("heading", name="Guide to labkit").wait_for()
            assert (wrong, foreign) == ([], [])
            context.close()


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def course(tmp_path):
    """The address of another site, and a function that writes its page."""
    handler = functools.partial(Silent, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()

        def write(address):
            (tmp_path / "index.html").write_text(
                f'<iframe name="labkit" src="{address}" width=900 height=900></iframe>'
            )

        yield f"http://127.0.0.1:{site.server_port}", write
        site.shutdown()


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
def test_another_site_shows_a_page_in_a_frame_only_if_it_is_named(named, course, serving, command, free_port, page):
    origin, write = course
    port = free_port()
    options = ["--no-browser", "--port", str(port)]
    options += ["--frame-ancestor", origin, "--allow-origin", origin] if named else []
    with contextlib.contextmanager(serving)([*command, "serve", *options], port) as base:
        write(f"{base}/svgd")
        refused = []
        page.on("console", lambda message: "frame-ancestors" in message.text and refused.append(message.text))
        page.goto(origin)
        if named:
            runs(page.frame_locator("iframe[name=labkit]"))
            assert not refused and not page.context.cookies()
        else:
            page.wait_for_timeout(1500)
            expect(page.frame_locator("iframe[name=labkit]").get_by_text(COUNTER)).to_have_count(0)
            assert refused

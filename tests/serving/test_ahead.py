"""Sessions that wait for the next visitors: their number, and how complete each is."""

import asyncio
from types import SimpleNamespace

import pytest
from bokeh.application import Application
from bokeh.application.handlers.document_lifecycle import DocumentLifecycleHandler
from bokeh.application.handlers.function import FunctionHandler
from bokeh.document import Document
from bokeh.models import Div
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession
from panel.io.state import set_curdoc
from tornado.ioloop import IOLoop

from labkit import engine
from labkit.private.bokeh import Written
from labkit.serving import ahead, cards, pages
from labkit.views import shown


class Context(ApplicationContext):
    """Hands out sessions as Bokeh's does, and counts them."""

    url = "/page"

    def __init__(self):
        self.made, self.asked = [], []

    async def create_session_if_needed(self, name, request):
        self.asked.append(request and request.query)
        document = Document()
        document.add_root(Div(text="first"))
        document.on_event("document_ready", lambda _event: document.add_root(Div(text="the rest")))
        self.made.append(ServerSession(name, document, io_loop=IOLoop.current()))
        return self.made[-1]


@pytest.fixture
def at_once(monkeypatch):
    """No pause for the browser's own work."""
    for name in ("QUIET", "PAUSE", "LOOK", "STILL"):
        monkeypatch.setattr(ahead, name, 0.0)


async def settled(context):
    """Return when no more sessions are built and written: forty turns of the event loop change nothing."""
    still, seen = 0, None
    while still < 40:
        await asyncio.sleep(0.002)
        now = [(len(each.document.roots), type(each.document.to_json)) for each in context.made]
        still, seen = (still + 1 if now == seen else 0), now


def stocked(size, present=0, taken=0):
    """The context of a stock of `size` sessions after a while, and the `taken` sessions that were then requested."""

    async def scenario():
        context = Context()
        stock = ahead.Stock(context, size, lambda: present)
        await stock.fill()
        await settled(context)
        had = [stock.take() for _ in range(taken)]
        before = len(context.made)
        await settled(context)
        return context, had, before

    return asyncio.run(scenario())


def test_a_single_waiting_session_has_only_its_first_picture(at_once):
    context, _, _ = stocked(1)
    assert [len(session.document.roots) for session in context.made] == [1]
    assert context.made[0].expiration_blocked


def test_several_waiting_sessions_are_complete_and_written(at_once):
    context, _, _ = stocked(4)
    assert [len(session.document.roots) for session in context.made] == [2] * 4
    assert all(isinstance(session.document.to_json, Written) for session in context.made)


def test_a_page_is_written_only_when_it_no_longer_changes():
    """Panel may not report the changes of a page that has a browser, so the page must be idle before."""
    assert ahead.STILL > engine.AWAY


def test_two_calls_at_the_same_time_build_one_session(at_once):
    class Slow(Context):
        async def create_session_if_needed(self, name, request):
            await asyncio.sleep(0.01)
            return await super().create_session_if_needed(name, request)

    async def scenario():
        context = Slow()
        stock = ahead.Stock(context, 1, lambda: 0)
        await asyncio.gather(stock.fill(), stock.fill())
        return len(context.made), len(stock)

    assert asyncio.run(scenario()) == (1, 1)


def test_a_session_that_ended_is_not_completed(at_once, monkeypatch):
    """Its main part never comes, so without this the stock would wait for minutes."""
    greeted = []
    monkeypatch.setattr(ahead, "greet", greeted.append)

    async def scenario():
        session = await Context().create_session_if_needed("one", None)
        session.document.add_timeout_callback(lambda: None, 60_000)
        building = asyncio.ensure_future(ahead.complete(session))
        await asyncio.sleep(0.01)
        session.destroy()
        await asyncio.wait_for(building, 20)
        await ahead.complete(session)
        return building.done()

    assert asyncio.run(scenario()) and greeted == []


@pytest.mark.parametrize(("present", "standing"), [(0, 4), (1, 3), (4, 1), (9, 1)])
def test_visitors_who_have_arrived_are_not_counted(at_once, present, standing):
    context, _, _ = stocked(4, present)
    assert len(context.made) == standing


def test_a_visitor_gets_the_oldest_session_and_a_new_one_is_built(at_once):
    context, had, before = stocked(3, taken=4)
    assert had == [*context.made[:3], None] and before == 3 and len(context.made) == 6


def test_sessions_are_discarded_when_what_they_depend_on_has_changed(at_once, monkeypatch):
    monkeypatch.setattr(ahead, "CHECKS", 0.01)
    networks = ["one"]

    async def scenario():
        context = Context()
        stock = ahead.Stock(context, 2, lambda: 0, basis=lambda: tuple(networks))
        await stock.fill()
        await settled(context)
        networks.append("two")
        first = stock.take()  # the old sessions show one network only
        await settled(context)
        return context.made, first, stock.take()

    made, first, second = asyncio.run(scenario())
    assert first is None and second is made[2] and len(made) >= 4
    assert [session.expiration_blocked for session in made[:4]] == [False, False, True, True]


def linked(size, *links):
    """A page that is prepared for `size` visitors, after the links of some of its settings were shared."""

    async def scenario():
        context = Context()
        await ahead.stock(context, size, lambda: 0)
        await settled(context)
        for link in links:
            assert ahead.expect("/page", link) == (size if size > 1 else 0)
            await settled(context)
        return context, ahead.waiting(), [stock.take() for stock in ahead._links.values()]

    return asyncio.run(scenario())


@pytest.fixture
def no_stocks(monkeypatch):
    monkeypatch.setattr(ahead, "_stocks", {})
    monkeypatch.setattr(ahead, "_links", {})


def test_one_link_is_prepared_with_its_settings(at_once, no_stocks):
    context, waiting, taken = linked(3, "n=5", "n=5", "n=7")
    assert context.asked == [""] * 3 + ["n=5"] * 3 + ["n=7"] * 3
    assert waiting == 6 and taken == [context.made[6]]
    assert [each.expiration_blocked for each in context.made] == [True] * 3 + [False] * 3 + [True] * 3


def test_a_link_is_prepared_again_after_its_time(at_once, no_stocks, monkeypatch):
    monkeypatch.setattr(ahead, "KEPT", 0.3)

    async def scenario():
        context = Context()
        await ahead.stock(context, 2, lambda: 0)
        for _ in range(2):
            assert ahead.expect("/page", "n=5") == 2
            await settled(context)
            while ahead._links:
                await asyncio.sleep(0.01)
        return context

    context = asyncio.run(scenario())
    assert context.asked == [""] * 2 + ["n=5"] * 4 and ahead.waiting() == 2
    assert [each.expiration_blocked for each in context.made] == [True] * 2 + [False] * 4


def test_a_link_is_prepared_for_a_class_that_already_looks_at_another_page(at_once, no_stocks):
    async def scenario():
        context = Context()
        await ahead.stock(context, 3, lambda: 9)
        await settled(context)
        assert ahead.expect("/page", "n=5") == 3
        await settled(context)
        return context

    assert asyncio.run(scenario()).asked == ["", "n=5", "n=5", "n=5"]


def test_a_visitor_of_a_prepared_link_gets_its_session(at_once, no_stocks):
    def visit(context, query):
        visitor = SimpleNamespace(application_context=context, request=SimpleNamespace(query=query))
        return ahead.Ready._stands(visitor)

    async def scenario():
        context = Context()
        await ahead.stock(context, 2, lambda: 0)
        ahead.expect("/page", "n=5")
        await settled(context)
        return context, await visit(context, "n=5"), await visit(context, "")

    context, linked, plain = asyncio.run(scenario())
    assert context.asked[:4] == ["", "", "n=5", "n=5"] and (linked, plain) == (context.made[2], context.made[0])


def test_a_link_that_is_replaced_while_its_page_is_built_keeps_nothing(at_once, no_stocks, monkeypatch):
    monkeypatch.setattr(ahead, "CHECKS", 0.01)
    checks = []

    async def scenario():
        context, begun, gate = Context(), asyncio.Event(), asyncio.Event()
        await ahead.stock(context, 2, lambda: 0, basis=lambda: checks.append(1))
        await settled(context)
        create = context.create_session_if_needed

        async def slowly(name, request):
            begun.set()
            await gate.wait()
            return await create(name, request)

        context.create_session_if_needed = slowly
        ahead.expect("/page", "n=5")
        stock = ahead._links[context, "n=5"]
        await begun.wait()
        ahead._forget(*ahead._links)
        gate.set()
        await settled(context)
        return context, stock

    context, stock = asyncio.run(scenario())
    assert len(stock) == 0 and stock._next is None
    assert context.asked == ["", "", "n=5"] and not context.made[-1].expiration_blocked


def test_the_time_of_a_link_begins_again_when_it_is_prepared_again(at_once, no_stocks, monkeypatch):
    monkeypatch.setattr(ahead, "KEPT", 1.0)

    async def scenario():
        context = Context()
        await ahead.stock(context, 2, lambda: 0)
        for link, seconds in (("n=5", 0.0), ("n=7", 0.0), ("n=5", 0.6), ("n=5", 0.6)):
            ahead.expect("/page", link)
            await asyncio.sleep(seconds)
        return list(ahead._links)

    assert [query for _, query in asyncio.run(scenario())] == ["n=5"]


def test_a_link_is_not_prepared_for_one_visitor_or_an_unknown_page(at_once, no_stocks):
    context, waiting, taken = linked(1, "n=5")
    assert context.asked == [""] and waiting == 1 and taken == []
    assert ahead.offer("/page", "n=5") == ahead.expect("/other", "n=5") == ahead.expect("/page", "") == 0


def test_a_page_without_AHEAD_is_not_prepared_and_a_function_says_what_it_depends_on(tmp_path):
    for name, text in {"a": "", "b": "AHEAD = True", "c": "AHEAD = lambda: 3"}.items():
        (tmp_path / f"{name}.py").write_text(f"{text}\n\ndef page():\n    return None\n")
    found = [pages.basis(page) for page in pages.listing(tmp_path)]
    assert found[0] is None and [basis() for basis in found[1:]] == [None, 3]


@pytest.mark.slow
def test_the_pages_of_the_methods_are_prepared_and_depend_on_the_networks_of_the_runs():
    """Slow: it imports the pages."""
    found = {page.name: pages.basis(page) for page in pages.listing()}
    assert [name for name, basis in found.items() if basis] == ["svgd", "draw", "dreg"]
    assert "draw-small" in found["draw"]() and found["svgd"]() is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["svgd", "draw", "dreg"])
def test_a_prepared_page_has_all_its_pictures_and_controls(name):
    """Slow: it builds real pages."""
    (page,) = (each for each in pages.listing() if each.name == name)

    def build(document):
        with set_curdoc(document):
            cards.show(page)

    async def scenario():
        handlers = FunctionHandler(build), DocumentLifecycleHandler()
        context = ApplicationContext(Application(*handlers), io_loop=IOLoop.current(), url=page.route)
        stock = ahead.Stock(context, 2, lambda: 0)
        await stock.fill()
        session = stock.take()
        live = shown.on(session.document)
        try:
            shown_now = [stage for stage in live.stages if not stage.hidden]  # empty pictures are hidden
            return len(shown_now), sum(bool(stage.sources) for stage in shown_now), live.bar.filled
        finally:
            session.request_expiration()
            await context._cleanup_sessions(0)

    pictures, drawn, controls = asyncio.run(scenario())
    assert pictures == drawn > 0 and controls

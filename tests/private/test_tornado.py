"""Private interfaces of tornado that labkit uses exist and behave as expected."""

import asyncio

from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.routing import AnyMatches, Rule
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from labkit.private import tornado as private


class Name(RequestHandler):
    def get(self):
        self.finish(f"{type(self).__name__} at {private.reached(self.request)}")


class Page(Name):
    pass


class Guard(Name):
    pass


def answer(prepare):
    """The response of an application with one page, after `prepare(application)`."""

    async def scenario():
        application = Application([(r"/page", Page)])
        prepare(application)
        socket, port = bind_unused_port()
        server = HTTPServer(application)
        server.add_socket(socket)
        found = await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/page")
        server.stop()
        return found.body.decode()

    return asyncio.run(scenario())


def test_a_rule_is_checked_before_the_rules_of_every_host(relied_on):
    with relied_on("tornado's default_router has changed: labkit.private.tornado.ask_first needs another way"):
        assert answer(lambda application: private.ask_first(application, [Rule(AnyMatches(), Guard)])).startswith(
            "Guard"
        )


def test_the_handler_classes_are_listed(relied_on):
    with relied_on("tornado's wildcard_router has changed: labkit.private.tornado.handlers needs another way"):
        assert private.handlers(Application([(r"/page", Page), (r"/guard", Guard)])) == [Page, Guard]


def test_a_request_has_the_address_at_which_it_arrived(relied_on):
    with relied_on("tornado's request.connection has changed: labkit.private.tornado.reached needs another way"):
        assert answer(lambda application: None) == "Page at 127.0.0.1"

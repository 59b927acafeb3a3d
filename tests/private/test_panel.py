"""Panel's private interfaces that labkit uses exist and behave as expected."""

import asyncio
import importlib
import threading
from types import SimpleNamespace

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, ImportedStyleSheet
from bokeh.plotting import figure
from panel.io.location import Location
from panel.io.server import RequestProxy
from pyviz_comms import Comm
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from labkit.private import panel as private


class Wire(Comm):
    """An open connection to a notebook's browser that keeps what is sent."""

    def __init__(self):
        super().__init__()
        self.sent, self._comm = [], self

    def send(self, data=None, metadata=None, buffers=()):
        self.sent.append((data, [*buffers]))


def in_a_notebook(source):
    """A pane with a figure of the source, as a notebook shows it, and the connection to its browser."""
    drawn = figure()
    drawn.line("x", "y", source=source)
    pane, wire, document = pn.pane.Bokeh(drawn), Wire(), Document()
    document.add_root(pane.get_root(document, wire))
    document.hold()
    return pane, wire


def test_panel_pushes_the_changes_of_some_panes_to_a_notebook_as_text(relied_on):
    source, other = (ColumnDataSource({"x": [0.0, 1.0], "y": [0.0, 1.0]}) for _ in range(2))
    (pane, wire), (_, quiet) = in_a_notebook(source), in_a_notebook(other)
    source.patch({"y": [(0, 2.5)]})
    other.patch({"y": [(0, 3.5)]})
    with relied_on(
        "pn.state._views, pane._models or push has changed: labkit.private.panel.push_changes needs another way"
    ):
        private.push_changes([pane])
        header, metadata, content = wire.sent
        assert "2.5" in content[0] and not any(buffers for _, buffers in wire.sent)
        assert quiet.sent == []
        private.push_changes([pane])
        assert len(wire.sent) == 3  # a change is sent once


def test_messages_to_a_notebook_arrive_on_the_event_loop(relied_on, monkeypatch):
    targets, handlers, heard = {}, [], []
    manager = SimpleNamespace(register_target=targets.__setitem__, targets=targets)
    monkeypatch.setattr("IPython.get_ipython", lambda: SimpleNamespace(kernel=SimpleNamespace(comm_manager=manager)))
    monkeypatch.setattr(pn.io.notebook.JupyterCommManagerBinary, "client_comm", None)
    comm = SimpleNamespace(on_msg=handlers.append, send=lambda *_, **__: None)

    async def scenario():
        private.listen_in_turn()
        ear = pn.io.notebook.JupyterCommManagerBinary.get_client_comm(
            on_msg=lambda message: heard.append((message, threading.current_thread()))
        )
        targets[ear.id](comm, {})
        word = {"content": {"data": {"kind": "hello"}}, "buffers": []}
        await asyncio.to_thread(handlers[0], word)  # as JupyterLab 4.4 does
        await asyncio.sleep(0)

    with relied_on(
        "Panel's JupyterCommManagerBinary has changed: labkit.private.panel.listen_in_turn needs another way"
    ):
        asyncio.run(scenario())
        assert heard == [({"kind": "hello", "_buffers": {}}, threading.main_thread())]


def test_panel_uses_the_class_of_comms_that_labkit_replaces(relied_on):
    with relied_on("Panel shows views by another comm manager: labkit.private.panel.listen_in_turn must name it"):
        assert pn.viewable.JupyterCommManager is pn.io.notebook.JupyterCommManagerBinary


def test_current_sets_the_current_document_within_a_with(relied_on):
    document = Document()
    with relied_on("panel.io.state.set_curdoc has changed: labkit.private.panel.current needs another way"):
        before = pn.state.curdoc
        with private.current(document):
            assert pn.state.curdoc is document
        assert pn.state.curdoc is before


def test_style_sheets_come_from_this_server(relied_on):
    document = Document()
    document.add_root(pn.widgets.Button(label="Play").get_root(document))
    urls = lambda: [sheet.url for sheet in document.select({"type": ImportedStyleSheet})]  # noqa: E731
    assert urls()
    with relied_on("Panel's patch_model_css has changed: labkit.private.panel.serve_style_sheets needs another way"):
        private.serve_style_sheets(document)
        assert all(url.startswith("static/extensions/panel/") for url in urls())


def test_panel_reads_addresses_by_the_given_functions(relied_on, monkeypatch):
    for name in ("_get_location_params", "parse_query"):
        monkeypatch.setattr(pn.io.location, name, getattr(pn.io.location, name))
    line = RequestStartLine("GET", "/svgd?n=1", "HTTP/1.1")
    request = RequestProxy(HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "here:80"})))
    with relied_on("panel.io.location has changed: labkit.private.panel.read_addresses needs another way"):
        private.read_addresses(lambda *parts: {"href": " ".join(parts)}, lambda search: {"search": search})
        with private.current(Document()):
            found = Location.from_request(request)
        assert found.href == "http here:80 /svgd?n=1"
        assert found.query_params == {"search": ""}


def test_a_corrected_widget_takes_the_corrected_value(relied_on):
    class Even(private.Corrected, pn.widgets.IntInput):
        def corrected(self, props):
            return {name: number // 2 * 2 for name, number in props.items()}

    even = Even(value=0)
    with relied_on("Panel's _process_property_change has changed: labkit.private.panel.Corrected needs another way"):
        even._process_events({"value": 5})
        assert even.value == 4


@pytest.mark.parametrize("name", private.LOGGERS)
def test_panel_has_the_loggers_that_labkit_filters(relied_on, name):
    with relied_on(f"Panel logs no more as {name}: labkit.private.panel.LOGGERS needs its new name"):
        module = importlib.import_module(name)
        assert any(getattr(each, "name", None) == name for each in vars(module).values())

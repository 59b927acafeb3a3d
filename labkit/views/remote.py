"""The browser's side of a live view, as an invisible component: heartbeat, keys, colour scheme, saved files."""

import base64
from pathlib import Path

import param
from panel.custom import JSComponent

from labkit.views.keyboard import Keyboard, help_of
from labkit.views.stage import FITTING
from labkit.views.terms import choices, explained

SCRIPTS = "scheme", "present", "figures", "explain", "keyboard", "numbers", "relabel", "remote"


class Remote(JSComponent):
    """Forwards messages of the browser to `heard(message)`, and can send the browser a file to save.

    Messages, by their `kind`: "hello" and "scheme" with `dark` and `reduced`, and "beat" with the same every second
    while the page is visible. A live view on a page sends its beats on the websocket for frames. "bye" comes when
    the visitor leaves the page. "key" has the `name` of a key ("space", "right", "left" or "r"), and comes only while
    no control has the focus. "edit" has the `name` of a command of `labkit.views.keyboard` and the id of the Bokeh
    figure with the focus. Its `far` says whether Shift is down.
    """

    keys = param.Boolean(False, doc="whether this view receives the keys of the page")

    tips = param.Dict({}, doc="label of a control -> what it does, with symbol and unit: tooltip and description")

    words = param.Dict({}, doc='what the pictures show: "" -> one sentence, id of a Bokeh figure -> its description')

    terms = param.List([], doc="terms to explain, as in `labkit.views.terms`")

    choices = param.List([], doc="choices to explain, as in `labkit.views.terms`")

    editable = param.Dict({}, doc="id of a Bokeh figure that can be edited -> its keys, for screen readers")

    basic = param.List([], doc="names of the settings whose controls a new reader sees, all if it is empty")

    _esm = "".join(
        path.read_text(encoding="utf-8")
        for path in (*FITTING, *(Path(__file__).with_name(f"{name}.js") for name in SCRIPTS))
    )

    def __init__(self, heard, **params):
        super().__init__(**{"width": 0, "height": 0, "margin": 0, "terms": explained(), "choices": choices()} | params)
        self._heard = heard
        self._keyboards: dict[str, Keyboard] = {}

    def _handle_msg(self, msg: object) -> None:
        if not isinstance(msg, dict):
            return  # this message does not come from this page's script
        self._heard(msg)
        keyboard = self._keyboards.get(str(msg.get("figure"))) if msg.get("kind") == "edit" else None
        if keyboard:
            keyboard.press(str(msg.get("name")), bool(msg.get("far")))

    def listen(self, figure: str, keyboard: Keyboard, shown: set[str]) -> None:
        """Let a keyboard edit a Bokeh figure.

        Args:
            figure: the id of the figure. shown: the ids of all figures on screen; the keyboards of others end.
        """
        self._keyboards = {id: each for id, each in self._keyboards.items() if id in shown} | {figure: keyboard}
        self.editable = {id: help_of(each.things.noun) for id, each in self._keyboards.items()}

    def say(self, sentence: str) -> None:
        """Let a screen reader speak a sentence."""
        self._send_msg({"kind": "say", "data": sentence})

    def tell(self, sentence: str, texts: dict[str, str]) -> None:
        """Let the browser tell readers who do not see the pictures what these show.

        Args:
            sentence: about all of it, spoken by a screen reader. texts: about each picture, by the id of its figure.
        """
        self.words = {"": sentence, **texts}

    def save(self, filename: str, mime: str, content: bytes) -> None:
        """Let the browser save a file."""
        self._send_msg({"kind": "save", "filename": filename, "mime": mime, "data": base64.b64encode(content).decode()})

"""The browser's side of a live view, as an invisible component: heartbeat, keys, colour scheme, saved files."""

import base64
from pathlib import Path

import param
from panel.custom import JSComponent

from labkit.views.terms import choices, explained


class Remote(JSComponent):
    """Forwards messages of the browser to `heard(message)`, and can send the browser a file to save.

    Messages, by their `kind`: "hello" and "scheme" with `dark` and `reduced`, and "beat" with the same every second
    while the page is visible. "bye" comes when the visitor leaves the page. "key" has the `name` of a key ("space",
    "right", "left" or "r"), and comes only while no control has the focus.
    """

    keys = param.Boolean(False, doc="whether this view receives the keys of the page")

    tips = param.Dict({}, doc="label of a control -> what it does, with symbol and unit: tooltip and description")

    words = param.Dict({}, doc='what the pictures show: "" -> one sentence, id of a Bokeh figure -> its description')

    terms = param.List([], doc="terms to explain, as in `labkit.views.terms`")

    choices = param.List([], doc="choices to explain, as in `labkit.views.terms`")

    basic = param.List([], doc="names of the settings whose controls a new reader sees, all if it is empty")

    _esm = "".join(
        Path(__file__).with_name(name).read_text(encoding="utf-8")
        for name in ("scheme.js", "fit.js", "present.js", "explain.js", "remote.js")
    )

    def __init__(self, heard, **params):
        super().__init__(**{"width": 0, "height": 0, "margin": 0, "terms": explained(), "choices": choices()} | params)
        self._heard = heard

    def _handle_msg(self, msg: object) -> None:
        if isinstance(msg, dict):  # other messages do not come from this page's script
            self._heard(msg)

    def tell(self, sentence: str, texts: dict[str, str]) -> None:
        """Let the browser tell readers who do not see the pictures what these show.

        Args:
            sentence: about all of it, spoken by a screen reader. texts: about each picture, by the id of its figure.
        """
        self.words = {"": sentence, **texts}

    def save(self, filename: str, mime: str, content: bytes) -> None:
        """Let the browser save a file."""
        self._send_msg({"kind": "save", "filename": filename, "mime": mime, "data": base64.b64encode(content).decode()})

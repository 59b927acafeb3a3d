"""The browser's side of a live view, as an invisible component: heartbeat, keys, colour scheme, saved files."""

import base64
from pathlib import Path

import param
from panel.custom import JSComponent


class Remote(JSComponent):
    """Forwards messages of the browser to `heard(message)`, and can send the browser a file to save.

    Messages, by their `kind`: "hello" and "scheme" with `dark` and `reduced`, and "beat" with the same every second
    while the page is visible. "bye" comes when the visitor leaves the page. "key" has the `name` of a key ("space",
    "right", "left" or "r"), and comes only while no control has the focus.
    """

    keys = param.Boolean(False, doc="whether this view receives the keys of the page")

    tips = param.Dict({}, doc="label of a control -> what it does, with symbol and unit: tooltip and description")

    _esm = Path(__file__).with_name("remote.js")

    def __init__(self, heard, **params):
        super().__init__(**params)
        self._heard = heard

    def _handle_msg(self, msg: object) -> None:
        if isinstance(msg, dict):  # other messages do not come from this page's script
            self._heard(msg)

    def save(self, filename: str, mime: str, content: bytes) -> None:
        """Let the browser save a file."""
        self._send_msg({"kind": "save", "filename": filename, "mime": mime, "data": base64.b64encode(content).decode()})

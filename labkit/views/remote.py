"""The browser's side of a live view, as one invisible component: signs of life, keys, colour scheme, saved files."""

import base64
from pathlib import Path

import param
from panel.custom import JSComponent


class Remote(JSComponent):
    """Forwards what the browser says to `heard(message)` and can hand the browser a file to save.

    Messages: {kind: "hello" | "scheme", dark, reduced}; {kind: "beat", dark, reduced} every second while the page is
    visible; {kind: "bye"} when it is left; {kind: "key", name: "space" | "right" | "left" | "r"} while no control has
    the focus.
    """

    keys = param.Boolean(False, doc="whether the page's keys are this view's")

    tips = param.Dict({}, doc="label of a control -> what it does, with symbol and unit: tooltip and description")

    _esm = Path(__file__).with_name("remote.js")

    def __init__(self, heard, **params):
        super().__init__(**params)
        self._heard = heard

    def _handle_msg(self, msg: object) -> None:
        if isinstance(msg, dict):  # else it is not of this page's own script
            self._heard(msg)

    def save(self, filename: str, mime: str, content: bytes) -> None:
        """Let the browser save a file."""
        self._send_msg({"kind": "save", "filename": filename, "mime": mime, "data": base64.b64encode(content).decode()})

"""The strip of a lesson, as a component of the browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import param
from panel.custom import JSComponent

_HERE = Path(__file__).parent
PLACES = (_HERE / "places.js").read_text(encoding="utf-8")  # marks on a picture, for the page of a class too


class Strip(JSComponent):
    """Shows a step of a lesson: dots, a sentence, a question and the verdict. It forwards what the reader does.

    Messages to `heard(message)`, by their `kind`: "go" with a `step` from 0, "answer" with an `answer`, "play" and
    "free".
    """

    told = param.Dict({}, doc="what the strip shows, see `labkit.views.lessons`; empty for nothing")

    sizing_mode = param.String("stretch_width")

    _esm = PLACES + (_HERE / "strip.js").read_text(encoding="utf-8")

    keys = param.Boolean(False, doc="whether the strip receives the keys of the page")

    stylesheets = param.List([(_HERE / "strip.css").read_text(encoding="utf-8")])

    def __init__(self, heard: Callable[[dict[str, Any]], None], **params: Any):
        super().__init__(**params)
        self._heard = heard

    def _handle_msg(self, msg: object) -> None:
        if isinstance(msg, dict):  # other messages do not come from this page's script
            self._heard(msg)

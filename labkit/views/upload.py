"""A button that takes a file from the visitor; a message below it says what was read, or why it was not."""

import base64
import binascii
import logging
from collections.abc import Callable
from pathlib import Path

import panel as pn
import param

LOG = logging.getLogger(__name__)
MOST = 1_000_000  # bytes of a file; a message of a browser has room for it in base64
LONGEST = 60  # characters of a file's name that are shown


class Upload(pn.custom.JSComponent):
    """A button for one file; `taken(name, content)` reads it, and returns a sentence about what it found.

    A ValueError of `taken` becomes the sentence. A picture is made smaller in the browser, to 512 pixels at most.

    Args:
        words: what the file must be, for the tooltip.
        accept: endings or types, as in HTML.
        picture: whether the file is a picture.
        example: content of an example file in CSV, or "".
    """

    label = param.String("Upload")
    words = param.String("")
    accept = param.String("")
    picture = param.Boolean(False)
    most = param.Integer(MOST)
    example = param.String("")
    example_name = param.String("example.csv")
    _esm = Path(__file__).with_name("upload.js")

    def __init__(self, taken: Callable[[str, bytes], str], **params):
        super().__init__(**params)
        self._taken = taken

    def _handle_msg(self, message: object) -> None:
        if not isinstance(message, dict) or message.get("kind") != "file":
            return  # this message does not come from this page's script
        name, content = message.get("name"), message.get("content")
        if isinstance(name, str) and isinstance(content, str):
            self._send_msg({"kind": "said", "text": self.read(name, content)})

    def read(self, name: str, content: str) -> str:
        """Read a file in base64, and return the sentence about it."""
        short = name if len(name) <= LONGEST else name[: LONGEST - 3] + "..."
        if len(content) > 4 * MOST / 3 + 4:
            return f"{short} is larger than {MOST / 1e6:g} MB; choose a smaller file"
        try:
            return self._taken(short, base64.b64decode(content, validate=True))
        except binascii.Error:
            return f"{short} arrived damaged; choose it again"
        except ValueError as error:
            return str(error)
        except Exception:  # an error in labkit: the page must not wait
            LOG.exception("a file cannot be read")
            return f"{short} cannot be read; choose another file"

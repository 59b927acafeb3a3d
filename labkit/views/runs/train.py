"""The button *Train one now* of the page of runs."""

from pathlib import Path

import panel as pn


class TrainButton(pn.custom.JSComponent):
    """Starts and stops a training on the server, see `labkit.serving.training`; hidden in pages of other servers."""

    _esm = Path(__file__).with_name("train.js")

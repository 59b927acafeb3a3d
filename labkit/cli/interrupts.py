"""Lets Ctrl-C stop a run between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def first() -> Iterator[list]:
    """Yield a list that the first Ctrl-C fills, so that the step can end; a second Ctrl-C interrupts as usual."""
    pressed: list = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed  # only the main thread receives signals
        return
    before = signal.getsignal(signal.SIGINT)

    def note(*_: Any) -> None:
        pressed.append(True)
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)

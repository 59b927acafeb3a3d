"""The pictures of a run as text, for readers who do not see them."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from labkit.views.view import View, leading

PAUSE = 3.0  # seconds between two texts while a run plays: a screen reader has to finish the sentence


def sentence(views: Sequence[View], state: Any) -> str:
    """Return what the views say about a state, "" if they say nothing."""
    return joined(view.describe(state) for view in views)


def joined(texts: Iterable[str]) -> str:
    """Return texts as one, without those that are empty."""
    return " ".join(filter(None, texts))


class Narrator:
    """Sends the browser what the pictures show: after each change of a paused run, every few seconds of a playing one.

    Args:
        tell: tell(sentence, texts), where `texts` has one text per picture.
    """

    def __init__(self, tell: Callable[[str, list[str]], None]):
        self._tell, self._told, self._next = tell, None, 0.0

    def see(self, views: Sequence[View], state: Any, playing: bool) -> None:
        """Tell about a state of these views, if it is time."""
        if state is self._told or (playing and time.monotonic() < self._next):
            return
        self._told, self._next = state, time.monotonic() + PAUSE
        texts, large = [view.describe(state) for view in views], leading(views)
        self._tell(joined(text for view, text in zip(views, texts, strict=True) if view in large), texts)

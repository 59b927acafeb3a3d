"""The keyboard on a picture: Enter chooses a thing, arrow keys move it, A adds one, Delete removes it, Escape ends."""

from collections.abc import Callable, Hashable
from typing import Any

from labkit.views.things import Place, Things

STEP, FAR = 0.01, 0.1  # a move, and one with Shift, as fractions of the picture's width and height
WAYS = {"left": (-1, 0), "right": (1, 0), "down": (0, -1), "up": (0, 1)}
KEYS = (
    "Enter chooses the next {noun} (with Shift: the one before), arrow keys move it (with Shift: farther), "
    "A adds one, Delete removes it, Escape ends"
)


class Keyboard:
    """Turns keys on one picture into edits, and says what they did.

    Args:
        things: what can be edited.
        live: the run of the picture.
        say: gets a sentence for a screen reader.
    """

    def __init__(self, things: Things, live: Any, say: Callable[[str], None]):
        self.things, self._live, self._say = things, live, say
        self._played = False

    def press(self, name: str, far: bool = False) -> None:
        """Run the command of a key: one of `WAYS`, next, previous, add, remove, release or rest. Others do nothing.

        Args:
            far: whether a move is large.
        """
        if name in WAYS:
            self._move(WAYS[name], FAR if far else STEP)
            return
        self._rest()
        if name in ("next", "previous"):
            self._choose(1 if name == "next" else -1)
        elif name == "add":
            self._add()
        elif name == "remove":
            self._remove()
        elif name == "release":
            self.things.choose(None)

    def _rest(self) -> None:
        """Let the run continue after moves."""
        if self._played:
            self._played = False
            self._live.play()

    def _choose(self, by: int) -> None:
        listed = self.things.listed()
        if not listed:
            self._say(f"There is no {self.things.noun}. A adds one.")
            return
        keys = [thing.key for thing in listed]
        before = keys.index(self.things.chosen) if self.things.chosen in keys else min(-by, 0)
        thing = listed[(before + by) % len(keys)]
        self.things.choose(thing.key)
        same = [each.key for each in listed if each.name == thing.name]
        number = f"{same.index(thing.key) + 1} of {len(same)}"
        self._say(f"{thing.name.capitalize()} {number}: {self.things.words(thing.key, thing.place)}")

    def _move(self, way: tuple[int, int], share: float) -> None:
        key = self.things.chosen
        if key is None:
            self._miss()
            return
        if self.things.hold is not None and self._live.run.frame.playing:
            self._played = True
            self._live.pause()

        def to(place: Place) -> Place:
            (x, y), (right, up) = place, way
            (left, end), (low, high) = self.things.box
            return self.things.within((x + right * share * (end - left), y + up * share * (high - low)))

        self.things.move(key, to, lambda key, place: self._soon(lambda: self._say(self.things.words(key, place))))

    def _add(self) -> None:
        like = self.things.chosen
        (left, right), (low, high) = self.things.box
        places = {thing.key: thing.place for thing in self.things.listed()}
        x, y = places.get(like, ((left + right) / 2, (low + high) / 2))
        beside = self.things.within((x + 2 * STEP * (right - left), y))

        def added(key: Hashable, place: Place) -> None:
            self.things.choose(key)
            self._say(f"Added at {self.things.words(key, place)}")

        self.things.add(beside, like, lambda key, place: self._soon(lambda: added(key, place)))

    def _remove(self) -> None:
        key = self.things.chosen
        if key is None:
            self._miss()
            return

        def removed() -> None:
            self.things.choose(None)
            self._say("Removed")

        self.things.remove(key, lambda: self._soon(removed))

    def _miss(self) -> None:
        self._say(f"No {self.things.noun} is chosen. Enter chooses one.")

    def _soon(self, task: Callable[[], None]) -> None:
        """Run a task on the event loop: an edit ends on the thread of the run."""
        self._live.later(task)


def help_of(noun: str) -> str:
    """Return one line about the keys, for a reader with a keyboard."""
    return KEYS.format(noun=noun)


def tab_to(noun: str) -> str:
    """Return the same line for the page, which also says how to come to the picture."""
    return f"Press Tab until a frame is around the picture. {help_of(noun)}."

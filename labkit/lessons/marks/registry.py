"""The marks by name."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, get_origin


class Wanted(NamedTuple):
    """The kinds of values that an annotation allows, and their name in an error."""

    kinds: tuple[type, ...]
    words: str


WANTED: dict[Any, Wanted] = {
    int: Wanted((int,), "a whole number"),
    float: Wanted((int, float), "a number"),
    str: Wanted((str,), "a text"),
    Mapping: Wanted((Mapping,), "a table"),
}


@dataclass(frozen=True)
class Mark:
    """A function that computes an answer, and the tabs whose states it reads.

    Attributes:
        function: (states, **parameters) -> number, pair of numbers, or text.
        tabs: pairs of page and tab; empty for a function that reads the states of every tab.
    """

    function: Callable[..., Any]
    tabs: tuple[tuple[str, str], ...] = ()

    def __call__(self, states: Any, **parameters: Any) -> Any:
        """Return the answer for these states."""
        return self.function(states, **parameters)

    def fits(self, page: str, tab: str) -> bool:
        """Return whether the function reads the states of this tab."""
        return not self.tabs or (page, tab) in self.tabs

    @property
    def returns(self) -> str:
        """What the function returns by its annotation: "text", "number" or "place"; "" without an annotation."""
        kind = inspect.signature(self.function).return_annotation
        return {str: "text", float: "number", tuple: "place"}.get(get_origin(kind) or kind, "")

    def unfit(self, parameters: Mapping[str, Any]) -> str:
        """Return why the function does not take these parameters, "" if it does."""
        signature = inspect.signature(self.function)
        try:
            signature.bind([], **parameters)
        except TypeError as error:
            taken = ", ".join(list(signature.parameters)[1:]) or "none"
            return f"{error} (it has the parameters: {taken})"
        wrong = {name: signature.parameters[name].annotation for name in parameters if name in signature.parameters}
        for name, kind in wrong.items():
            wanted = WANTED.get(get_origin(kind) or kind)
            if wanted and (not isinstance(parameters[name], wanted.kinds) or isinstance(parameters[name], bool)):
                return f"{name} must be {wanted.words}, got {parameters[name]!r}"
        return ""


MARKS: dict[str, Mark] = {}


def register_mark(name: str, function: Callable[..., Any], tabs: tuple[tuple[str, str], ...] = ()) -> None:
    """Make a function known to lessons under this name.

    Args:
        function: (states, **parameters) -> number, pair of numbers, or the text of a choice. `states` are the kept
            states of the run since the step was entered, oldest first.
        tabs: pairs of page and tab whose states it reads, for example (("svgd", "Particles"),); empty for all.

    A function that is defined again, as in a notebook's cell, replaces its older version.

    Raises:
        ValueError: another function has this name.
    """
    if name in MARKS and _origin(MARKS[name].function) != _origin(function):
        raise ValueError(f"a mark is already called {name!r}; choose another name")
    MARKS[name] = Mark(function, tabs)


def _origin(function: Callable[..., Any]) -> tuple[str, str]:
    """Return the module and the name with which a function was defined."""
    return function.__module__, function.__qualname__


def mark(*tabs: tuple[str, str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that registers a function under its own name, for these tabs."""

    def keep(function: Callable[..., Any]) -> Callable[..., Any]:
        register_mark(function.__name__, function, tabs)
        return function

    return keep

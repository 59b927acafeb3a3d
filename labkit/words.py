"""Numbers and names in a sentence."""

from collections.abc import Iterable


def counted(n: int, noun: str) -> str:
    """Return a number of things: "1 draw", "2 draws"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def listed(words: Iterable[str]) -> str:
    """Return words as a list: "a", "a and b", "a, b and c"."""
    *some, last = [*words] or [""]
    return f"{', '.join(some)} and {last}" if some else last

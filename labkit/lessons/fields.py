"""The fields of a TOML table, read one by one. Each problem has a line."""

import difflib
import math
from collections.abc import Collection, Mapping
from typing import Any


class LessonError(ValueError):
    """A lesson that cannot be used. `lines` has one line for each problem."""

    def __init__(self, lines: list[str]):
        super().__init__("\n".join(lines))
        self.lines = lines


def short(value: Any, most: int = 60) -> str:
    """Return the value as text without line breaks, shortened to `most` characters."""
    text = " ".join(repr(value).split())
    return text if len(text) <= most else text[: most - 3] + "..."


def near(name: str, known: Collection[str]) -> str:
    """Return a hint with the most similar known name, or with all of them."""
    similar = difflib.get_close_matches(name, known, 1, 0.6)
    return f"did you mean {similar[0]!r}?" if similar else f"choose one of {', '.join(known)}"


class Fields:
    """The fields of one table. A wrong one adds a line to `problems` and counts as its default.

    Args:
        table: the table of a TOML file.
        where: its place, for the problems: file and step.
        problems: the lines so far.
    """

    def __init__(self, table: Mapping[str, Any], where: str, problems: list[str]):
        self.table, self.where, self.problems = table, where, problems
        self._asked: list[str] = []

    def problem(self, text: str) -> None:
        """Add a problem of this table."""
        self.problems.append(f"{self.where}: {text}")

    def wrong(self, name: str, wanted: str, do: str) -> None:
        """Add a problem of one field: what it must be, what it is, and what to do."""
        got = f"got {short(self.table[name])}" if name in self.table else "it is missing"
        self.problem(f"{name} must be {wanted}, {got}; {do}")

    def text(self, name: str, do: str, default: str | None = None) -> str:
        """Return a text. Without a default it must not be empty."""
        value = self._get(name, default)
        if isinstance(value, str) and (value.strip() or default is not None):
            return " ".join(value.split())
        self.wrong(name, "a text in quotes", do)
        return default or ""

    def one_of(self, name: str, known: Collection[str], needed: bool = True) -> str:
        """Return one of the known texts, "" if it is another, or missing and not needed."""
        value = self._get(name)
        if isinstance(value, str) and value in known:
            return value
        if value is None and not needed:
            return ""
        do = near(value, known) if isinstance(value, str) else f"choose one of {', '.join(known)}"
        self.wrong(name, "one of the known names", do)
        return ""

    def whole(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return a whole number."""
        value = self._get(name, default)
        if type(value) is int and low <= value <= high:
            return value
        self.wrong(name, f"a whole number from {low} to {high:,}", f"write for example {name} = {max(low, 5)}")
        return low

    def number(self, name: str, default: float = math.nan) -> float:
        """Return a finite number, or the default."""
        value = self._get(name, default)
        if name not in self.table or finite(value):
            return float(value)
        self.wrong(name, "a number", f"write for example {name} = 0.5")
        return default

    def truth(self, name: str) -> bool:
        """Return a truth value, by default false."""
        value = self._get(name, False)
        if not isinstance(value, bool):
            self.wrong(name, "true or false", "write it without quotes and in small letters")
        return value is True

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts, by default empty."""
        value = self._get(name, [])
        if isinstance(value, list) and all(isinstance(each, str) and each.strip() for each in value):
            return tuple(" ".join(each.split()) for each in value)
        self.wrong(name, "a list of texts", f'write for example {name} = ["yes", "no"]')
        return ()

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return a list of finite numbers, by default empty."""
        value = self._get(name, [])
        if isinstance(value, list) and all(map(finite, value)):
            return tuple(map(float, value))
        self.wrong(name, "a list of numbers", f"write for example {name} = [0.5, 1.0]")
        return ()

    def inner(self, name: str) -> dict[str, Any]:
        """Return a table, by default empty."""
        value = self._get(name, {})
        if isinstance(value, dict):
            return value
        self.wrong(name, "a table", f"write for example {name} = {{ n = 50 }}")
        return {}

    def tables(self, name: str) -> list[dict[str, Any]]:
        """Return a list of tables, by default empty."""
        value = self._get(name, [])
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return value
        self.wrong(name, "a list of tables", f"begin each with [[{name}]]")
        return []

    def no_others(self) -> None:
        """Add a problem for every field that was not read."""
        for name in self.table:
            if name not in self._asked:
                self.problem(f"nothing here is called {name!r}; {near(name, self._asked)}")

    def _get(self, name: str, default: Any = None) -> Any:
        self._asked.append(name)
        return self.table.get(name, default)


def finite(value: Any) -> bool:
    """Return whether a value is a finite number. A whole number with too many digits for a float is not one here."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False

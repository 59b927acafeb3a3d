"""Settings by name, as a link or a lesson asks for them: set those that are allowed, and say why others are not."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

import param

from labkit.experiments.settings import ExperimentSettings, Linkable, beyond_softbounds
from labkit.private.param import check

KINDS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "list": "a list"}


def set_all(owner: Linkable, values: dict[str, Any]) -> list[str]:
    """Set all allowed parameters at once, and return the refused ones with the reason for each.

    A link may not exceed the `softbounds` of a parameter; a script may.
    """
    refused, good = [], {}
    for name, value in values.items():
        wanted = owner.param[name]
        if isinstance(wanted, param.Number) and not isinstance(wanted, param.Integer) and type(value) is int:
            value = _as_float(value)  # not for true and false, which are refused below
        try:
            value = _offered(wanted, value)
            check(wanted, value)
            number = isinstance(wanted, param.Number) and not isinstance(wanted, param.Boolean)
            why = "must be a number" if number and isinstance(value, bool) else ""
            why = why or ("" if _finite(value) else "must be finite")
            why = why or beyond_softbounds(wanted, value) or owner.refuses(name, value, values)
        except ValueError as error:
            why = _above(owner, name, value) or _why(error)
        if why:
            refused.append(f"{name}={_short(value)}: {why}")
        else:
            good[name] = value
    try:
        owner.param.update(**good)
    except ValueError as error:  # each one is allowed, but not in this combination
        refused.append(", ".join(f"{name}={value}" for name, value in good.items()) + f": {_why(error)}")
    return refused


def values(owners: Iterable[Linkable]) -> dict[str, Any]:
    """Return all settings by name."""
    return {name: value for owner in owners for name, value in owner.param.values().items() if name != "name"}


def chosen(owners: Iterable[Linkable]) -> dict[str, Any]:
    """Return the settings that differ from their defaults, by name."""
    return {
        name: value for owner in owners for name, value in values([owner]).items() if value != owner.param[name].default
    }


def set_tab(settings: ExperimentSettings[Any], values: Mapping[str, Any]) -> tuple[list[str], dict[str, list[str]]]:
    """Set these values, and the defaults of all other parameters.

    One value may choose which settings a tab has: these are set after it. Only what changes is set, so that equal
    settings do not start a run again.

    Returns:
        the refused values with the reason for each; and names that no setting has, each with all names that exist.
    """
    refused, left, known, i = list[str](), dict(values), list[str](), 0
    while i < len(settings.owners):  # the first owner may choose the next
        owner, i = settings.owners[i], i + 1
        names = [name for name in owner.param if name != "name" and not owner.param[name].constant]
        wanted = {name: left.pop(name) if name in left else copy(owner.param[name].default) for name in names}
        refused += set_all(owner, {name: value for name, value in wanted.items() if value != getattr(owner, name)})
        known += names
    return refused, dict.fromkeys(left, known)


def _above(owner: Linkable, name: str, value: Any) -> str:
    """Return which limit of the server a value exceeds, "" if none."""
    most, option = owner.ceilings.get(name, (math.inf, ""))
    above = isinstance(value, int) and value > most
    return f"must be at most {most:,}, the most that this server allows ({option})" if above else ""


def _offered(parameter: "param.Parameter[Any]", value: Any) -> Any:
    """Return the choice of a parameter that a word means, also with other capital letters. Other values stay.

    Raises:
        ValueError: it has choices, and the word means no choice.
    """
    choices = parameter.objects if isinstance(parameter, param.Selector) and not isinstance(value, list) else []
    if value in choices or not all(isinstance(each, str) for each in choices) or not choices:
        return value
    word = str(value)
    for each in choices:
        if each.lower() == word.lower():
            return each
    near = difflib.get_close_matches(word, choices, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise ValueError(f"must be one of {', '.join(filter(None, choices))}{hint}")


def _as_float(value: int) -> float:
    """Return a whole number as a float; infinite if it is too large, which is then refused."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _why(error: ValueError) -> str:
    """Return param's message about a value, without the full name of the parameter."""
    text = re.sub(r"^\w+ parameter '[^']*' (value )?", "", str(error)).rstrip(".")
    return _short(re.sub(r"<class '(\w+)'>", lambda found: KINDS.get(found[1], found[1]), text), 200)


def _short(value: Any, most: int = 60) -> str:
    text = str(value)
    return text if len(text) <= most else text[: most - 3] + "..."


def _finite(value: Any) -> bool:
    if isinstance(value, list | dict):
        return all(map(_finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)

"""The text of a log-density, such as `-(x**2 - 4)**2 / 8 - y**2 / 2`, is parsed, and never run as a program.

    sum      = product (("+" | "-") product)*
    product  = signed (("*" | "/") signed)*
    signed   = ("+" | "-") signed | power
    power    = atom (("**" | "^") signed)?
    atom     = number | x | y | pi | e | function "(" sum ("," sum)* ")" | "(" sum ")"

The text becomes a tree of these parts, and torch computes the tree.
"""

import math
import re
from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import torch
from torch import Tensor

LONGEST = 300  # characters
DEEPEST = 40  # parentheses, signs and powers within each other
VARIABLES = ("x", "y")
CONSTANTS = {"pi": math.pi, "e": math.e}
ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "exp": torch.exp, "log": torch.log, "sqrt": torch.sqrt, "sin": torch.sin, "cos": torch.cos, "tan": torch.tan,
    "tanh": torch.tanh, "abs": torch.abs,
}  # fmt: skip
SEVERAL: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"min": torch.minimum, "max": torch.maximum}
OPERATORS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "+": torch.add, "-": torch.sub, "*": torch.mul, "/": torch.div, "**": torch.pow,
}  # fmt: skip
_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TOKEN = re.compile(rf"\s*(?:({_NUMBER})|([A-Za-z_][A-Za-z_0-9]*)|(\*\*|[-+*/^(),]))")

Tree = tuple[Any, ...]  # (kind, value or parts...)


class Token(NamedTuple):
    """A number, a name or a sign, and the place where it starts, counted from 1."""

    kind: str
    text: str
    at: int


class Formula:
    """A function of points x [..., d] that computes the formula in a text.

    Raises:
        ValueError: the text is not a formula; the message names the place.
    """

    def __init__(self, text: str):
        self.text = text
        self.tree = _Reader(text).read()
        self.dim = 2 if ("name", "y") in _parts(self.tree) else 1

    def __call__(self, x: Tensor) -> Tensor:
        values = dict(zip(VARIABLES, x.unbind(-1), strict=False))
        return _value(self.tree, values, x).expand(x.shape[:-1])

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"


def _value(tree: Tree, values: dict[str, Tensor], like: Tensor) -> Tensor:
    kind, *rest = tree
    if kind == "number":
        return like.new_tensor(rest[0])
    if kind == "name":
        return values[rest[0]]
    parts = [_value(part, values, like) for part in rest]
    if kind == "minus":
        return -parts[0]
    if kind in ONE:
        return ONE[kind](parts[0])
    return reduce({**SEVERAL, **OPERATORS}[kind], parts)


def _parts(tree: Tree) -> set[Tree]:
    """Return all names in a tree."""
    if tree[0] == "name":
        return {tree}
    return set().union(*(_parts(part) for part in tree[1:] if isinstance(part, tuple)))


class _Reader:
    """Reads a text from left to right; each method reads one line of the grammar."""

    def __init__(self, text: str):
        if len(text) > LONGEST:
            raise ValueError(f"a formula has at most {LONGEST} characters, this one has {len(text):,}; shorten it")
        self._tokens, self._next, self._depth = _tokens(text), 0, 0

    def read(self) -> Tree:
        tree = self._sum()
        if self._here.kind != "end":
            raise ValueError(self._wrong("an operator such as + or *, or the end"))
        return tree

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    def _takes(self, *signs: str) -> str:
        """Return the next sign and skip it, if it is one of these; otherwise ""."""
        token = self._here
        if token.kind != "sign" or token.text not in signs:
            return ""
        self._next += 1
        return token.text

    def _needs(self, sign: str) -> None:
        if not self._takes(sign):
            raise ValueError(self._wrong(repr(sign)))

    def _wrong(self, wanted: str) -> str:
        token = self._here
        got = "the end of the text" if token.kind == "end" else repr(token.text)
        return f"character {token.at} of the formula must be {wanted}, got {got}; correct it"

    def _sum(self) -> Tree:
        tree = self._product()
        while sign := self._takes("+", "-"):
            tree = (sign, tree, self._product())
        return tree

    def _product(self) -> Tree:
        tree = self._signed()
        while sign := self._takes("*", "/"):
            tree = (sign, tree, self._signed())
        return tree

    def _signed(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ValueError(
                f"the formula has more than {DEEPEST} levels at character {self._here.at}; use fewer parentheses"
            )
        sign = self._takes("+", "-")
        tree = self._power() if not sign else ("minus", self._signed()) if sign == "-" else self._signed()
        self._depth -= 1
        return tree

    def _power(self) -> Tree:
        tree = self._atom()
        return ("**", tree, self._signed()) if self._takes("**", "^") else tree

    def _atom(self) -> Tree:
        token = self._here
        if token.kind == "number":
            self._next += 1
            return "number", _number(token)
        if token.kind == "name":
            self._next += 1
            return self._named(token)
        if self._takes("("):
            tree = self._sum()
            self._needs(")")
            return tree
        raise ValueError(self._wrong("a number, x, y, a function or ("))

    def _named(self, token: Token) -> Tree:
        name = token.text
        if name in VARIABLES:
            return "name", name
        if name in CONSTANTS:
            return "number", CONSTANTS[name]
        if name not in ONE and name not in SEVERAL:
            known = ", ".join([*VARIABLES, *CONSTANTS, *ONE, *SEVERAL])
            raise ValueError(f"character {token.at} of the formula: {name!r} is unknown; use {known}")
        self._needs("(")
        parts = [self._sum()]
        while self._takes(","):
            parts.append(self._sum())
        self._needs(")")
        if (len(parts) == 1) != (name in ONE):
            wanted = "one number" if name in ONE else "two numbers or more, with commas"
            raise ValueError(
                f"character {token.at} of the formula: {name} needs {wanted}, got {len(parts)}; correct it"
            )
        return name, *parts


def _tokens(text: str) -> list[Token]:
    found, place = [], 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if not match:
            at = place + len(text[place:]) - len(text[place:].lstrip())
            raise ValueError(
                f"character {at + 1} of the formula: {text[at]!r} has no meaning here; use numbers, x, y, + - * / ** "
                "and functions such as exp(x)"
            )
        kind = next(kind for kind, part in zip(("number", "name", "sign"), match.groups(), strict=True) if part)
        found.append(Token(kind, match[match.lastindex or 0], match.start(match.lastindex or 0) + 1))
        place = match.end()
    return [*found, Token("end", "", len(text) + 1)]


def _number(token: Token) -> float:
    value = float(token.text)
    if not math.isfinite(value):
        raise ValueError(f"character {token.at} of the formula: {token.text} is too large; write a smaller number")
    return value

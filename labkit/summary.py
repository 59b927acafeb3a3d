"""The short text of a state, and its table in a notebook, because all its numbers would fill pages."""

import html
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor


class Summary:
    """A frozen dataclass of tensors with a text of one line. Give the dataclass `repr=False`.

    Attributes:
        line: the fields or properties in the line -> their names there.
    """

    line: ClassVar[dict[str, str]] = {}

    def __repr__(self) -> str:
        parts = ((shown, getattr(self, name)) for name, shown in self.line.items())
        return f"{_kind(self)}({', '.join(f'{shown} {_short(part)}' for shown, part in parts if part is not None)})"

    def _repr_html_(self) -> str:
        """Return a table of the fields, for a notebook."""
        rows = "".join(f"<tr>{''.join(f'<td>{html.escape(each)}</td>' for each in row)}</tr>" for row in _rows(self))
        head = "".join(f"<th>{name}</th>" for name in ("field", "shape", "type", "values"))
        return f"<table><caption>{_kind(self)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _kind(thing: object) -> str:
    """Return the name of a class with its subpackage, such as svgd.State."""
    module = type(thing).__module__.removeprefix("labkit.").split(".")[0]
    return f"{module}.{type(thing).__name__}"


def _short(value: Any) -> str:
    """Return a number as it is, many numbers as their range, and what has two axes or more as shape and dtype."""
    if not isinstance(value, Tensor):
        return str(value)
    if value.ndim > 1:
        return f"{list(value.shape)} {_dtype(value)}"
    return _range(value)


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.") + ("" if value.device.type == "cpu" else f" on {value.device}")


def _range(value: Tensor) -> str:
    """Return the number in a tensor, or the smallest and the largest; those that are not finite are counted."""
    numbers = value.detach().flatten()
    if not len(numbers):
        return "empty"
    if len(numbers) == 1 or numbers.dtype == torch.bool:
        return f"{numbers[0].item():.3g}" if len(numbers) == 1 else f"{int(numbers.sum())} of {len(numbers)} are true"
    good = numbers[numbers.isfinite()]
    rest = len(numbers) - len(good)
    words = f"{good.min().item():.3g} to {good.max().item():.3g}" if len(good) else "none finite"
    return f"{words}, {rest} not finite" if rest and len(good) else words


def _rows(thing: Any) -> Iterator[tuple[str, str, str, str]]:
    """Yield name, shape, type and values of each field; a part with fields of its own has one row for each."""
    for field in fields(thing):
        yield from _parts(field.name, getattr(thing, field.name))


def _parts(name: str, value: Any) -> Iterator[tuple[str, str, str, str]]:
    if isinstance(value, Tensor):
        yield name, str(list(value.shape)), _dtype(value), _range(value)
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        for part, each in zip(value._fields, value, strict=True):
            yield from _parts(f"{name}.{part}", each)
    elif is_dataclass(value):
        for field in fields(value):
            yield from _parts(f"{name}.{field.name}", getattr(value, field.name))
    else:
        text = str(value)
        yield name, "", type(value).__name__, text if len(text) <= 60 else f"{text[:57]}..."

"""The columns of a view as bytes and back: numbers, images, short texts.

A column becomes a small dict for the JSON head of a message, and a block of bytes in its body:

    {"type": "float32", "shape": [200]}                          numbers; also int32, uint8, uint16, uint32
    {"type": "uint16", "shape": [200], "low": -4, "by": 0.01}    levels: low + by * level is the number, 65535 is NaN
    {..., "log": true}                                           levels of the logarithm
    {"each": [{"type": "uint32", "shape": [28, 28]}]}            a list of arrays, for example one image
    {"text": ["a", "b"]}                                         texts, in the head

Of levels the body has the differences from row to row, modulo 65536: curves compress to a fifth so. All numbers are
little-endian. Every array begins at a multiple of four bytes, as a browser's typed arrays need.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

EXACT = ("int32", "uint8", "uint16", "uint32")  # types that are kept; other numbers become float32
LITTLE = {np.dtype(name): (name, np.dtype(name).newbyteorder("<")) for name in EXACT}
SINGLE = "float32", np.dtype("<f4")
LEVELS = 65535  # the levels are 0 to 65534; this one is NaN

Head = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column as bytes. Two equal columns have equal bytes, also where they hold NaN.

    Attributes:
        head: what the body is, see above.
        body: its arrays one after the other, each padded to four bytes.
        n: rows.
    """

    head: Head
    body: bytes
    n: int


def encode(values: Any) -> Column:
    """Return a column as bytes; float64 becomes float32. A column that is encoded already stays as it is.

    Args:
        values: an array of numbers or texts, or a list of texts, of numbers or of arrays.

    Raises:
        TypeError: it is something else.
    """
    if isinstance(values, Column):
        return values
    if isinstance(values, list | tuple) and any(isinstance(each, np.ndarray) for each in values):
        parts = [_numbers(np.asarray(each)) for each in values]
        return Column({"each": [head for head, _ in parts]}, b"".join(body for _, body in parts), len(values))
    array = np.asarray(values)
    if array.dtype.kind in "US" or array.dtype == object:
        texts = array.ravel().tolist()
        if not all(isinstance(each, str) for each in texts):
            raise TypeError(f"a column must hold numbers, texts or arrays, got {array.dtype} with {texts[:3]}")
        return Column({"text": texts}, b"", len(texts))
    head, body = _numbers(array)
    return Column(head, body, len(array))


def _numbers(array: np.ndarray[Any, Any]) -> tuple[Head, bytes]:
    if array.dtype.kind not in "fiub":
        raise TypeError(f"a column must hold numbers, texts or arrays, got {array.dtype}")
    kind, stored = LITTLE.get(array.dtype, SINGLE)
    body = array.astype(stored).tobytes()
    return {"type": kind, "shape": list(array.shape)}, body + bytes(-len(body) % 4)


def quantised(values: np.ndarray[Any, Any], low: float, high: float, log: bool = False) -> Column:
    """Return numbers as one of 65,535 levels between two limits: they are off by half a level at most.

    Args:
        values: none beyond the limits; NaN stays NaN.
        log: whether the levels are even in the logarithm.
    """
    if log:
        values, low, high = np.log(values), math.log(low), math.log(high)
    by = (high - low) / (LEVELS - 1) or 1.0
    levels = np.rint((np.asarray(values, dtype=np.float64) - low) / by)
    whole = np.where(np.isnan(levels), LEVELS, levels).astype(np.uint16)
    head, body = _numbers(np.diff(whole, prepend=np.uint16(0)))
    return Column(head | {"low": low, "by": by} | ({"log": True} if log else {}), body, len(values))


def decode(head: Head, body: bytes) -> Any:
    """Return the column that `encode` or `quantised` was given: an array, or a list of texts or of arrays."""
    if "text" in head:
        return list(head["text"])
    arrays = list(_arrays(head.get("each", [head]), body))
    if "each" in head:
        return arrays
    (array,) = arrays
    if "by" not in head:
        return array
    levels = np.cumsum(array, dtype=np.uint16)
    found = np.where(levels == LEVELS, np.nan, head["low"] + head["by"] * levels)
    return (np.exp(found) if head.get("log") else found).astype(np.float32)


def _arrays(heads: list[Head], body: bytes) -> Iterator[np.ndarray[Any, Any]]:
    at = 0
    for head in heads:
        kind = np.dtype(head["type"]).newbyteorder("<")
        count = math.prod(head["shape"])
        yield np.frombuffer(body, kind, count, at).reshape(head["shape"]).astype(head["type"])
        at += padded(kind.itemsize * count)


def length(head: Head) -> int:
    """Return the bytes of a column's body."""
    parts = [] if "text" in head else head.get("each", [head])
    return sum(padded(np.dtype(part["type"]).itemsize * math.prod(part["shape"])) for part in parts)


def padded(size: int) -> int:
    """Return the next multiple of four."""
    return size + -size % 4

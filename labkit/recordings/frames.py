"""Frames of a recording: what has changed since the frame before, as one binary message.

    4 bytes        length of the head, little-endian
    head           JSON: number, step, status, sentence, key, pictures (how many), empty, and the changed columns
    body           the bytes of these columns in the same order, see `labkit.recordings.columns`

A key frame has every column. Every other frame has the columns that changed; of a layer whose number of rows changed
it has all. `player.js` reads the same messages.
"""

import json
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.recordings.columns import Column, decode, encode, length, padded

Columns = dict[str, dict[str, Any]]  # layer -> column -> array, as a view returns them


@dataclass(frozen=True)
class Frame:
    """What the pictures show at one moment.

    Attributes:
        number: of the frame, counted from 0.
        step: of the run.
        status: a few words after the step counter.
        sentence: what the pictures show now, in one sentence or several; "" for none.
        columns: of each picture.
        empty: the pictures that show nothing yet, counted from 0.
    """

    number: int
    step: int
    status: str
    sentence: str
    columns: Sequence[Columns]
    empty: Sequence[int] = ()


class Packer:
    """Packs the frames of a recording one after the other, each without what the frame before has already."""

    def __init__(self) -> None:
        self._layers: dict[tuple[int, str], dict[str, Column]] = {}
        self._words: dict[str, Any] = {}
        self._came: dict[tuple[int, str], dict[str, Any]] = {}  # the columns of each layer, as they came

    def pack(self, frame: Frame) -> bytes:
        """Return the message of the next frame. The first one is a key frame."""
        key, changed = not self._words, {}
        for place, named in layers_of(frame.columns):
            came, before = self._came.get(place, {}), self._layers.get(place, {})
            if named is came:
                continue
            self._came[place] = named
            columns = {  # the same array is not encoded again
                name: before[name] if name in before and values is came.get(name) else encode(values)
                for name, values in named.items()
            }
            same = all(name in before and before[name].n == column.n for name, column in columns.items())
            new = {name: column for name, column in columns.items() if not same or column != before[name]}
            rows = max((column.n for column in columns.values()), default=0)
            kept = {name: column for name, column in before.items() if column.n == rows}
            self._layers[place] = kept | columns
            if new:
                changed[place] = new
        self._words = {
            "number": frame.number, "step": frame.step, "status": frame.status, "sentence": frame.sentence,
            "pictures": len(frame.columns), **({"empty": [*frame.empty]} if frame.empty else {}),
        }  # fmt: skip
        return _message(self._words | {"key": key}, changed)

    def key(self) -> bytes:
        """Return the last frame again as a key frame, for a viewer that joins later.

        Raises:
            ValueError: no frame was packed yet.
        """
        if not self._words:
            raise ValueError("there is no frame yet; pack one first")
        return _message(self._words | {"key": True}, self._layers)


def unpack(message: bytes, before: Frame | None = None) -> Frame:
    """Return the frame of a message.

    Args:
        before: the frame before; a key frame needs none.

    Raises:
        ValueError: it needs the frame before.
    """
    (size,) = struct.unpack_from("<I", message)
    head, at = json.loads(message[4 : 4 + size]), 4 + size
    if before is None and not head["key"]:
        raise ValueError(f"frame {head['number']} holds only changes; unpack the frame before it first")
    layers = {} if head["key"] or before is None else {place: dict(named) for place, named in layers_of(before.columns)}
    for picture, layer, columns in head["layers"]:
        new = {}
        for name, column in columns:
            new[name] = decode(column, message[at : at + length(column)])
            at += length(column)
        rows = max(map(len, new.values()), default=0)
        kept = {name: values for name, values in layers.get((picture, layer), {}).items() if len(values) == rows}
        layers[picture, layer] = kept | new
    found: list[Columns] = [{} for _ in range(head["pictures"])]
    for (picture, layer), named in layers.items():
        found[picture][layer] = named
    return Frame(head["number"], head["step"], head["status"], head["sentence"], found, tuple(head.get("empty", ())))


def layers_of(columns: Sequence[Columns]) -> Iterator[tuple[tuple[int, str], dict[str, Any]]]:
    """Yield (picture, layer) and the columns of each layer of a frame."""
    for picture, layers in enumerate(columns):
        for layer, named in layers.items():
            yield (picture, layer), named


def _message(words: dict[str, Any], layers: dict[tuple[int, str], dict[str, Column]]) -> bytes:
    listed = [
        [picture, layer, [[name, column.head] for name, column in named.items()]]
        for (picture, layer), named in layers.items()
    ]
    bodies = [column.body for named in layers.values() for column in named.values()]
    return b"".join([block(json_bytes(words | {"layers": listed})), *bodies])


def json_bytes(data: Any) -> bytes:
    """Return data as JSON, padded to a multiple of four bytes: JSON ignores spaces at its end."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (padded(len(text)) - len(text))


def block(data: bytes) -> bytes:
    """Return bytes after their length, which has four bytes."""
    return struct.pack("<I", len(data)) + data

"""An entry of the registry holds a data set's files with checksums and addresses, its terms, and its reader."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labkit.data import readers


@dataclass(frozen=True)
class File:
    """One file as it is downloaded; `size` in bytes, 0 if it is unknown."""

    name: str
    md5: str = ""  # checksum of the downloaded bytes
    unpacked_md5: str = ""  # checksum of the unpacked content; if known, only this is checked, because gzip may differ
    urls: tuple[str, ...] = ()  # mirrors, tried in this order
    size: int = 0
    confirmed: bool = True
    sha256: str = ""  # instead of md5


@dataclass(frozen=True)
class Source:
    """One source of a set: the files of each split, and `read(contents, split) -> (images, labels or None)`.

    A source with a `warning` only replaces the set by something similar: it comes last, and loading it warns.
    """

    files: Mapping[str, tuple[File, ...]]
    read: Callable[[list[bytes], str], readers.Arrays] = readers.no_images  # `tables` reads a table
    note: str = ""  # shown after the place in the list
    warning: str = ""
    keep: bool = True  # whether the cache keeps the unpacked arrays; this is useless if unpacking is fast


@dataclass(frozen=True)
class Set:
    """An image set: `shape` is (C, H, W), `splits` the number of images of each split, `binarisation` fixed or grey.

    The images of a fixed set hold only 0 and 255. Those of a grey set can be binarised at each use. 255 is white.
    """

    title: str
    shape: tuple[int, int, int]
    splits: Mapping[str, int]
    binarisation: str
    terms: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Columns:
    """A table: `features` columns and a target; `folder` is the folder of its files, relative to LABKIT_DATA."""

    title: str
    rows: int
    features: int
    terms: str
    sources: tuple[Source, ...]
    folder: str
    splits: tuple[str, ...] = ("all",)

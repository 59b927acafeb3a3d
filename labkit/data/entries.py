"""What the registry knows of a data set: its files with checksums and addresses, its terms, and what reads them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from labkit.data import readers


@dataclass(frozen=True)
class File:
    """One file as it is downloaded; `size` in bytes, 0 where it is unknown."""

    name: str
    md5: str = ""  # of the bytes as they come
    unpacked_md5: str = ""  # of what gzip holds; where it is known it alone decides, for copies are gzipped anew
    urls: tuple[str, ...] = ()  # mirrors, tried in this order
    size: int = 0
    confirmed: bool = True
    sha256: str = ""  # in place of md5


@dataclass(frozen=True)
class Source:
    """One way to have a set: the files of each split, and `read(contents, split) -> (images, labels or None)`.

    A source with a `warning` only stands in for the set: it comes last, and loading it warns.
    """

    files: Mapping[str, tuple[File, ...]]
    read: Callable[[list[bytes], str], readers.Arrays] = readers.no_images  # a table is read by `tables`
    note: str = ""  # beside the place in the list
    warning: str = ""
    keep: bool = True  # the unpacked arrays are kept in the cache; not worth it where unpacking takes no time


@dataclass(frozen=True)
class Set:
    """An image set: `shape` is (C, H, W), `splits` how many images each has, `binarisation` fixed or grey.

    The images of a fixed one hold 0 and 255 only; a grey one's can be binarised anew at each use (255 is ink or light).
    """

    title: str
    shape: tuple[int, int, int]
    splits: Mapping[str, int]
    binarisation: str
    terms: str
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Columns:
    """A table: `features` columns and a target; `folder` is where its files lie, in place of its name."""

    title: str
    rows: int
    features: int
    terms: str
    sources: tuple[Source, ...]
    folder: str
    splits: tuple[str, ...] = ("all",)

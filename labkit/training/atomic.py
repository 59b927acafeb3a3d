"""Files that are there whole or not at all: written beside their place, forced to disk, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ENDING = ".partial"


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write; at the end of the block it takes the place of `path`, and if that fails nothing has changed.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    beside = path.with_name(path.name + ENDING)
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(path: Path, content: bytes | str) -> None:
    """Put content in the place of `path`."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def sync_folder(folder: Path) -> None:
    """Force a rename to disk, where a folder can be opened; Windows has no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

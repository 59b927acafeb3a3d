"""Files that are written completely or not at all.

A new file is written under another name in the same folder, forced to disk and then renamed. The error of a failed
write names the file. If the disk is full, it also gives the free space.
"""

import errno
import io
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

ENDING = ".partial"
_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


class WriteError(OSError):
    """A file could not be written. The message is a single line with its name; `errno` is the system's error number."""

    def __str__(self) -> str:
        return str(self.strerror)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn an OSError of the block into a WriteError that names `path`."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise _told(error, path) from error


def _told(error: OSError, path: Path, written: int = 0) -> WriteError:
    """Return the error with advice. written: bytes of the partial file, which is removed and frees its space."""
    why = error.strerror or str(error)
    if error.errno in _FULL:
        there = next(folder for folder in path.absolute().parents if folder.is_dir())
        free = (shutil.disk_usage(there).free + written) / 1e6
        why += f", {free:,.3g} MB were free there; free some space, or write to another disk"
    elif error.errno == errno.EFBIG:
        why += "; the system limits the size of a file (ulimit -f): raise that limit"
    elif error.errno == errno.ENOENT:
        why += f"; make the folder {path.parent}, or name another"
    elif error.errno == errno.EISDIR:
        why += "; name a file"
    return WriteError(error.errno, f"cannot write {path}: {why}")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Yield a free name in the folder of `path`. The file that the block writes there replaces `path` at its end.

    If the block or the renaming fails, `path` is unchanged.
    """
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}{ENDING}")  # two processes may make the same file
    try:
        yield part
        with named(path):
            os.replace(part, path)
    except BaseException:
        with suppress(OSError):  # the file was never created, or its disk is no longer there
            part.unlink()
        raise
    _sync_folder(path.parent)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write. At the end of the block it replaces `path`; if anything fails, `path` is unchanged.

    Raises:
        WriteError: the disk is full, or the folder cannot be written.
    """
    with beside(path) as part:
        with named(path):
            raw = _Raw(part, path)
        try:
            with io.BufferedWriter(raw) as file:
                yield file
                file.flush()
                raw.sync()
        except Exception as error:
            if raw.failure is None or raw.failure is error:
                raise
            raise raw.failure from None  # torch.save turns a failed write into a RuntimeError that names no file


def write(path: Path, content: bytes | str) -> None:
    """Write content to `path`, in place of what the file contained."""
    with replacing(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


def append(path: Path, text: str) -> None:
    """Add text to the end of a file; create the file if it does not exist.

    Raises:
        WriteError: the text could not be written completely.
    """
    with named(path), path.open("a", encoding="utf-8", newline="") as file:
        file.write(text)


def sync(path: Path) -> None:
    """Force the appended text of a file to disk."""
    with named(path), path.open("r+b") as file:
        os.fsync(file.fileno())


def sweep(folder: Path) -> None:
    """Remove the partial files that killed processes left in a folder."""
    for leftover in folder.glob(f"*{ENDING}"):
        leftover.unlink(missing_ok=True)


class _Raw(io.FileIO):
    """A new file that remembers the first failed write.

    It hides its file number, so a library must send every byte through `write`.
    """

    def __init__(self, part: Path, path: Path) -> None:
        super().__init__(part, "xb")
        self._path = path
        self.failure: WriteError | None = None

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            self.failure = self.failure or _told(error, self._path, self.tell())
            raise self.failure from error

    def fileno(self) -> int:
        raise io.UnsupportedOperation("fileno")

    def sync(self) -> None:
        with named(self._path):
            os.fsync(super().fileno())


def _sync_folder(folder: Path) -> None:
    """Force a rename to disk. Windows cannot open a folder, so there this does nothing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

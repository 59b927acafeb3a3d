"""`fetch` downloads the files of a set into the cache, from the first mirror that sends the right bytes.

A download that stops leaves NAME.part, which the next download continues. Bytes that are complete but wrong are
removed at once. pooch gives a file its name only after the check.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from labkit import atomic
from labkit.data import files, registry
from labkit.data.registry import File

_TIMEOUT = 30  # seconds without a byte
_CHUNK = 1 << 16


@runtime_checkable
class Bar(Protocol):
    """pooch's protocol of a progress bar, in bytes."""

    total: int

    def update(self, count: int) -> None: ...
    def reset(self) -> None: ...
    def close(self) -> None: ...


def fetch(name: str, *, accept: bool = False, progress: Callable[[str], Bar] | None = None) -> list[Path]:
    """Return the paths of all files of a set, verified; the missing ones are downloaded.

    Args:
        accept: accept a file with another checksum if the expected one is unconfirmed, and remember it.
        progress: returns the progress bar of a file for its name.

    Raises:
        ValueError: the name is unknown.
        AlteredError: a file in LABKIT_DATA, or that of every mirror, has a wrong checksum.
        OSError: no mirror responded, or the cache cannot be written.
    """
    source = _choose(name)
    wanted = dict.fromkeys(file for split in source.files.values() for file in split)
    return [_have(name, file, accept) or _download(name, file, accept, progress) for file in wanted]


def _choose(name: str) -> registry.Source:
    """Return the first source that is complete here and does not replace the set by something else.

    Otherwise return the source to download.
    """
    wanted = registry.find(name)
    for source in wanted.sources:
        every = [file for split in source.files.values() for file in split]
        if not source.warning and all(files.find(name, file) for file in every):
            return source
    return wanted.sources[0]


def _have(name: str, file: File, accept: bool) -> Path | None:
    """Return the file if it is complete and right; remove a wrong one from the cache, and raise an error elsewhere."""
    path = files.find(name, file)
    if path is None:
        return None
    try:
        files.read(path, file, name)
    except files.AlteredError:
        if accept and not file.confirmed:
            files.accept(path.read_bytes(), file, name)
        elif path.is_relative_to(files.cache()):
            path.unlink()
            return None
        else:
            raise
    return path


def _download(name: str, file: File, accept: bool, progress: Callable[[str], Bar] | None) -> Path:
    import pooch

    folder = files.cache() / name
    part, errors = folder / f"{file.name}.part", []
    with atomic.named(part):
        folder.mkdir(parents=True, exist_ok=True)
    for url in file.urls:
        if accept and not file.confirmed:
            part.unlink(missing_ok=True)  # without a checksum, parts of two mirrors' files could be mixed
        bar = progress(file.name) if progress else None
        downloader = Resuming(part, lambda packed: _check(packed, name, file, accept), bar)
        try:
            with _quiet():
                return Path(pooch.retrieve(url, None, file.name, folder, downloader=downloader))
        except atomic.WriteError:  # bytes of another mirror could not be written either
            raise
        except (OSError, ValueError) as error:
            errors.append((url, error))
    said = "; ".join(f"{url}: {_words(error)}" for url, error in errors)
    kept = f"{part.stat().st_size:,} bytes are kept, and the next download continues them; " if part.exists() else ""
    advice = f"try again later, or put {file.name} ({files.expected(file)}) in the folder {name} of LABKIT_DATA"
    altered = any(isinstance(error, files.AlteredError) for _, error in errors)
    kind = files.AlteredError if altered else ConnectionError
    raise kind(f"{name}: {file.name} was not downloaded: {said}; {kept}{advice}")


def _words(error: Exception) -> str:
    """Return the error of one mirror as text, without the chain of causes that requests adds."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP {error.response.status_code}"
    if isinstance(error, requests.Timeout):
        return f"no response within {_TIMEOUT} s"
    return "no connection" if isinstance(error, requests.ConnectionError) else str(error)


def _check(packed: bytes, name: str, file: File, accept: bool) -> None:
    _, found = files.inspect(packed, file, name)
    if found is None:
        return
    if accept and not file.confirmed:
        files.accept(packed, file, name)
        return
    size = f"{len(packed):,} bytes"
    raise files.AlteredError(f"{size}: expected {files.expected(file)}, found {found}{files.advice(file, name)}")


class Resuming:
    """A downloader in pooch's protocol that continues `part` where an earlier one stopped, and checks the result.

    If a continued file fails the check, parts of two files may be mixed. Then it is downloaded again from its start.
    """

    def __init__(self, part: Path, check: Callable[[bytes], None], bar: Bar | None = None) -> None:
        self.part, self.check, self.bar = part, check, bar

    def __call__(self, url: str, output_file: str, pooch: Any, check_only: bool = False) -> None:
        try:
            resumed = self._get(url)
            try:
                self.check(self.part.read_bytes())
            except ValueError:
                self.part.unlink()
                if not resumed:
                    raise
                return self(url, output_file, pooch)
            os.replace(self.part, output_file)
        finally:
            if self.bar:
                self.bar.close()

    def _get(self, url: str) -> bool:
        """Complete the part, and return whether there was a part to continue."""
        import requests
        from urllib3.exceptions import HTTPError

        have = self.part.stat().st_size if self.part.exists() else 0
        asked = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
        with requests.get(url, headers=asked, stream=True, timeout=_TIMEOUT) as answer:
            if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                return True  # the part has all bytes already; the check decides
            answer.raise_for_status()
            resumed = have > 0 and answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
            self._tell(int(answer.headers.get("Content-Length", 0)), have if resumed else 0)
            try:
                with atomic.named(self.part), self.part.open("ab" if resumed else "wb") as out:
                    for chunk in answer.raw.stream(_CHUNK, decode_content=False):  # as they are sent, packed
                        out.write(chunk)
                        if self.bar:
                            self.bar.update(len(chunk))
            except HTTPError as error:
                raise ConnectionError(f"stopped at {self.part.stat().st_size:,} bytes: {error}") from error
        return resumed

    def _tell(self, coming: int, have: int) -> None:
        if self.bar:
            self.bar.reset()
            self.bar.total = coming + have
            self.bar.update(have)


@contextmanager
def _quiet() -> Iterator[None]:
    """Stop pooch from logging each download to the terminal; its errors are exceptions anyway."""
    import pooch

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)

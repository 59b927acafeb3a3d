"""This module finds the files of a set and checks their bytes.

A file is searched for in LABKIT_DATA/NAME, then in the cache. If its unpacked checksum is known, it is found with or
without .gz. The set itself, in any folder, comes before a source that only replaces it.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from labkit import atomic
from labkit.data import registry
from labkit.data.registry import SETS, File, Source

_ACCEPTED = "accepted.json"


class AlteredError(ValueError):
    """A file whose bytes differ from those of the registry: truncated, damaged, or another file."""


def cache() -> Path:
    """Return the folder of downloaded and unpacked files: LABKIT_CACHE, or the system's folder for caches."""
    named = os.environ.get("LABKIT_CACHE")
    if named:
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("labkit"))


def folders(name: str) -> Iterator[tuple[str, Path]]:
    """Yield the folders that may hold the files of a set, in the order of search, as (place, path)."""
    named = os.environ.get("LABKIT_DATA")
    if named:
        yield "LABKIT_DATA", Path(named).expanduser() / _folder(name)
    yield "cache", cache() / _folder(name)


def _folder(name: str) -> str:
    return registry.TABLES[name].folder if name in registry.TABLES else name


def find(name: str, file: File) -> Path | None:
    """Return the path of a file of the set, or `None`; its bytes are not checked."""
    other = file.name.removesuffix(".gz") if file.name.endswith(".gz") else f"{file.name}.gz"
    names = [file.name, other] if file.unpacked_md5 else [file.name]
    paths = (folder / each for _, folder in folders(name) for each in names)
    return next((path for path in paths if path.is_file()), None)


def locate(name: str, split: str) -> tuple[Source, list[Path]]:
    """Return the first source of a set that has all files of the split, and these files.

    Raises:
        FileNotFoundError: no source is complete.
    """
    sources = registry.find(name).sources
    for source in sources:
        places = [find(name, file) for file in source.files[split]]
        paths = [path for path in places if path is not None]
        if len(paths) == len(places):
            return source, paths
    missing = next(file for file in sources[0].files[split] if find(name, file) is None)
    looked = " or in ".join(f"{place} ({folder})" for place, folder in folders(name))
    raise FileNotFoundError(
        f"{name} {split}: {missing.name} ({expected(missing)}) is not in {looked}; run `labkit data fetch {name}`, "
        f"or set LABKIT_DATA to a folder with {_folder(name)}/{missing.name}"
    )


def here(split: str) -> list[str]:
    """Return the sets whose files of a split exist here; their bytes are not checked."""
    found = []
    for name in SETS:
        with suppress(FileNotFoundError, KeyError):  # KeyError: the set does not have this split
            locate(name, split)
            found.append(name)
    return found


def where(name: str) -> str:
    """Return, as text for a list, the places where the splits of a set are found; bytes are not checked."""
    found: dict[str, str] = {}
    splits = registry.find(name).splits
    for split in splits:
        try:
            source, paths = locate(name, split)
        except FileNotFoundError:
            continue
        places = [place for path in paths for place, folder in folders(name) if path.parent == folder]
        note = f"({source.note})" if source.note and places else source.note
        found[split] = " ".join(filter(None, [*dict.fromkeys(places), note]))
    missing = [split for split in splits if split not in found]
    if not found:
        return "not downloaded"
    return ", ".join([*dict.fromkeys(found.values()), *(f"no {split}" for split in missing)])


def expected(file: File) -> str:
    """Return the kind and the value of the expected checksum, as text."""
    if file.sha256:
        return f"sha256 {file.sha256}"
    return f"md5 {file.unpacked_md5} unpacked" if file.unpacked_md5 else f"md5 {file.md5}"


def read(path: Path, file: File, name: str) -> bytes:
    """Return the verified content of a file, unpacked if it is gzipped.

    Raises:
        AlteredError: it is truncated, damaged or another file; the message has both checksums and what to do.
    """
    packed = path.read_bytes()
    content, found = inspect(packed, file, name)
    if found is None:
        return content
    again = f"run `labkit data fetch {name}`"
    mine = path.is_relative_to(cache())
    what = f"{again}, which downloads it again" if mine else f"replace or remove it, then {again}"
    sums = f"expected {expected(file)}, found {found}"
    raise AlteredError(f"{path} ({len(packed):,} bytes): {sums}; {what}{advice(file, name)}")


def inspect(packed: bytes, file: File, name: str) -> tuple[bytes, str | None]:
    """Return the unpacked content, and `None` if it is right, otherwise the checksum found, as text."""
    content, whole = packed, True
    if packed[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error):
            whole = False
    md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    if not whole:
        return content, f"md5 {md5} of a gzip file that is incomplete or damaged"
    if not file.confirmed and _accepted().get(f"{name}/{file.name}") == hashlib.sha256(packed).hexdigest():
        return content, None
    if file.sha256:
        sha256 = hashlib.sha256(packed).hexdigest()
        return content, None if sha256 == file.sha256 else f"sha256 {sha256}"
    if not file.unpacked_md5:
        return content, None if md5 == file.md5 else f"md5 {md5}"
    unpacked_md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return content, None if unpacked_md5 == file.unpacked_md5 else f"md5 {unpacked_md5} unpacked"


def advice(file: File, name: str) -> str:
    """Return the end of a message about a wrong checksum; it is empty if the expected checksum is confirmed."""
    if file.confirmed:
        return ""
    return (
        "; the expected value is unconfirmed, because labkit was not tested with this file; if you trust yours, "
        f"`labkit data fetch {name} --accept` accepts it as it is"
    )


def accept(packed: bytes, file: File, name: str) -> None:
    """Remember that these bytes are accepted for an unconfirmed file."""
    known = _accepted() | {f"{name}/{file.name}": hashlib.sha256(packed).hexdigest()}
    path = cache() / _ACCEPTED
    with atomic.named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, json.dumps(known, indent=1))


def _accepted() -> dict[str, str]:
    try:
        return json.loads((cache() / _ACCEPTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is no list yet, or it is damaged; then nothing is accepted
        return {}

"""Where the files of a set lie, and whether their bytes are the right ones.

A file is looked for in LABKIT_DATA/NAME, then in the cache; one whose unpacked checksum is known with or without .gz.
The set itself, wherever it lies, comes before what only stands in for it.
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
    """A file whose bytes are not those of the registry: truncated, damaged, or another one."""


def cache() -> Path:
    """The folder of what was downloaded and unpacked: LABKIT_CACHE, else the system's place for it."""
    named = os.environ.get("LABKIT_CACHE")
    if named:
        return Path(named).expanduser()
    import pooch

    return Path(pooch.os_cache("labkit"))


def folders(name: str) -> Iterator[tuple[str, Path]]:
    """The folders where the files of a set may lie, in the order in which they are looked in, as (place, path)."""
    named = os.environ.get("LABKIT_DATA")
    if named:
        yield "LABKIT_DATA", Path(named).expanduser() / _folder(name)
    yield "cache", cache() / _folder(name)


def _folder(name: str) -> str:
    return registry.TABLES[name].folder if name in registry.TABLES else name


def find(name: str, file: File) -> Path | None:
    """Where a file of the set lies, None if nowhere; its bytes are not looked at."""
    other = file.name.removesuffix(".gz") if file.name.endswith(".gz") else f"{file.name}.gz"
    names = [file.name, other] if file.unpacked_md5 else [file.name]
    paths = (folder / each for _, folder in folders(name) for each in names)
    return next((path for path in paths if path.is_file()), None)


def locate(name: str, split: str) -> tuple[Source, list[Path]]:
    """The first source of a set whose files for the split are all there, and those files.

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
    looked = " nor in ".join(f"{place} ({folder})" for place, folder in folders(name))
    raise FileNotFoundError(
        f"{name} {split}: {missing.name} ({expected(missing)}) is not in {looked}; run `labkit data fetch {name}`, "
        f"or name a folder with {_folder(name)}/{missing.name} in LABKIT_DATA"
    )


def here(split: str) -> list[str]:
    """The sets whose files of a split are here, by their names alone."""
    found = []
    for name in SETS:
        with suppress(FileNotFoundError, KeyError):  # KeyError: it has no such split
            locate(name, split)
            found.append(name)
    return found


def where(name: str) -> str:
    """In words, for a list: the places where the splits of a set are found, by their files' names alone."""
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
        return "not here"
    return ", ".join([*dict.fromkeys(found.values()), *(f"no {split}" for split in missing)])


def expected(file: File) -> str:
    if file.sha256:
        return f"sha256 {file.sha256}"
    return f"md5 {file.unpacked_md5} unpacked" if file.unpacked_md5 else f"md5 {file.md5}"


def read(path: Path, file: File, name: str) -> bytes:
    """The verified content of a file, unpacked where it is gzipped.

    Raises:
        AlteredError: truncated, damaged or another file; the message has both checksums and what to do.
    """
    packed = path.read_bytes()
    content, found = inspect(packed, file, name)
    if found is None:
        return content
    again = f"run `labkit data fetch {name}`"
    mine = path.is_relative_to(cache())
    what = f"{again}, which downloads it anew" if mine else f"replace or remove it, then {again}"
    sums = f"expected {expected(file)}, found {found}"
    raise AlteredError(f"{path} ({len(packed):,} bytes): {sums}; {what}{advice(file, name)}")


def inspect(packed: bytes, file: File, name: str) -> tuple[bytes, str | None]:
    """The unpacked content, and None where it is right, else the checksum found, in words."""
    content, whole = packed, True
    if packed[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(packed)
        except (OSError, EOFError, zlib.error):
            whole = False
    md5 = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    if not whole:
        return content, f"md5 {md5} of a gzip file that is cut short or damaged"
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
    if file.confirmed:
        return ""
    return (
        "; the expected value is unconfirmed (nobody here has seen this file): if you trust yours, "
        f"`labkit data fetch {name} --accept` takes it as it is"
    )


def accept(packed: bytes, file: File, name: str) -> None:
    """Remember that these bytes are to be taken for an unconfirmed file."""
    known = _accepted() | {f"{name}/{file.name}": hashlib.sha256(packed).hexdigest()}
    path = cache() / _ACCEPTED
    with atomic.named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, json.dumps(known, indent=1))


def _accepted() -> dict[str, str]:
    try:
        return json.loads((cache() / _ACCEPTED).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: then nothing is accepted
        return {}

"""Small files in the formats of the real ones, registered instead of them with their own checksums."""

import gzip
import hashlib
import struct
from dataclasses import replace

import numpy as np
import pytest

from labkit.data import registry


@pytest.fixture
def room(tmp_path, monkeypatch):
    """An empty LABKIT_DATA and cache, and no proxy between the tests and their server."""
    monkeypatch.setenv("LABKIT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


@pytest.fixture
def register(room, monkeypatch):
    """register(name, {file: bytes}, urls) gives these files of the set the checksums of those bytes, and mirrors."""

    def change(name, contents, urls=(), **fields):
        known = registry.SETS[name]
        sources = []
        for source in known.sources:
            files = {s: tuple(_known(f, contents, urls, fields) for f in those) for s, those in source.files.items()}
            sources.append(replace(source, files=files))
        monkeypatch.setitem(registry.SETS, name, replace(known, sources=tuple(sources)))

    return change


def _known(file, contents, urls, fields):
    if file.name not in contents:
        return file
    packed = contents[file.name]
    sums = {"md5": md5(packed)} | ({"unpacked_md5": md5(unpacked(packed))} if file.unpacked_md5 else {})
    return replace(file, **(sums | {"urls": tuple(f"{url}/{file.name}" for url in urls)} | fields))


@pytest.fixture
def lay(room, register):
    """lay(name, {file: bytes}) registers these files, writes them to LABKIT_DATA, and returns the folder."""

    def put(name, contents, **fields):
        register(name, contents, **fields)
        folder = room / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        for file, packed in contents.items():
            (folder / file).write_bytes(packed)
        return folder

    return put


@pytest.fixture
def digits_of_mnist():
    """(files of a small MNIST, train images [5, 28, 28], train labels [5]); the test split is the first two."""
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    labels = np.array([5, 0, 4, 1, 9], np.uint8)
    files = {}
    for stem, n in (("train", 5), ("t10k", 2)):
        files[f"{stem}-images-idx3-ubyte.gz"] = gzip.compress(idx(images[:n]))
        files[f"{stem}-labels-idx1-ubyte.gz"] = gzip.compress(idx(labels[:n]))
    return files, images, labels


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def md5(content: bytes) -> str:
    return hashlib.md5(content).hexdigest()


def unpacked(packed: bytes) -> bytes:
    return gzip.decompress(packed) if packed[:2] == b"\x1f\x8b" else packed
